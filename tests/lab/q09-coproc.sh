#!/bin/bash
# Question 9: netcat as a coprocess.
# needs: nc
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_POP=${PORT_POP:-110}

read -p "Login : " login
read -p "Mot de passe : " mdp
coproc nc $SERVEUR $PORT_POP
recu=${COPROC[0]}
envoi=${COPROC[1]}
read -u $recu bienvenue
for commande in "USER $login" "PASS $mdp" "STAT"
do
    printf '%s\r\n' "$commande" >&$envoi
    read -u $recu statut nombre reste
done
printf 'QUIT\r\n' >&$envoi
read -u $recu au_revoir
echo "$nombre"
