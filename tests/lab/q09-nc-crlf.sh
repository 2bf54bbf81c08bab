#!/bin/bash
# Question 9: everything at once with CRLF, without QUIT; netcat closes its half.
# needs: nc.openbsd
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_POP=${PORT_POP:-110}

read -p "Login : " login
read -p "Mot de passe : " mdp
echo -e "USER $login\r\nPASS $mdp\r\nSTAT\r" | nc.openbsd -N $SERVEUR $PORT_POP > /tmp/pop.$$
tail -n 1 /tmp/pop.$$ | awk '{ print $2 }'
rm /tmp/pop.$$
