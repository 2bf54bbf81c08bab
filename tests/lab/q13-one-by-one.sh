#!/bin/bash
# Question 13: the script of question 12 once for each address, without brackets round it.
SERVEUR=${SERVEUR:-tpmail.info.unicaen.fr}
PORT_SMTP=${PORT_SMTP:-25}

mail=$(mktemp)
cat > $mail
for i in $(cat $1)
do
    exec 3<>/dev/tcp/$SERVEUR/$PORT_SMTP
    (echo HELO moi; echo mail from:liste; echo rcpt to:$i; echo data; cat $mail; echo .; echo quit) >&3
    cat <&3
    exec 3>&-
done
rm $mail
