#!/bin/sh
# Question 9: everything at once; the number stands in the fourth line.
# needs: nc
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_POP=${PORT_POP:-110}

echo "Login :"
read login
echo "Mot de passe :"
read mdp
nb=`printf "USER $login\nPASS $mdp\nSTAT\nQUIT\n" | nc $SERVEUR $PORT_POP | sed -n 4p | cut -d' ' -f2`
echo "Vous avez $nb mail(s)"
