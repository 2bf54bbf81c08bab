#!/bin/sh
# Question 9 in POSIX sh, one command at a time: netcat between two named pipes.
# needs: nc
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_POP=${PORT_POP:-110}

printf "Login : "
read login
printf "Mot de passe : "
read mdp

mkfifo envoi recu
nc $SERVEUR $PORT_POP < envoi > recu &
exec 3> envoi 4< recu
read reponse <&4
echo "USER $login" >&3
read reponse <&4
echo "PASS $mdp" >&3
read reponse <&4
echo "STAT" >&3
read ok nombre taille <&4
echo "QUIT" >&3
exec 3>&-
wait
rm envoi recu
echo
echo "Nombre de mails : $nombre"
