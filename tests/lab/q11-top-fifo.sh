#!/bin/sh
# Question 11 in POSIX sh: one TOP at a time between two named pipes.
# needs: nc
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_POP=${PORT_POP:-110}

read login
read mdp
mkfifo vers depuis
nc $SERVEUR $PORT_POP < vers > depuis &
exec 3> vers 4< depuis
read rien <&4
echo "USER $login" >&3; read rien <&4
echo "PASS $mdp" >&3; read rien <&4
echo "STAT" >&3; read ok nb taille <&4
echo "Vous avez $nb mails"
fin=$(printf '.\r')
i=0
while [ $i -lt $nb ]; do
    i=$((i + 1))
    echo "TOP $i 0" >&3
    read ligne <&4
    while [ "$ligne" != "$fin" ]; do
        read -r ligne <&4
        case "$ligne" in
            Subject:*|subject:*) echo "$i $ligne" ;;
        esac
    done
done
echo "QUIT" >&3
read rien <&4
exec 3>&-
wait
rm vers depuis
