#!/bin/bash
# Question 12: telnet behind a pipe, the mail line by line.
# needs: telnet
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_SMTP=${PORT_SMTP:-25}

contenu=$(cat)
{
    sleep 0.2
    echo "HELO moi"; sleep 0.1
    echo "MAIL FROM:<$1@tpmail.info.unicaen.fr>"; sleep 0.1
    echo "RCPT TO:<$1@tpmail.info.unicaen.fr>"; sleep 0.1
    echo "DATA"; sleep 0.1
    echo "$contenu"
    echo "."; sleep 0.1
    echo "QUIT"; sleep 1
} | telnet $SERVEUR $PORT_SMTP
