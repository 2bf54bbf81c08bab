#!/bin/sh
# Question 7: false From, To and Subject, every line with CRLF by printf, and no QUIT.
# needs: nc.openbsd
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_SMTP=${PORT_SMTP:-25}

printf "HELO moi\r\nMAIL FROM:<$1>\r\nRCPT TO:<$1>\r\nDATA\r
From: Le Président <president@unicaen.fr>\r
To: toute la promotion\r
Subject: examen annulé\r
\r
L'examen est annulé.\r
.\r
" | nc.openbsd -N $SERVEUR $PORT_SMTP
