"""The SASL exchanges PLAIN (RFC 4616) and LOGIN, as SMTP (RFC 4954) and POP3 (RFC 5034) carry them.

The rule it guards: a password is parsed in this one place, and marked as a Secret where it is. An
exchange is fed what the client sent, already without its line end, and gives back the next
challenge, the credentials, or what was wrong; a wrong coding is not a failed login.
"""

import binascii
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from tpmailserver.model import Secret


class Fault(Enum):
    """What was wrong with a response."""

    CANCELLED = auto()
    """The client sent `*` (RFC 4954 §4)."""
    NOT_BASE64 = auto()
    NOT_THREE_PARTS = auto()
    """PLAIN's message is [identity] NUL login NUL password."""
    NEWLINE = auto()
    """Encoded by hand with `echo`, which adds a newline that is no part of the text."""
    NOT_TEXT = auto()
    """Something that was never encoded can still be base64: 22000001 is."""
    TOO_LONG = auto()
    OTHER_IDENTITY = auto()
    """PLAIN asked to act as somebody else than it logs in as."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the server sends next, not yet in base64."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class Credentials:
    """A complete login and password."""

    login: str
    password: Secret


Step = Challenge | Credentials | Fault


class Exchange(Protocol):
    """One authentication exchange."""

    def begin(self, initial: bytes | None) -> Step:
        """Starts, with the initial response where the command line brought one."""

    def respond(self, response: bytes) -> Step:
        """Takes the client's next response, in base64."""


class Plain:
    """PLAIN: everything in one response (RFC 4616 §2)."""

    def begin(self, initial: bytes | None) -> Step:
        """Starts, with the initial response where the command line brought one."""
        return Challenge(b"") if initial is None else self.respond(initial)

    def respond(self, response: bytes) -> Step:
        """Takes identity, login and password."""
        decoded = _decoded(response)
        if isinstance(decoded, Fault):
            return decoded
        parts = decoded.split(b"\0")
        if len(parts) != 3:
            return Fault.NOT_THREE_PARTS
        identity, login, password = parts
        if login.endswith(b"\n") or password.endswith(b"\n"):
            return Fault.NEWLINE
        if identity.lower() not in (b"", login.lower(), _number(login)):
            return Fault.OTHER_IDENTITY
        return _credentials(login, password)


class Login:
    """LOGIN: the login, then the password (an expired draft that every mail client speaks)."""

    def __init__(self) -> None:
        self._login: bytes | None = None

    def begin(self, initial: bytes | None) -> Step:
        """Starts; an initial response is the login."""
        return Challenge(b"Username:") if initial is None else self.respond(initial)

    def respond(self, response: bytes) -> Step:
        """Takes the login first, then the password."""
        decoded = _decoded(response)
        if isinstance(decoded, Fault):
            return decoded
        if decoded.endswith(b"\n"):
            return Fault.NEWLINE
        if self._login is None:
            self._login = decoded
            if _text(decoded) is None:
                return Fault.NOT_TEXT
            return Challenge(b"Password:")
        if _text(decoded) is None:
            return Fault.NOT_TEXT
        return _credentials(self._login, decoded)


MECHANISMS: dict[str, type[Plain] | type[Login]] = {"PLAIN": Plain, "LOGIN": Login}


def start(mechanism: str, initial: bytes | None) -> tuple[Exchange, Step] | None:
    """Starts an exchange; None for a mechanism that is not known. `=` is an empty response."""
    make = MECHANISMS.get(mechanism.upper())
    if make is None:
        return None
    exchange = make()
    return exchange, exchange.begin(b"" if initial == b"=" else initial)


def encoded(challenge: Challenge) -> str:
    """A challenge as it goes over the wire."""
    return binascii.b2a_base64(challenge.octets, newline=False).decode("ascii")


def _decoded(response: bytes) -> bytes | Fault:
    if response == b"*":
        return Fault.CANCELLED
    try:
        return binascii.a2b_base64(response, strict_mode=True)
    except binascii.Error:
        return Fault.NOT_BASE64


def _number(login: bytes) -> bytes:
    """A login without its domain, in one case: the same account in either spelling."""
    return login.partition(b"@")[0].lower()


def _text(login: bytes) -> str | None:
    """A login in words; None for what was never one."""
    try:
        text = login.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() else None


def _credentials(login: bytes, password: bytes) -> Credentials | Fault:
    text = _text(login)
    return Fault.NOT_TEXT if text is None else Credentials(text, Secret(password))
