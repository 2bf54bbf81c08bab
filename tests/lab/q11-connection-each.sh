#!/bin/bash
# Question 11: a connection of its own for each message, until there is none left.
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_POP=${PORT_POP:-110}

read login
read mdp
i=1
while true
do
    exec 3<>/dev/tcp/$SERVEUR/$PORT_POP
    printf "USER $login\r\nPASS $mdp\r\nRETR $i\r\nQUIT\r\n" >&3
    cat <&3 > mail.txt
    exec 3>&-
    if grep -q "^-ERR" mail.txt
    then
        break
    fi
    grep -i -m 1 "^subject:" mail.txt || echo "mail sans sujet"
    i=$((i+1))
done
