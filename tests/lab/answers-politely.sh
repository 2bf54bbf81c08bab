#!/bin/bash
# Beside question 14: "I am away", as RFC 3834 has it. Neither lists nor programs are answered, each
# writer once, from the null path, and the answer says that a program wrote it.
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_POP=${PORT_POP:-110}
PORT_SMTP=${PORT_SMTP:-25}
PAUSE=${PAUSE:-10}

read mdp
touch deja
while sleep $PAUSE
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
        echo "TOP $i 0" >&3
        sed '/^\.\r$/q' <&3 > entete
        adresse=$(sed -n 's/^Return-Path: \(<.*>\)\r$/\1/p' entete | head -n 1)
        if [ "$adresse" = "<>" ] || grep -q -i -e '^List-Id:' -e '^Precedence:' -e '^Auto-Submitted: auto' entete
        then
            echo "message $i : pas de réponse"
        elif ! grep -q -x -F "$adresse" deja
        then
            exec 4<>/dev/tcp/$SERVEUR/$PORT_SMTP
            printf "HELO moi\nMAIL FROM:<>\nRCPT TO:$adresse\nDATA\nAuto-Submitted: auto-replied\nSubject: absent\n\nJe suis absent.\n.\nQUIT\n" >&4
            grep -q '^250 2.0.0' <&4 && echo "$adresse" >> deja
            exec 4>&-
            echo "$adresse : répondu"
        fi
        echo "DELE $i" >&3
        read -r ok <&3
    done
    echo "QUIT" >&3
    read -r ok <&3
    exec 3>&-
done
