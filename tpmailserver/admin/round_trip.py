"""Sends a mail through the running server, in by SMTP and out by POP3, as a student would.

The rule it guards: nobody's mailbox, budget or list sees it. The mail goes to a guest whom only
the server's memory knows and whose name is used once; what it leaves on the disk is removed,
whatever happens. The server's own clients are not asked to vouch for it: it is Python's.
"""

# What a socket needs for a name: a server that gave root up may be unable to load it later.
import encodings.idna  # noqa: F401
import poplib
import smtplib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from secrets import token_hex

import psutil

from tpmailserver.delivery.networks import Admission
from tpmailserver.model import client_address
from tpmailserver.store.database import Account
from tpmailserver.store.locks import remove_lock

from .desk import Desk, NotDone, PortSeen

_PATIENCE = 5.0  # seconds, for each answer of the server

_MESSAGE = """\
Subject: the round trip of tpmail doctor

It is sent to nobody and removed at once.
. a line that begins with a dot
""".replace("\n", "\r\n").encode()


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """How long a mail took from the first connection to its last line, or what was in its way."""

    seconds: float
    smtp: str
    """Where it went in, such as "127.0.0.1 port 25"."""
    pop3: str
    trouble: str = ""
    """What went wrong; "" for a mail that came back as it was sent."""


class _Trouble(Exception):
    """The mail did not get through; the text says where it stopped."""


def round_trip(desk: Desk) -> RoundTrip:
    """Sends a mail to a guest and reads it."""
    if desk.live is None:
        raise NotDone("no server runs on this site: no mail can go round")
    facts = desk.live.facts()
    smtp, pop3 = (_endpoint(desk, facts.ports, each) for each in ("SMTP", "POP3"))
    begun = time.perf_counter()
    trouble = ""
    with _guest(desk) as name:
        try:
            _send(smtp, name, desk.settings.domain)
            _read(pop3, name)
        except _Trouble as error:
            trouble = str(error)
        seconds = time.perf_counter() - begun
    return RoundTrip(seconds, _shown(smtp), _shown(pop3), trouble)


@contextmanager
def _guest(desk: Desk) -> Iterator[str]:
    name = f"doctor-{token_hex(8)}"
    with desk.directory.guest(Account(name, None, frozenset())):
        try:
            yield name
        finally:
            desk.mailboxes.erase(name)
            remove_lock(desk.folder / "locks", name)


def _endpoint(desk: Desk, ports: Sequence[PortSeen], protocol: str) -> tuple[str, int]:
    """An address of this machine at which the server listens and which its networks admit."""
    admission = Admission(desk.settings, time.monotonic)
    for each in ports:
        if each.protocol != protocol:
            continue
        for host in _hosts(each.host):
            if admission.is_near(client_address(host)):
                return host, each.port
    raise NotDone(
        f"no address of this machine at which {protocol} could be tried is in the site's networks"
    )


def _hosts(host: str) -> Sequence[str]:
    """The addresses by which a socket on `host` can be reached from here, the nearest first."""
    address = client_address(host)
    if address is None or not address.is_unspecified:
        return [host]
    families = [4] if address.version == 4 else [4, 6]
    own = [
        each.address
        for addresses in psutil.net_if_addrs().values()
        for each in addresses
        # An address with a scope is a link's, and the link is the server's own here.
        if (found := client_address(each.address))
        and found.version in families
        and "%" not in each.address
    ]
    return sorted(own, key=lambda each: not ip_address(each).is_loopback)


def _shown(endpoint: tuple[str, int]) -> str:
    return "{} port {}".format(*endpoint)


def _send(endpoint: tuple[str, int], name: str, domain: str) -> None:
    address = f"{name}@{domain}"
    try:
        with smtplib.SMTP(*endpoint, local_hostname="doctor", timeout=_PATIENCE) as client:
            client.sendmail(address, [address], _MESSAGE)
    except smtplib.SMTPRecipientsRefused as error:
        raise _Trouble(f"SMTP said {_said(*error.recipients[address])}") from error
    except smtplib.SMTPResponseException as error:
        raise _Trouble(f"SMTP said {_said(error.smtp_code, error.smtp_error)}") from error
    except OSError as error:
        raise _Trouble(f"SMTP on {_shown(endpoint)}: {error}") from error


def _said(code: int, text: bytes | str) -> str:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {words}"


def _read(endpoint: tuple[str, int], name: str) -> None:
    try:
        client = poplib.POP3(*endpoint, timeout=_PATIENCE)
        try:
            client.user(name)
            client.pass_(name)
            messages, _ = client.stat()
            if messages != 1:
                raise _Trouble(f"POP3 has {messages} messages where one was delivered")
            _, lines, _ = client.retr(1)
            client.dele(1)
            client.quit()
        finally:
            client.close()
    except poplib.error_proto as error:
        raise _Trouble(f"POP3 said {_words(error)}") from error
    except (OSError, EOFError) as error:
        raise _Trouble(f"POP3 on {_shown(endpoint)}: {error}") from error
    if not b"".join(line + b"\r\n" for line in lines).endswith(_MESSAGE):
        raise _Trouble("the mail came back changed")


def _words(error: poplib.error_proto) -> str:
    said = error.args[0] if error.args else ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
