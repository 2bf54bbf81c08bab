"""Changes passwords, or gives back the one that every account begins with: its number.

The rule it guards: a password is refused here when no mail client could ever send it, and no error
or log line holds one. The one report that does is that of random passwords: they are made to be
handed out, and are kept nowhere but on the slips.
"""

import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tpmailserver.delivery.passwords import AT_MOST, hash_password

from .desk import Desk, NotDone
from .who import Who, find


@dataclass(frozen=True, slots=True)
class PasswordsSet:
    """The accounts whose password is another one now."""

    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Slip:
    """What one student has to know to log in."""

    number: str
    password: str


@dataclass(frozen=True, slots=True)
class Slips:
    """The passwords that were made, and the domain of the addresses."""

    slips: tuple[Slip, ...]
    domain: str


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


def random_passwords(desk: Desk, who: Who) -> Slips:
    """Gives each of these accounts a password of its own, made by chance."""
    slips = tuple(Slip(number, _random()) for number in find(desk, who).numbers)
    # A hash takes 20 ms of a processor, and argon2 lets the others work meanwhile.
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        hashes = list(threads.map(lambda each: hash_password(each.password.encode()), slips))
    desk.database.set_password_hashes(
        {each.number: one for each, one in zip(slips, hashes, strict=True)}
    )
    desk.directory.refresh()
    return Slips(slips, desk.settings.domain)


# Without what is read wrongly from paper: 0 and o, 1, i and l. Ten of 31 are 49 bits.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_LENGTH = 10


def _random() -> str:
    letters = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    return f"{letters[: _LENGTH // 2]}-{letters[_LENGTH // 2 :]}"


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
    desk.database.set_password_hashes(dict.fromkeys(numbers, password_hash))
    desk.directory.refresh()
