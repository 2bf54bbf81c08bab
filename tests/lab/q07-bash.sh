#!/bin/bash
# Question 7: false From, To and Subject, through bash's own network, reading the replies.
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_SMTP=${PORT_SMTP:-25}

exec 3<>/dev/tcp/$SERVEUR/$PORT_SMTP
read reponse <&3
echo $reponse
for commande in "HELO moi" "MAIL FROM:<$1>" "RCPT TO:<$1>" "DATA"
do
    echo "$commande" >&3
    read reponse <&3
    echo $reponse
done
cat >&3 <<FIN
From: Le Président <president@unicaen.fr>
To: toute la promotion
Subject: examen annulé

L'examen est annulé.
.
FIN
read reponse <&3
echo $reponse
echo QUIT >&3
read reponse <&3
echo $reponse
