#!/bin/bash
# Question 10: the password is not shown; one command at a time.
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_POP=${PORT_POP:-110}

echo -n "Login : "
read login
stty -echo
echo -n "Mot de passe : "
read mdp
stty echo
echo

exec 3<>/dev/tcp/$SERVEUR/$PORT_POP
read ligne <&3
echo -e "USER $login\r" >&3
read ligne <&3
echo -e "PASS $mdp\r" >&3
read ligne <&3
echo -e "STAT\r" >&3
read ok nb octets <&3
echo -e "QUIT\r" >&3
echo "Vous avez $nb mails."
