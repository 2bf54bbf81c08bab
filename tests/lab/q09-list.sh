#!/bin/sh
# Question 9: the lines of LIST are counted.
# needs: nc
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_POP=${PORT_POP:-110}

read login
read mdp
(echo "USER $login"; echo "PASS $mdp"; echo "LIST"; echo "QUIT") | nc $SERVEUR $PORT_POP | grep -c '^[0-9]'
