"""What goes between a protocol machine and whoever carries its octets.

In go octets, answers, the end of the input and the time; out come, in order, octets to send, a
question, a piece of message content, a message to stream, the close. The rule it guards: **one
question at a time**. Until it is answered, later octets wait, so pipelining (RFC 2920), slow disks
and password checks on a thread can never reorder anything.
"""

from dataclasses import dataclass

from tpmailserver.model import (
    Accepted,
    Address,
    Delivered,
    Known,
    LoggedIn,
    MaildropOpened,
    Message,
    Refusal,
    Secret,
)


@dataclass(frozen=True, slots=True)
class Send:
    """Octets for the client."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class Content:
    """A piece of the message that is coming in, with LF line ends."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class Discard:
    """What has come in of the message is to be thrown away."""


@dataclass(frozen=True, slots=True)
class Stream:
    """The message that was last fetched is to be sent now, as a multi-line response.

    `body_lines` is None for the whole message, else how many lines follow its header (TOP).
    """

    body_lines: int | None


@dataclass(frozen=True, slots=True)
class Close:
    """The connection is to be closed once everything is sent."""


@dataclass(frozen=True, slots=True)
class LogIn:
    """May this login in? SMTP wants LoggedIn, POP3 MaildropOpened, or a Refusal."""

    login: str
    password: Secret


@dataclass(frozen=True, slots=True)
class Verify:
    """What does this name stand for (VRFY)? Known with its one address, or a Refusal.

    `name` is what was typed, 256 octets at most, without brackets and quotes: "td1", "td1@domain".
    `login` is "" without AUTH.
    """

    name: str
    login: str


@dataclass(frozen=True, slots=True)
class Expand:
    """Who is on the list of this name (EXPN)? Known with one address at least, or a Refusal.

    The machine keeps what is Known until the client has read it: sessions that are told of the same
    list should be given the same tuple. A client that is gone is given any Refusal, at no cost.
    """

    name: str
    login: str


@dataclass(frozen=True, slots=True)
class MaySend:
    """May this sender send? Accepted or a Refusal."""

    sender: Address | None
    login: str


@dataclass(frozen=True, slots=True)
class MayReceive:
    """May this recipient receive that many octets of this sender? Accepted or a Refusal."""

    recipient: Address
    octets: int
    sender: Address | None
    login: str


@dataclass(frozen=True, slots=True)
class BeginMessage:
    """The content of a message is about to come. Accepted or a Refusal."""

    sender: Address | None
    recipients: tuple[Address, ...]
    helo: str
    protocol: str
    login: str


@dataclass(frozen=True, slots=True)
class EndMessage:
    """The content is whole: deliver it. Delivered or a Refusal."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """Open this message for the `Stream` that may follow. Accepted or a Refusal."""

    message: Message


@dataclass(frozen=True, slots=True)
class Update:
    """Remove messages for good, note those that were read, let go of the maildrop.

    Accepted or a Refusal.
    """

    deleted: tuple[Message, ...]
    read: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Pause:
    """Much was said at once: let the client read it, and others have their turn.

    Accepted, or any Refusal where the client is gone: then the rest of a long reply is not made.
    """


Question = (
    LogIn
    | Verify
    | Expand
    | MaySend
    | MayReceive
    | BeginMessage
    | EndMessage
    | Fetch
    | Update
    | Pause
)
Outcome = Accepted | Delivered | Known | LoggedIn | MaildropOpened | Refusal


@dataclass(frozen=True, slots=True)
class Ask:
    """A question that must be answered before anything else comes out; always the last output."""

    question: Question


Output = Send | Content | Discard | Stream | Close | Ask
