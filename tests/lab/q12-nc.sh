#!/bin/sh
# Question 12: everything at once, the mail in between by cat.
# needs: nc
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_SMTP=${PORT_SMTP:-25}

(
    echo "HELO moi"
    echo "MAIL FROM:<$1>"
    echo "RCPT TO:<$1>"
    echo "DATA"
    cat
    echo "."
    echo "QUIT"
) | nc $SERVEUR $PORT_SMTP
