"""Changes passwords, or gives back the one that every account begins with: its number.

The rule it guards: a password is refused here when no mail client could ever send it, and no
report, error or log line holds one.
"""

from dataclasses import dataclass

from tpmailserver.delivery.passwords import AT_MOST, hash_password

from .desk import Desk, NotDone
from .who import Who, find


@dataclass(frozen=True, slots=True)
class PasswordsSet:
    """The accounts whose password is another one now."""

    numbers: tuple[str, ...]


def set_password(desk: Desk, who: Who, password: str) -> PasswordsSet:
    """Gives these accounts this password."""
    octets = _octets(password)
    numbers = find(desk, who).numbers
    _store(desk, numbers, hash_password(octets))
    return PasswordsSet(numbers)


def default_password(desk: Desk, who: Who) -> PasswordsSet:
    """Makes the number the password again."""
    numbers = find(desk, who).numbers
    _store(desk, numbers, None)
    return PasswordsSet(numbers)


def _octets(password: str) -> bytes:
    try:
        octets = password.encode("utf-8")
    except UnicodeEncodeError:
        raise NotDone("the password is not UTF-8; nothing is changed") from None
    if not octets:
        raise NotDone("an empty password is refused; nothing is changed")
    if len(octets) > AT_MOST:
        raise NotDone(f"a password has at most {AT_MOST} octets; nothing is changed")
    # RFC 1939 §3 keeps commands printable, and this server refuses control characters in them.
    if any(octet < 0x20 or octet == 0x7F for octet in octets):
        raise NotDone("a password cannot hold a control character; nothing is changed")
    return octets


def _store(desk: Desk, numbers: tuple[str, ...], password_hash: str | None) -> None:
    desk.database.set_password_hash(numbers, password_hash)
    desk.directory.refresh()
