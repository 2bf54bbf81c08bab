#!/usr/bin/env python3
"""Question 14 with a slip: it writes a header of its own, and checks nothing."""

import os
import poplib
import smtplib
import sys
import time

SERVEUR = os.environ.get("SERVEUR", "tpmail.info.unicaen.fr")
PORT_POP = os.environ.get("PORT_POP", "110")
PORT_SMTP = os.environ.get("PORT_SMTP", "25")
PAUSE = os.environ.get("PAUSE", "10")

compte, fichier = sys.argv[1:]
mdp = input()
with open(fichier) as membres:
    adresses = membres.read().split()
while True:
    pop = poplib.POP3(SERVEUR, PORT_POP)
    pop.user(compte)
    pop.pass_(mdp)
    smtp = smtplib.SMTP(SERVEUR, PORT_SMTP)
    for i in range(1, len(pop.list()[1]) + 1):
        lignes = pop.retr(i)[1]
        corps = lignes[lignes.index(b"") :]
        mail = [b"Subject: [" + compte.encode() + b"]", *corps]
        try:
            smtp.sendmail(compte, adresses, b"\r\n".join(mail))
        except smtplib.SMTPException as erreur:
            print(erreur, flush=True)
        else:
            pop.dele(i)
    smtp.quit()
    pop.quit()
    time.sleep(float(PAUSE))
