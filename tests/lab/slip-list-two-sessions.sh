#!/bin/bash
# Question 14 with a slip: message 1 is read in one session and deleted in another.
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_POP=${PORT_POP:-110}
PORT_SMTP=${PORT_SMTP:-25}
PAUSE=${PAUSE:-10}

read mdp
pop() {
    exec 3<>/dev/tcp/$SERVEUR/$PORT_POP
    printf "USER $1\r\nPASS $mdp\r\n$2\r\nQUIT\r\n" >&3
    sed 's/\r$//' <&3
    exec 3>&-
}

while sleep $PAUSE
do
    # Below the replies to the greeting, USER, PASS and RETR, and without the return path
    pop $1 "RETR 1" | sed -e '1,5d' -e '/^\.$/,$d' > mail.txt
    [ -s mail.txt ] || continue
    exec 4<>/dev/tcp/$SERVEUR/$PORT_SMTP
    (echo "HELO moi"; echo "MAIL FROM:<$1>"; for a in $(cat $2); do echo "RCPT TO:<$a>"; done; echo "DATA") >&4
    cat mail.txt >&4
    echo "." >&4
    echo "QUIT" >&4
    grep -q '^250 2.0.0' <&4 && pop $1 "DELE 1"
    exec 4>&-
done
