#!/bin/bash
# Question 14: the list server. It reads the mails of an account by POP3 and sends each of them on,
# by SMTP, to the addresses of a file: q14-bash.sh compte fichier
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_POP=${PORT_POP:-110}
PORT_SMTP=${PORT_SMTP:-25}
PAUSE=${PAUSE:-10}

if [ $# -ne 2 ]
then
    echo "usage : $0 compte fichier"
    exit 1
fi
compte=${1,,}
fichier=$2
liste=$compte@tpmail.info.unicaen.fr
identite=$compte.tpmail.info.unicaen.fr
read -rsp "Mot de passe : " mdp
echo

export LC_ALL=C         # octets, whatever the alphabet of the mail
TMOUT=${ATTENTE:-60}    # so many seconds at most does `read` wait for a line
trap '' PIPE            # a server that closes the connection does not end the script
mail=$(mktemp)
trap 'rm -f $mail' EXIT

pop() {
    printf '%s\r\n' "$1" >&3
    IFS= read -r reponse <&3
    [[ $reponse = +OK* ]]
}

smtp() {
    printf '%s\r\n' "$1" >&4
    IFS= read -r reponse <&4
    [[ $reponse = [23]* ]]
}

# Mail number $1 into the file, as it was written; the return path, its first line, apart from it.
lire_mail() {
    pop "RETR $1" || return
    IFS= read -r chemin <&3
    while IFS= read -r ligne <&3
    do
        ligne=${ligne%$'\r'}
        [ "$ligne" = "." ] && return 0
        printf '%s\n' "${ligne#.}" || return
    done > $mail
    return 1        # no dot: the connection was cut, and this is half a mail
}

# Says why a mail must not go to the list, or nothing.
raison() {
    case ${chemin,,} in
        "return-path: <$liste>"*) echo "il vient de la liste" ;;
        "return-path: <>"*) echo "c'est un avis d'erreur" ;;
    esac
    while IFS= read -r ligne && [ -n "$ligne" ]
    do
        case ${ligne,,} in
            "list-id: <$identite>") echo "il est passé par la liste" ;;
            "auto-submitted: no"*) ;;
            "auto-submitted:"*) echo "c'est une réponse automatique" ;;
        esac
    done < $mail
}

# 0: the server has taken the mail; 1: not now; 2: it will never take it.
renvoyer() {
    exec 4<>/dev/tcp/$SERVEUR/$PORT_SMTP || return 1
    IFS= read -r reponse <&4
    smtp "HELO $HOSTNAME" && smtp "MAIL FROM:<$liste>" || return 1
    while read -r adresse || [ -n "$adresse" ]
    do
        adresse=${adresse%$'\r'}
        [ -z "$adresse" ] && continue
        smtp "RCPT TO:<$adresse>" || echo "$adresse refusée : $reponse"
    done < "$fichier"
    smtp "DATA" || return 1
    printf 'List-Id: <%s>\r\n' "$identite" >&4
    while IFS= read -r ligne
    do
        printf '%s\r\n' "${ligne/#./..}"
    done < $mail >&4
    smtp "."
    printf 'QUIT\r\n' >&4
    case $reponse in
        250*) return 0 ;;
        5*) return 2 ;;
        *) return 1 ;;
    esac
}

tour() {
    exec 3<>/dev/tcp/$SERVEUR/$PORT_POP || return
    IFS= read -r reponse <&3
    pop "USER $compte" && pop "PASS $mdp" && pop "STAT" || { echo "$reponse"; return; }
    set -- $reponse
    nombre=$2
    for ((i = 1; i <= nombre; i++))
    do
        lire_mail $i || break
        pourquoi=$(raison)
        if [ -n "$pourquoi" ]
        then
            echo "mail $i non renvoyé :" $pourquoi
            pop "DELE $i"
            continue
        fi
        renvoyer
        verdict=$?
        exec 4>&-
        echo "mail $i : $reponse"
        case $verdict in
            0) pop "DELE $i" ;;
            2) cp $mail "$(mktemp refus.XXXXXX)" && pop "DELE $i" ;;
        esac
    done
    pop "QUIT"
}

while true
do
    tour
    exec 3>&-
    sleep $PAUSE
done
