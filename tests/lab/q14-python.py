#!/usr/bin/env python3
"""Question 14 with smtplib and poplib: q14-python.py compte fichier"""

import getpass
import os
import poplib
import smtplib
import sys
import tempfile
import time

SERVEUR = os.environ.get("SERVEUR", "tpmail.info.unicaen.fr")
PORT_POP = int(os.environ.get("PORT_POP", "110"))
PORT_SMTP = int(os.environ.get("PORT_SMTP", "25"))
PAUSE = float(os.environ.get("PAUSE", "10"))
ATTENTE = float(os.environ.get("ATTENTE", "60"))
DOMAINE = "tpmail.info.unicaen.fr"

# Without this, poplib gives up at the first line of more than 2,048 octets, today and tomorrow.
poplib._MAXLINE = 100_000_000


def raison(compte, lignes):
    """Why a mail must not go to the list, or None."""
    fin = lignes.index(b"") if b"" in lignes else len(lignes)  # a mail may be all header
    entete = [ligne.lower() for ligne in lignes[:fin]]
    chemin = entete[0]
    if chemin == f"return-path: <{compte}@{DOMAINE}>".encode():
        return "il vient de la liste"
    if chemin == b"return-path: <>":
        return "c'est un avis d'erreur"
    if f"list-id: <{compte}.{DOMAINE}>".encode() in entete:
        return "il est passé par la liste"
    for champ in entete:
        if champ.startswith(b"auto-submitted:") and not champ.startswith(b"auto-submitted: no"):
            return "c'est une réponse automatique"
    return None


def renvoyer(compte, adresses, mail):
    """Sends a mail to all; whether the account need not keep it."""
    try:
        with smtplib.SMTP(SERVEUR, PORT_SMTP, "liste", timeout=ATTENTE) as smtp:
            refus = smtp.sendmail(f"{compte}@{DOMAINE}", adresses, mail)
    except smtplib.SMTPResponseException as erreur:
        print(erreur.smtp_code, erreur.smtp_error.decode(), flush=True)
        if erreur.smtp_code < 500:
            return False
        with tempfile.NamedTemporaryFile(prefix="refus.", dir=".", delete=False) as fichier:
            fichier.write(mail)
        return True
    except (OSError, smtplib.SMTPException) as erreur:
        print(erreur, flush=True)
        return False
    for adresse, (code, texte) in refus.items():
        print(adresse, "refusée :", code, texte.decode(), flush=True)
    return True


def tour(compte, mdp, nom):
    """Sends on all that lies in the account."""
    pop = poplib.POP3(SERVEUR, PORT_POP, timeout=ATTENTE)
    try:
        pop.user(compte)
        pop.pass_(mdp)
        for numero in range(1, pop.stat()[0] + 1):
            lignes = pop.retr(numero)[1]
            pourquoi = raison(compte, lignes)
            if pourquoi:
                print(f"mail {numero} non renvoyé : {pourquoi}", flush=True)
                pop.dele(numero)
                continue
            with open(nom) as fichier:
                adresses = fichier.read().split()
            lignes[0] = f"List-Id: <{compte}.{DOMAINE}>".encode()  # it was the return path
            mail = b"".join(ligne + b"\r\n" for ligne in lignes)
            if renvoyer(compte, adresses, mail):
                print(f"mail {numero} renvoyé", flush=True)
                pop.dele(numero)
        pop.quit()
    finally:
        pop.close()


def main():
    if len(sys.argv) != 3:
        sys.exit(f"usage : {sys.argv[0]} compte fichier")
    compte, nom = sys.argv[1].lower(), sys.argv[2]
    mdp = getpass.getpass("Mot de passe : ") if sys.stdin.isatty() else input()
    while True:
        try:
            tour(compte, mdp, nom)
        except (OSError, poplib.error_proto) as erreur:
            print(erreur, flush=True)
        time.sleep(PAUSE)


main()
