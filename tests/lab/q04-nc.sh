#!/bin/sh
# Question 4: everything at once, from a here-document.
# needs: nc
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_POP=${PORT_POP:-110}

nc $SERVEUR $PORT_POP <<FIN
user $1
pass $1
stat
retr 1
quit
FIN
