#!/bin/bash
# Question 6: telnet behind a pipe; a function sends each line with CRLF and waits a little.
# needs: telnet
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_SMTP=${PORT_SMTP:-25}

envoie() {
    echo -e "$1\r"
    sleep 0.1
}

(
    envoie "HELO moi"
    envoie "MAIL FROM:<$1@tpmail.info.unicaen.fr>"
    envoie "RCPT TO:<$1@tpmail.info.unicaen.fr>"
    envoie "DATA"
    envoie "Bonjour,"
    envoie "ce mail n'a pas d'en-tête."
    envoie "."
    envoie "QUIT"
    sleep 1
) | telnet $SERVEUR $PORT_SMTP
