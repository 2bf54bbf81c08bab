#!/bin/bash
# Question 11: one TOP at a time; long subjects go on in the next line, and some mails have none.
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_POP=${PORT_POP:-110}

read -p "Login : " login
read -p "Mot de passe : " mdp

exec 3<>/dev/tcp/$SERVEUR/$PORT_POP

commande() {
    printf '%s\r\n' "$1" >&3
    IFS= read -r reponse <&3
}

IFS= read -r reponse <&3
commande "USER $login"
commande "PASS $mdp"
case $reponse in
    +OK*) ;;
    *) echo "Connexion refusée : $reponse"; exit 1 ;;
esac
commande "STAT"
nb=$(echo $reponse | cut -d' ' -f2)

for i in $(seq 1 $nb)
do
    commande "TOP $i 0"
    sujet="(pas de sujet)"
    dedans=non
    while IFS= read -r ligne <&3
    do
        ligne=${ligne%$'\r'}
        [ "$ligne" = "." ] && break
        case $ligne in
            [Ss]ubject:*) sujet=${ligne#*: }; dedans=oui ;;
            [[:space:]]*) [ $dedans = oui ] && sujet="$sujet$ligne" ;;
            *) dedans=non ;;
        esac
    done
    echo "$i : $sujet"
done
commande "QUIT"
