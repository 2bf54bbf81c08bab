#!/bin/sh
# Question 12 in POSIX sh: netcat between two named pipes, dots doubled by sed.
# needs: nc
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_SMTP=${PORT_SMTP:-25}

mkfifo aller retour
nc $SERVEUR $PORT_SMTP < aller > retour &
exec 3> aller 4< retour
read r <&4
for c in "EHLO moi" "MAIL FROM:<$1>" "RCPT TO:<$1>" "DATA"; do
    echo "$c" >&3
    # EHLO has several lines: all but the last have a dash behind the number
    read r <&4
    while [ "$(echo "$r" | cut -c4)" = "-" ]; do read r <&4; done
    echo "$r"
done
sed 's/^\./../' >&3
echo "." >&3
read r <&4
echo "$r"
echo "QUIT" >&3
read r <&4
exec 3>&-
wait
rm aller retour
