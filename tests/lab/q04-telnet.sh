#!/bin/sh
# Question 4: telnet behind a pipe, with a pause after every command.
# needs: telnet
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_POP=${PORT_POP:-110}

(
sleep 0.2
echo "USER $1@tpmail.info.unicaen.fr"
sleep 0.2
echo "PASS $1"
sleep 0.2
echo "LIST"
sleep 0.2
echo "RETR 1"
sleep 0.2
echo "QUIT"
sleep 1
) | telnet $SERVEUR $PORT_POP
