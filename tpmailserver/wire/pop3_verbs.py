"""POP3's states, and which verb may come in which (RFC 1939 §3), as data.

The rule it guards: the order of commands is this table, not code spread over the verbs.
"""

from enum import Enum, auto

from .session import Verb


class State(Enum):
    """Where a session is; UPDATE lasts no longer than the answer to QUIT."""

    AUTHORIZATION = auto()
    """Nobody has logged in."""
    NAMED = auto()
    """USER was heard, PASS is awaited."""
    TRANSACTION = auto()
    """The maildrop is open."""


BEFORE_LOGIN = frozenset({State.AUTHORIZATION, State.NAMED})
LOGGED_IN = frozenset({State.TRANSACTION})
ANY_TIME = frozenset(State)

VERBS = {
    "USER": Verb(BEFORE_LOGIN, "USER number", "says who you are"),
    "PASS": Verb(frozenset({State.NAMED}), "PASS password", "opens your maildrop"),
    "AUTH": Verb(BEFORE_LOGIN, "AUTH PLAIN", "logs in another way; or AUTH LOGIN", 12288),
    "STAT": Verb(LOGGED_IN, "STAT", "counts messages and octets"),
    "LIST": Verb(LOGGED_IN, "LIST [number]", "gives each message's size"),
    "UIDL": Verb(LOGGED_IN, "UIDL [number]", "gives each message's unique name"),
    "RETR": Verb(LOGGED_IN, "RETR number", "sends a message"),
    "TOP": Verb(LOGGED_IN, "TOP number lines", "sends its header and so many lines"),
    "DELE": Verb(LOGGED_IN, "DELE number", "marks a message; QUIT removes it"),
    "RSET": Verb(LOGGED_IN, "RSET", "unmarks what DELE marked"),
    "LAST": Verb(LOGGED_IN, "LAST", "gives the highest message number you have read"),
    "NOOP": Verb(LOGGED_IN, "NOOP", "does nothing"),
    "CAPA": Verb(ANY_TIME, "CAPA", "lists what this server can do"),
    "HELP": Verb(ANY_TIME, "HELP [VERB]", "lists what can be said now, or explains a verb"),
    "QUIT": Verb(ANY_TIME, "QUIT", "removes what is marked, and ends the session"),
}
