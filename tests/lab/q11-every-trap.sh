#!/bin/bash
# Question 11 with nothing left out: only the header counts, whatever the case of "Subject"; a line
# that begins with a blank goes on with the one before; of two subjects the first one counts.
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_POP=${PORT_POP:-110}

read -r -p "Login : " login
read -r -s -p "Mot de passe : " mdp

exec 3<>"/dev/tcp/$SERVEUR/$PORT_POP"

commande() {
    printf '%s\r\n' "$1" >&3
    IFS= read -r reponse <&3
}

IFS= read -r reponse <&3
commande "USER $login"
commande "PASS $mdp"
[[ $reponse == +OK* ]] || { printf '%s\n' "$reponse"; exit 1; }
commande "STAT"
set -f
set -- $reponse
nb=$2

shopt -s nocasematch
for ((i = 1; i <= nb; i++))
do
    commande "TOP $i 0"
    sujet="(pas de sujet)"
    etat=cherche
    while IFS= read -r ligne <&3
    do
        ligne=${ligne%$'\r'}
        [ "$ligne" = "." ] && break
        # Après la ligne vide c'est le corps, même si le serveur en envoie.
        [ -z "$ligne" ] && etat=corps
        case $etat:$ligne in
            cherche:subject:*) sujet=${ligne#*:}; sujet=${sujet# }; etat=dedans ;;
            dedans:[$' \t']*) sujet=$sujet$ligne ;;
            dedans:*) etat=trouve ;;
        esac
    done
    printf '%s : %s\n' "$i" "$sujet"
done
commande "QUIT"
