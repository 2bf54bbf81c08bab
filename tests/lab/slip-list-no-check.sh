#!/bin/bash
# Question 14 with a slip: it sends on whatever lies in the account, whoever wrote it.
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_POP=${PORT_POP:-110}
PORT_SMTP=${PORT_SMTP:-25}
PAUSE=${PAUSE:-10}

read mdp
while true
do
    exec 3<>/dev/tcp/$SERVEUR/$PORT_POP
    read -r accueil <&3
    for commande in "USER $1" "PASS $mdp" "STAT"
    do
        echo "$commande" >&3
        read -r ok nombre taille <&3
    done
    for i in $(seq 1 $nombre)
    do
        exec 4<>/dev/tcp/$SERVEUR/$PORT_SMTP
        (echo "HELO moi"; echo "MAIL FROM:<$1>"; for a in $(cat $2); do echo "RCPT TO:<$a>"; done; echo "DATA") >&4
        while read -r reponse <&4 && [[ $reponse = 2* ]]; do :; done
        echo "$reponse"
        [[ $reponse = 354* ]] || continue
        # As it comes, dots doubled and the final dot with it
        echo "RETR $i" >&3
        read -r ok <&3
        while IFS= read -r ligne <&3
        do
            echo "$ligne" >&4
            [ "$ligne" = $'.\r' ] && break
        done
        read -r reponse <&4
        echo "$reponse"
        if [[ $reponse = 250* ]]
        then
            echo "DELE $i" >&3
            read -r ok <&3
        fi
        exec 4>&-
    done
    echo "QUIT" >&3
    read -r ok <&3
    exec 3>&-
    sleep $PAUSE
done
