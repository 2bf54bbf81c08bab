#!/bin/sh
# Question 11: a first connection counts, a second one fetches all messages at once.
# needs: nc
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_POP=${PORT_POP:-110}

echo "Login :"
read login
echo "Mot de passe :"
read mdp

nb=$(printf "USER $login\nPASS $mdp\nSTAT\nQUIT\n" | nc $SERVEUR $PORT_POP | sed -n 4p | cut -d' ' -f2)
echo "$nb messages"
(
    echo "USER $login"
    echo "PASS $mdp"
    i=1
    while [ $i -le $nb ]
    do
        echo "RETR $i"
        i=$(($i + 1))
    done
    echo "QUIT"
) | nc $SERVEUR $PORT_POP | grep -i '^Subject:'
