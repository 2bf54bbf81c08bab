"""The account of every message: what was promised of it, and what became of it.

A message bears an id and is known by its checksum. A promise is noted the moment the server makes
it, so that whatever comes then, a kill above all, the audit knows what has to be there. It reads
the mailboxes as their owners do, over POP3, and counts; every count but the first is to be 0.
"""

import poplib
import random
from base64 import encodebytes
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from threading import Lock

from . import PATIENCE, Server

Copy = tuple[str, str]
"""A mailbox and the id of a message."""

_ID = b"Message-ID: "


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it was sent."""

    identity: str
    content: bytes
    """Whole CRLF lines, dots that begin one not stuffed."""


@dataclass(slots=True)
class Audit:
    """What became of the promises, copies of messages counted."""

    acknowledged: int = 0
    """Copies that a 250 has promised."""
    lost: int = 0
    altered: int = 0
    half: int = 0
    doubled: int = 0
    strange: int = 0
    """What nobody has sent to this mailbox."""
    came_back: int = 0
    """Removals that a +OK to QUIT has promised, and there again."""
    changed_uidl: int = 0

    def check(self) -> None:
        """Fails where a promise was broken."""
        broken = {name: count for name, count in asdict(self).items() if count}
        broken.pop("acknowledged", None)
        assert not broken, broken

    def figures(self) -> dict[str, int]:
        """The counts in words."""
        return {name.replace("_", " "): count for name, count in asdict(self).items()}


@dataclass
class Ledger:
    """All that was sent to some mailboxes, and all that was promised."""

    mailboxes: Sequence[str]
    acknowledged: set[Copy] = field(default_factory=set)
    removed: set[Copy] = field(default_factory=set)
    perhaps_removed: set[Copy] = field(default_factory=set)
    """Those of a QUIT that got no answer."""
    refused: Counter[str] = field(default_factory=Counter)
    """How often a message was refused, by the code of the reply."""
    _sent: dict[str, tuple[str, int, frozenset[str]]] = field(default_factory=dict)
    _seen: dict[str, dict[str, str]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def __len__(self) -> int:
        """How many messages were sent."""
        return len(self._sent)

    def letter(self, chance: random.Random, octets: int, recipients: Iterable[str]) -> Letter:
        """A new message of about so many octets, for these mailboxes."""
        identity = f"{chance.getrandbits(96):024x}"
        body = encodebytes(chance.randbytes(octets * 3 // 4)).replace(b"\n", b"\r\n")
        # Lines that begin with a dot, one of them in the end, where a cut message has none.
        head = _ID + identity.encode()
        content = head + b"\r\nSubject: x\r\n\r\n.\r\n.." + body + b".end\r\n"
        with self._lock:
            digest = sha256(content).hexdigest()
            self._sent[identity] = (digest, len(content), frozenset(recipients))
        return Letter(identity, content)

    def promised(self, letter: Letter, recipients: Iterable[str]) -> None:
        """A 250 has come for a message."""
        with self._lock:
            self.acknowledged.update((number, letter.identity) for number in recipients)

    def audit(self, server: Server, *, again: bool = False) -> Audit:
        """Reads the mailboxes: what was not read before, or all of it `again`."""
        audit = Audit(len(self.acknowledged))
        gone = self.removed | self.perhaps_removed
        for number in self.mailboxes:
            before = self._seen.get(number, {})
            found = self._read(server, number, {} if again else before, audit)
            holds = Counter(found.values())
            audit.doubled += sum(count - 1 for count in holds.values())
            due = {identity for name, identity in self.acknowledged if name == number}
            due |= set(before.values())
            audit.lost += len({(number, each) for each in due - holds.keys()} - gone)
            audit.came_back += sum((number, each) in self.removed for each in holds)
            audit.changed_uidl += sum(
                uidl not in found and identity in holds for uidl, identity in before.items()
            )
            self._seen[number] = found
        return audit

    def _read(
        self, server: Server, number: str, known: Mapping[str, str], audit: Audit
    ) -> dict[str, str]:
        """Unique-id to id of a mailbox; what is not known is fetched and looked at."""
        found: dict[str, str] = {}
        with closing(log_in(server, number)) as client:
            for line in client.uidl()[1]:
                at, uidl = line.decode().split()
                if uidl in known:
                    found[uidl] = known[uidl]
                else:
                    identity, content = own_part(client.retr(int(at))[1])
                    self._judge(number, identity, content, audit)
                    found[uidl] = identity or uidl
            client.quit()
        return found

    def _judge(self, number: str, identity: str, content: bytes, audit: Audit) -> None:
        digest, octets, recipients = self._sent.get(identity, ("", 0, frozenset()))
        if number not in recipients:
            audit.strange += 1
        elif len(content) < octets:
            audit.half += 1
        elif sha256(content).hexdigest() != digest:
            audit.altered += 1


def log_in(server: Server, number: str) -> poplib.POP3:
    """A session of POP3 by an independent client."""
    client = poplib.POP3("127.0.0.1", server.pop3, timeout=PATIENCE)
    client.user(number)
    client.pass_(number)
    return client


def own_part(lines: list[bytes]) -> tuple[str, bytes]:
    """The id of a message and what its sender wrote, without the server's stamps."""
    for at, line in enumerate(lines):
        if line.startswith(_ID):
            own = b"".join(each + b"\r\n" for each in lines[at:])
            return line.removeprefix(_ID).decode("ascii", "replace"), own
        if not line:
            break
    return "", b""
