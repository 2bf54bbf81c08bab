#!/bin/sh
# Question 6: a mail to oneself, everything at once from a here-document.
# needs: nc
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_SMTP=${PORT_SMTP:-25}

nc $SERVEUR $PORT_SMTP <<FIN
HELO $(hostname)
MAIL FROM: <$1@tpmail.info.unicaen.fr>
RCPT TO: <$1@tpmail.info.unicaen.fr>
DATA
Bonjour,
ce mail n'a pas d'en-tête.
.
QUIT
FIN
