"""Makes a class of five with a welcome mail each, to try everything on.

The rule it guards: the welcome comes by the way that every mail takes on disk, stamped and in
`new/`, and only into an empty mailbox, so that a second `demo` changes nothing.
"""

from dataclasses import dataclass

from tpmailserver.delivery.letters import Letter, Letters
from tpmailserver.model import Address
from tpmailserver.store.namespace import POSTMASTER

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
    letters = Letters(desk.settings.domain, desk.mailboxes, desk.spool, desk.clock)
    welcomed = []
    for number, neighbour in zip(NUMBERS, (*NUMBERS[1:], NUMBERS[0]), strict=True):
        if desk.mailboxes.tally(number).messages == 0:
            _welcome(letters, desk, number, neighbour)
            welcomed.append(number)
    listening = desk.live.facts().listening if desk.live else ()
    return DemoClass(NUMBERS, GROUP, desk.settings.domain, tuple(welcomed), listening)


def _welcome(letters: Letters, desk: Desk, number: str, neighbour: str) -> None:
    domain = desk.settings.domain
    subject, text = _WELCOME[desk.settings.language]
    body = text.format(number=number, neighbour=neighbour, domain=domain)
    letter = Letter(Address(POSTMASTER, domain), Address(number, domain), subject, body)
    letters.deliver(letter, number)
