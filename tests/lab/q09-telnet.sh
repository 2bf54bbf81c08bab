#!/bin/sh
# Question 9: telnet behind a pipe, with a pause after every command.
# needs: telnet
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_POP=${PORT_POP:-110}

echo "login ?"; read login
echo "mot de passe ?"; read mdp
(sleep 0.2; echo "USER $login"; sleep 0.2; echo "PASS $mdp"; sleep 0.2; echo "STAT"; sleep 1) |
    telnet $SERVEUR $PORT_POP 2> /dev/null | grep '^+OK [0-9]* [0-9]*.$' | cut -d ' ' -f 2
