#!/bin/bash
# Question 12: every reply is read and shown, every line of the mail sent with CRLF, dots doubled.
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_SMTP=${PORT_SMTP:-25}
ADRESSE=$1@tpmail.info.unicaen.fr

exec 3<>/dev/tcp/$SERVEUR/$PORT_SMTP

function lire {
    read -r reponse <&3
    echo "S: $reponse"
}

function dire {
    echo "C: $1"
    printf "%s\r\n" "$1" >&3
    lire
}

lire
dire "HELO $(hostname)"
dire "MAIL FROM:<$ADRESSE>"
dire "RCPT TO:<$ADRESSE>"
dire "DATA"
while IFS= read -r ligne || [ -n "$ligne" ]
do
    printf "%s\r\n" "${ligne/#./..}" >&3
done
dire "."
dire "QUIT"
