#!/bin/sh
# Question 10: the password is not shown; everything at once.
# needs: nc
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_POP=${PORT_POP:-110}

printf "Login : "
read login
printf "Mot de passe : "
stty -echo
read mdp
stty echo
printf "\n"
printf "USER $login\nPASS $mdp\nSTAT\nQUIT\n" | nc $SERVEUR $PORT_POP > resultat
nombre=$(grep '^+OK [0-9][0-9]* [0-9][0-9]*' resultat | head -n 1 | cut -d' ' -f2)
echo "Vous avez $nombre mails."
rm resultat
