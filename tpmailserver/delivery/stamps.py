"""The header fields that the server puts on top of a message.

The rule it guards: the message is the student's. Nothing of it is changed, and only
`Return-Path:` and `Received:` are added (RFC 5321 §4.4): where a message came from is in them, and
what its own `From:` says is not looked at. A copy that came through a list says so besides, in the
fields of lists: `List-Id:` (RFC 2919), `List-Post:` and `List-Help:` (RFC 2369). Its return path is
the list's owner, who hears of trouble instead of the writer (RFC 5321 §3.9.2).
"""

from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime

from tpmailserver.model import Address, Envelope
from tpmailserver.store.lists import MailingList, MayPost
from tpmailserver.store.namespace import POSTMASTER


class Stamps:
    """The stamps of one message that came in now; all of them bear the same date."""

    def __init__(self, envelope: Envelope, host: str, clock: Callable[[], float]) -> None:
        self._sender = envelope.sender
        self._host = host
        self._received = _received(envelope, host)
        self._date = format_datetime(datetime.fromtimestamp(clock()).astimezone())

    def direct(self) -> bytes:
        """The fields for a recipient who was named, with LF line ends."""
        return (
            f"Return-Path: <{self._sender or ''}>\n{self._received};\n\t{self._date}\n"
        ).encode()

    def through(self, mailing_list: MailingList, recipient: Address) -> bytes:
        """The fields for the members of a list that was reached by the address `recipient`."""
        owner = owner_of(mailing_list, self._host)
        name, host = mailing_list.name, self._host
        post = f"<mailto:{name}@{host}>"
        if mailing_list.may_post is MayPost.OWNER:
            post = "NO (only the owner posts here)"
        return (
            f"Return-Path: <{owner}>\n"
            f"{self._received}\n\tfor <{recipient}>;\n\t{self._date}\n"
            f"List-Id: <{list_id(name, host)}>\n"
            f"List-Post: {post}\n"
            f"List-Help: <mailto:{owner}?subject={name}>\n"
            "Precedence: list\n"
        ).encode()


def owner_of(mailing_list: MailingList, host: str) -> Address:
    """Who answers for a list: its owner, or the postmaster where it has none."""
    return Address(mailing_list.owner or POSTMASTER, host)


def list_id(name: str, host: str) -> str:
    """What `List-Id:` calls a list (RFC 2919 §2)."""
    return f"{name}.{host}"


def _received(envelope: Envelope, host: str) -> str:
    """The time-stamp line as far as its clause `for` (RFC 5321 §4.4)."""
    client = envelope.client
    if client.address is None:
        address = "local"
    else:
        address = f"[IPv6:{client.address}]" if client.address.version == 6 else f"[{client}]"
    login = f" (logged in as {envelope.login})" if envelope.login else ""
    return (
        f"Received: from {envelope.helo} ({address}){login}\n"
        f"\tby {host} with {envelope.protocol} id {client.session}"
    )
