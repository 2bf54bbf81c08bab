"""The plain values that every room speaks: addresses, envelopes, messages, refusals.

The rule it guards: nothing here can change after it is made, and nothing here knows a socket, a
file or a reply code. A refusal is such a value too, taken from a closed set of reasons; an
exception is only ever a bug or a broken disk.
"""

import re
from dataclasses import dataclass, field
from enum import Enum, auto
from ipaddress import IPv4Address, IPv6Address, ip_address

# RFC 5321 §4.1.2 Dot-string, with the UTF8-non-ascii of RFC 6531 §3.3.
_ATOM = r"[^\x00-\x20\x7f()<>\[\]:;@\\,.\"]+"
_DOT_STRING = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")

# The one name space of accounts, groups and lists.
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)

IPAddress = IPv4Address | IPv6Address


def name_of(text: str) -> str | None:
    """The account, group or list name that `text` spells, folded to lower case, or None.

    Leading zeros stay. Only ASCII letters and digits count: other scripts' digits are no name.
    """
    folded = text.lower() if text.isascii() else ""
    return folded if NAME.fullmatch(folded) else None


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox address, without the quoting and the brackets of the wire (RFC 5321 §4.1.2)."""

    local: str
    domain: str

    def __str__(self) -> str:
        if _DOT_STRING.fullmatch(self.local):
            return f"{self.local}@{self.domain}"
        quoted = self.local.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}"@{self.domain}'


@dataclass(frozen=True, slots=True)
class Secret:
    """A password as it came; it shows itself to nobody who does not ask for `octets`."""

    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Client:
    """The other end of a connection: its address (a mapped IPv4 one as IPv4), port, session id."""

    address: IPAddress | None
    port: int = 0
    session: str = ""

    def __str__(self) -> str:
        return "a local process" if self.address is None else str(self.address)


def client_address(text: str) -> IPAddress | None:
    """The address that a socket reports, without scope id, and IPv4 taken out of `::ffff:`."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the SMTP commands said around a message (RFC 5321 §2.3.1), apart from its content.

    `sender` is None for the null path. `protocol` is the keyword of the Received field's `with`
    clause (RFC 3848, RFC 6531 §4.3). `login` is "" without AUTH.
    """

    sender: Address | None
    recipients: tuple[Address, ...]
    client: Client
    helo: str
    protocol: str
    login: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A message as a POP3 session lists it; `name` is its file below the mailbox, "new/..."."""

    name: str
    uidl: str
    octets: int
    """Octets on the wire, every line end as CRLF, byte-stuffing not counted (RFC 1939 §11)."""
    stored: int
    """Octets in the file."""


class Reason(Enum):
    """Why something was refused: the closed set that `wire.replies` turns into codes and texts.

    The words in brackets are the facts that go with a reason, in order.
    """

    # connections
    FOREIGN_NETWORK = auto()  # [client address]
    TOO_MANY_SESSIONS = auto()  # [limit]
    TOO_MANY_FROM_ADDRESS = auto()  # [client address, limit]
    FROZEN = auto()  # [the protocol, "SMTP" or "POP3"]
    # logins
    BAD_LOGIN = auto()
    LOGINS_BUSY = auto()  # the queue of password checks is full
    MAILDROP_IN_USE = auto()  # [who holds it, since when]
    EXPELLED = auto()  # [why]
    # senders and recipients
    BUDGET_SPENT = auto()  # [messages, when to go on]
    FOREIGN_RECIPIENT = auto()  # [address, our domain]
    UNKNOWN_RECIPIENT = auto()  # [address]
    MAILBOX_FULL = auto()  # [address]
    # lists
    NULL_SENDER_TO_LIST = auto()  # [list]
    NOT_FOR_YOU_TO_POST = auto()  # [list, who may: "members" or "owner"]
    LIST_EMPTY = auto()  # [list]
    LIST_FULL = auto()  # [list]: too much waits on it for approval
    LIST_SUSPENDED = auto()  # [list, why]
    LIST_BUDGET_SPENT = auto()  # [list, messages, when to go on]
    LIST_LOOP = auto()  # [the way of the loop, "td1 -> liste-b -> td1"]
    AUTOMATIC_TO_LIST = auto()  # [list]
    NOT_EXPANDED = auto()  # [list]: its program failed
    DECLINED = auto()  # [list, why]: its program does not want the message
    NO_LIST = auto()  # [name]
    LIST_HIDDEN = auto()  # [name]: who asks may not see its members
    EXPANDED_BY_PROGRAM = auto()  # [name]: its members are another matter for each message
    NOT_VERIFIED = auto()  # [name]: who asks is not told whether it is known
    # messages
    LOOP = auto()  # [number of Received fields, sender, recipient]
    MESSAGE_GONE = auto()
    NOT_ALL_REMOVED = auto()  # [messages that stayed]
    # our own trouble
    NO_SPACE = auto()
    TROUBLE = auto()
    STOPPING = auto()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal with its reason and the facts that its text names."""

    reason: Reason
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Accepted:
    """A plain yes."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message is safe on disk in `mailboxes` mailboxes; `identity` is its unique name.

    It waits for approval on the lists `held`.
    """

    mailboxes: int
    identity: str
    held: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """The addresses behind a name that was asked about (VRFY, EXPN), in the order of the site."""

    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The account that a login and password opened."""

    account: str


@dataclass(frozen=True, slots=True)
class MaildropOpened:
    """A maildrop is locked for this session; `messages` is its snapshot (RFC 1939 §4).

    `abandoned` counts deletions that the last session marked and lost, ending without QUIT.
    `read_before` counts the messages from the first on that earlier sessions have read.
    """

    account: str
    messages: tuple[Message, ...]
    abandoned: int = 0
    read_before: int = 0
