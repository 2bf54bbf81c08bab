#!/bin/sh
# Question 12 with a slip: the headers end in CRLF, the mail and its dot in LF.
# needs: nc
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_SMTP=${PORT_SMTP:-25}

(
    printf "HELO moi\r\nMAIL FROM:<$1>\r\nRCPT TO:<$1>\r\nDATA\r\n"
    printf "From: $1\r\nSubject: test\r\n\r\n"
    cat
    echo "."
) | nc $SERVEUR $PORT_SMTP
