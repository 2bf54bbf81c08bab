#!/bin/sh
# Question 14 in POSIX sh: netcat between two named pipes, once for POP3 and once for SMTP.
# needs: nc
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_POP=${PORT_POP:-110}
PORT_SMTP=${PORT_SMTP:-25}
PAUSE=${PAUSE:-10}
ATTENTE=${ATTENTE:-60}

if [ $# -ne 2 ]; then
    echo "usage : $0 compte fichier"
    exit 1
fi
liste=$1@tpmail.info.unicaen.fr
identite=$1.tpmail.info.unicaen.fr
printf "Mot de passe : "
stty -echo 2> /dev/null
read -r mdp
stty echo 2> /dev/null
echo

export LC_ALL=C
trap '' PIPE
d=$(mktemp -d)
trap 'rm -r $d' EXIT
trap exit INT TERM
mkfifo $d/vers_pop $d/de_pop $d/vers_smtp $d/de_smtp
cr=$(printf '\r')

# The next reply on a descriptor; none where the server falls silent. netcat would wait for ever.
lire() {
    reponse=$(timeout $ATTENTE head -n 1 <&$1)
}

pop() {
    printf '%s\r\n' "$1" >&3
    lire 4
    case $reponse in +OK*) ;; *) return 1 ;; esac
}

smtp() {
    printf '%s\r\n' "$1" >&5
    lire 6
    case $reponse in [23]*) ;; *) return 1 ;; esac
}

# Mail number $1 into a file; the line with the dot must have come, or it is half a mail.
lire_mail() {
    printf 'RETR %s\r\n' "$1" >&3
    timeout $ATTENTE sed -e '1{/^-ERR/q;}' -e "/^\.$cr\$/q" <&4 > $d/recu
    [ "$(tail -n 1 $d/recu)" = ".$cr" ] || return
    sed -e 1d -e '$d' -e "s/$cr\$//" -e 's/^\.//' $d/recu > $d/mail || return
    sed '/^$/q' $d/mail | tr -d '\000' > $d/entete
}

# Whether a mail may go to the list: it comes neither from there nor from a program.
est_permis() {
    ! head -n 1 $d/entete | grep -i -q -e "^Return-Path: <$liste>\$" -e '^Return-Path: <>$' &&
        ! grep -i -q "^List-Id: <$identite>\$" $d/entete &&
        ! grep -i '^Auto-Submitted:' $d/entete | grep -i -q -v '^Auto-Submitted: no'
}

dire_le_mail() {
    smtp "HELO liste" && smtp "MAIL FROM:<$liste>" || return
    for adresse in $(tr -d '\r' < "$1"); do
        smtp "RCPT TO:<$adresse>" || echo "$adresse refusée : $reponse"
    done
    smtp "DATA" || return
    echo "List-Id: <$identite>$cr" >&5
    # Without its first line, the return path
    sed -e 1d -e 's/^\./../' -e "s/\$/$cr/" $d/mail >&5
    smtp "."
    fini=oui
}

renvoyer() {
    nc $SERVEUR $PORT_SMTP < $d/vers_smtp > $d/de_smtp &
    envoi=$!
    exec 5> $d/vers_smtp 6< $d/de_smtp
    lire 6
    fini=non
    dire_le_mail "$1"
    resultat=$reponse
    smtp "QUIT" || kill $envoi 2> /dev/null
    exec 5>&- 6<&-
    wait $envoi
}

traiter() {
    if ! est_permis; then
        echo "mail $1 non renvoyé"
        pop "DELE $1"
        return
    fi
    renvoyer "$2"
    echo "mail $1 : $resultat"
    case $fini$resultat in
        oui250*) pop "DELE $1" ;;
        oui5*) cp $d/mail "$(mktemp refus.XXXXXX)" && pop "DELE $1" ;;
    esac
}

tour() {
    lire 4
    if ! { pop "USER $1" && pop "PASS $mdp" && pop "STAT"; }; then
        echo "$reponse"
        return 1
    fi
    nombre=$(echo "$reponse" | cut -d ' ' -f 2)
    i=1
    while [ $i -le $nombre ]; do
        lire_mail $i || return
        traiter $i "$2"
        i=$((i + 1))
    done
}

while true; do
    nc $SERVEUR $PORT_POP < $d/vers_pop > $d/de_pop &
    reception=$!
    exec 3> $d/vers_pop 4< $d/de_pop
    tour "$@" && pop "QUIT" || kill $reception 2> /dev/null
    exec 3>&- 4<&-
    wait $reception
    sleep $PAUSE
done
