#!/bin/bash
# Question 9: three lines written, four lines read, nothing checked, no QUIT.
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_POP=${PORT_POP:-110}

read login
read mdp
exec 5<>/dev/tcp/$SERVEUR/$PORT_POP
echo "user $login" >&5
echo "pass $mdp" >&5
echo "stat" >&5
for i in 1 2 3 4; do read a b c <&5; done
echo $b
