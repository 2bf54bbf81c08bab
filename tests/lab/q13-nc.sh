#!/bin/sh
# Question 13: one mail with many recipients, everything at once.
# needs: nc
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_SMTP=${PORT_SMTP:-25}

if [ $# -ne 1 ]; then
    echo "usage : $0 fichier"
    exit 1
fi

(
    echo "HELO moi"
    echo "MAIL FROM:<liste@tpmail.info.unicaen.fr>"
    for adresse in `cat $1`
    do
        echo "RCPT TO:<$adresse>"
    done
    echo "DATA"
    cat
    echo "."
    echo "QUIT"
) | nc $SERVEUR $PORT_SMTP
