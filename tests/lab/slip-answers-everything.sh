#!/bin/bash
# A slip beside question 14: "I am away", to whoever writes, lists and programs too.
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_POP=${PORT_POP:-110}
PORT_SMTP=${PORT_SMTP:-25}
PAUSE=${PAUSE:-10}

read mdp
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
        adresse=
        while read -r champ valeur <&3 && [ "$champ" != $'.\r' ]
        do
            [ "$champ" = "Return-Path:" ] && adresse=${valeur%$'\r'}
        done
        exec 4<>/dev/tcp/$SERVEUR/$PORT_SMTP
        printf "HELO moi\nMAIL FROM:<$1>\nRCPT TO:$adresse\nDATA\nSubject: absent\n\nJe suis absent.\n.\nQUIT\n" >&4
        reponse=$(grep -e '^250 2.0.0' -e '^4' -e '^5' <&4)
        exec 4>&-
        echo "$adresse : $reponse"
        echo "DELE $i" >&3
        read -r ok <&3
    done
    echo "QUIT" >&3
    read -r ok <&3
    exec 3>&-
done
