"""SMTP's states, and which verb may come in which (RFC 5321 §4.1.4), as data.

The rule it guards: the order of commands is this table, not code spread over the verbs.
"""

from enum import Enum, auto

from .session import Verb


class State(Enum):
    """Where a session is."""

    START = auto()
    """Connected; HELO or EHLO has not come."""
    READY = auto()
    """Greeted, no message under way."""
    AFTER_MESSAGE = auto()
    """As READY, right behind a final dot: what is no command may be a line of that message."""
    ADDRESSED = auto()
    """MAIL FROM was accepted."""
    REFUSED = auto()
    """MAIL FROM was accepted, and every RCPT TO so far refused."""
    DIRECTED = auto()
    """At least one RCPT TO was accepted."""


GREETED = frozenset({State.READY, State.AFTER_MESSAGE})
IN_MAIL = frozenset({State.ADDRESSED, State.REFUSED, State.DIRECTED})
ANY_TIME = frozenset(State)

VERBS = {
    "HELO": Verb(ANY_TIME, "HELO mypc", "says who you are"),
    "EHLO": Verb(ANY_TIME, "EHLO mypc", "the same, and asks what the server can do"),
    "AUTH": Verb(GREETED, "AUTH PLAIN", "logs in, which is optional; or AUTH LOGIN", 12288),
    "MAIL": Verb(GREETED, "MAIL FROM:<{address}>", "starts a message with its sender", 2048),
    "RCPT": Verb(IN_MAIL, "RCPT TO:<{address}>", "adds a recipient", 2048),
    "DATA": Verb(frozenset({State.DIRECTED}), "DATA", 'then the message and a line with only "."'),
    "RSET": Verb(ANY_TIME, "RSET", "forgets the message under way"),
    "NOOP": Verb(ANY_TIME, "NOOP", "does nothing"),
    "VRFY": Verb(ANY_TIME, "VRFY {address}", "asks whether a name is known"),
    "EXPN": Verb(ANY_TIME, "EXPN LIST", "asks who is on a list"),
    "HELP": Verb(ANY_TIME, "HELP [VERB]", "lists what can be said now, or explains a verb"),
    "QUIT": Verb(ANY_TIME, "QUIT", "ends the session"),
}
