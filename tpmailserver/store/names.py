"""Names of message files: made so that they never meet, read so that they need no second look.

The rule it guards: the unique part of a name is the message's UIDL, so it is never used twice and
does not change when a mail program moves the file or adds flags. Sizes stand in the name as well,
so that STAT, LIST and UIDL read no file.

    1732376757.M123456R4f3a9c0b1d2e3f40.tpmail,S=812,W=835:2,S
    unique part: second, microsecond, 64 random bits, host │ stored and wire octets │ flags

The form is Maildir's (https://cr.yp.to/proto/maildir.html), with the sizes as Dovecot and
Courier write them.
"""

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

_HOST_OCTETS = 32

# RFC 1939 §7: a unique-id is 1 to 70 characters of 0x21 to 0x7E.
_UNIQUE_ID = re.compile(r"[!-~]{1,70}")
_FLAGS = re.compile(r":[12],.*", re.DOTALL)
_SIZE = re.compile(r",([SW])=([0-9]{1,15})(?=,|$)")

# The whole of a name that we made, in one look: nearly every name is one.
_OURS = re.compile(r"([!-+\--9;-~]{1,70}),S=([0-9]{1,15}),W=([0-9]{1,15})(?::2,[A-Za-z]*)?")


class UniqueNames:
    """Makes unique names that sort in the order in which they were made."""

    def __init__(
        self, clock: Callable[[], float], random_octets: Callable[[int], bytes], host: str
    ) -> None:
        self._clock = clock
        self._random_octets = random_octets
        self._host = re.sub(r"[^A-Za-z0-9.-]", "-", host)[:_HOST_OCTETS] or "localhost"
        self._last = -1
        self._lock = Lock()

    def make(self) -> str:
        """A name that was never made before: at most 70 characters that any Maildir takes."""
        random = self._random_octets(8).hex()
        with self._lock:
            # A clock that was set back, or two names in one microsecond: count on from the last.
            moment = self._last = max(int(self._clock() * 1_000_000), self._last + 1)
        seconds, micros = divmod(moment, 1_000_000)
        return f"{seconds:010d}.M{micros:06d}R{random}.{self._host}"


@dataclass(frozen=True, slots=True)
class Described:
    """What a file name says: the unique-id, and the octets stored and on the wire if it knows."""

    uidl: str
    stored: int | None
    wire: int | None


def file_name(unique: str, stored: int, wire: int) -> str:
    """The name of a new message file, with its sizes."""
    return f"{unique},S={stored},W={wire}"


def is_read(file_name: str) -> bool:
    """Whether a name has Maildir's flag S, "seen"."""
    return "S" in file_name.partition(":2,")[2]


def as_read(file_name: str) -> str:
    """The same name with the flag S, its flags in order as Maildir wants them."""
    base, _, flags = file_name.partition(":2,")
    return f"{base}:2,{''.join(sorted(set(flags) | {'S'}))}"


def describe(file_name: str) -> Described:
    """Reads any file name of a Maildir, ours or a foreign one.

    What is no unique-id by RFC 1939 gets a hash in its place, the same each time.
    """
    ours = _OURS.fullmatch(file_name)
    if ours:
        unique, stored, wire = ours.groups()
        return Described(unique, int(stored), int(wire))
    base = _FLAGS.sub("", file_name, count=1)
    sizes = {letter: int(octets) for letter, octets in reversed(_SIZE.findall(base))}
    unique = _SIZE.sub("", base) or base
    if not _UNIQUE_ID.fullmatch(unique):
        unique = hashlib.sha256(os.fsencode(unique)).hexdigest()
    return Described(unique, sizes.get("S"), sizes.get("W"))
