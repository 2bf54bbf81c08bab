#!/bin/bash
# Question 13: one mail with many recipients; every reply is read, and refused addresses are named.
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_SMTP=${PORT_SMTP:-25}

exec 3<>/dev/tcp/$SERVEUR/$PORT_SMTP
read -r accueil <&3
echo -e "HELO moi\r" >&3
read -r reponse <&3
echo -e "MAIL FROM:<liste@tpmail.info.unicaen.fr>\r" >&3
read -r reponse <&3

while read -r adresse || [ -n "$adresse" ]
do
    echo -e "RCPT TO:<$adresse>\r" >&3
    read -r code texte <&3
    [ "$code" = 250 ] || echo "$adresse refusée : $code $texte"
done < "$1"

echo -e "DATA\r" >&3
read -r code texte <&3
if [ "$code" != 354 ]
then
    echo "$code $texte"
    exit 1
fi
sed -e 's/^\./../' -e 's/$/\r/' >&3
echo -e ".\r" >&3
read -r reponse <&3
echo "$reponse"
echo -e "QUIT\r" >&3
