#!/bin/bash
# Question 9: one command at a time, reading and checking every reply.
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_POP=${PORT_POP:-110}

echo -n "Login : "
read login
echo -n "Mot de passe : "
read mdp

exec 3<>/dev/tcp/$SERVEUR/$PORT_POP

lire() {
    read -r ok reste <&3
    if [ "$ok" != "+OK" ]; then
        echo "Erreur : $reste"
        exit 1
    fi
}

lire
echo -e "USER $login\r" >&3
lire
echo -e "PASS $mdp\r" >&3
lire
echo -e "STAT\r" >&3
lire
set -- $reste
echo -e "QUIT\r" >&3
lire
exec 3>&-
echo
echo "Il y a $1 messages."
