#!/bin/bash
# Question 12: the commands and the dot end in CRLF, the mail in LF.
# needs: nc
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_SMTP=${PORT_SMTP:-25}

{ echo -en "HELO moi\r\nMAIL FROM:<$1>\r\nRCPT TO:<$1>\r\nDATA\r\n"; cat; echo -en ".\r\nQUIT\r\n"; } | nc $SERVEUR $PORT_SMTP
