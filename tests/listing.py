"""A site with lists, mail to them over SMTP, and what each member reads of it over POP3."""

import poplib
import smtplib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from pathlib import Path

from tpmailserver.settings import Settings
from tpmailserver.site import open_site
from tpmailserver.store.lists import Lists

from .faults import DOMAIN, Server, site_for


def at(name: str) -> str:
    """The address of an account or a list."""
    return f"{name}@{DOMAIN}"


def lists_of(site: Path) -> Lists:
    """The lists of a site, to change them behind the server's back as `tpmail` does."""
    return open_site(site, Settings()).stores.database.lists


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said to a message in the end."""

    code: int
    text: str


def post(
    server: Server, sender: str, recipients: Sequence[str], content: bytes, login: str = ""
) -> Answer:
    """Sends a message in one transaction; the first reply that is no yes, or the last one."""
    with smtplib.SMTP("127.0.0.1", server.smtp, timeout=30) as smtp:
        smtp.ehlo("peer")
        if login:
            smtp.login(login, login)
        for code, text in (
            smtp.mail(sender and at(sender)),
            *(smtp.rcpt(at(each)) for each in recipients),
        ):
            if code != 250:
                return Answer(code, text.decode())
        code, text = smtp.data(content)
        return Answer(code, text.decode())


def mails(server: Server, number: str) -> list[bytes]:
    """All that an account has, as POP3 sends it, with LF line ends."""
    with closing(poplib.POP3("127.0.0.1", server.pop3, timeout=30)) as pop:
        pop.user(number)
        pop.pass_(number)
        count, _ = pop.stat()
        found = [b"\n".join(pop.retr(each + 1)[1]) + b"\n" for each in range(count)]
        pop.quit()
    return found


def the_mail(server: Server, number: str) -> Message:
    """The one mail that an account has."""
    (octets,) = mails(server, number)
    return message_from_bytes(octets)


def files_of(site: Path, name: str) -> list[Path]:
    """The files of a mailbox."""
    return sorted((site / "maildirs" / name / "new").iterdir())


__all__ = [
    "Answer",
    "at",
    "files_of",
    "lists_of",
    "mails",
    "post",
    "site_for",
    "the_mail",
]
