"""Makes a class of five with a welcome mail each, to try everything on.

The rule it guards: the welcome comes by the way that every mail takes on disk, stamped and in
`new/`, and only into an empty mailbox, so that a second `demo` changes nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import format_datetime

from tpmailserver.delivery.stamps import stamp
from tpmailserver.model import Address, Client, Envelope

from .accounts import add
from .desk import Desk

NUMBERS = ("22000001", "22000002", "22000003", "22000004", "22000005")

GROUP = "demo"

_WELCOME = {
    "en": (
        "Welcome to your mailbox",
        """\
This mail came with the mailbox of {number}.

- Your login and your password are your number: {number}
- Your address is {number}@{domain}
- Your neighbour is {neighbour}@{domain}: write to that address.

Nothing leaves this server, so try what you like.
""",
    ),
    "fr": (
        "Bienvenue dans votre boîte aux lettres",
        """\
Ce message est arrivé avec la boîte aux lettres de {number}.

- Votre identifiant et votre mot de passe sont votre numéro : {number}
- Votre adresse est {number}@{domain}
- L'adresse de votre voisin est {neighbour}@{domain} : écrivez-lui.

Rien ne sort de ce serveur : essayez ce que vous voulez.
""",
    ),
}


@dataclass(frozen=True, slots=True)
class DemoClass:
    """The class, and who of it got the welcome mail now."""

    numbers: tuple[str, ...]
    group: str
    domain: str
    welcomed: tuple[str, ...]
    listening: tuple[str, ...]
    """Where a server that runs already listens; empty without one."""


def demo(desk: Desk) -> DemoClass:
    """Makes the five accounts and welcomes those whose mailbox is empty."""
    add(desk, NUMBERS, GROUP)
    welcomed = []
    for number, neighbour in zip(NUMBERS, (*NUMBERS[1:], NUMBERS[0]), strict=True):
        if desk.mailboxes.tally(number).messages == 0:
            _welcome(desk, number, neighbour)
            welcomed.append(number)
    listening = desk.live.facts().listening if desk.live else ()
    return DemoClass(NUMBERS, GROUP, desk.settings.domain, tuple(welcomed), listening)


def _welcome(desk: Desk, number: str, neighbour: str) -> None:
    domain = desk.settings.domain
    date = format_datetime(datetime.fromtimestamp(desk.clock()).astimezone())
    envelope = Envelope(
        sender=Address("postmaster", domain),
        mailboxes=(number,),
        client=Client(None, session="demo"),
        helo="tpmail",
        protocol="local",
    )
    draft = desk.spool.draft(stamp(envelope, domain, desk.clock))
    subject, text = _WELCOME[desk.settings.language]
    body = text.format(number=number, neighbour=neighbour, domain=domain)
    draft.write(_header(subject, number, domain, date, draft.identity))
    draft.write(b"\n" + body.encode())
    desk.mailboxes.deliver(draft, (number,))


def _header(subject: str, number: str, domain: str, date: str, identity: str) -> bytes:
    # RFC 2047 for the accents of the French subject; RFC 2045 for those of the body.
    return (
        f"From: postmaster@{domain}\n"
        f"To: {number}@{domain}\n"
        f"Subject: {Header(subject, 'utf-8').encode() if not subject.isascii() else subject}\n"
        f"Date: {date}\n"
        f"Message-ID: <{identity}@{domain}>\n"
        "MIME-Version: 1.0\n"
        "Content-Type: text/plain; charset=utf-8\n"
        "Content-Transfer-Encoding: 8bit\n"
    ).encode()
