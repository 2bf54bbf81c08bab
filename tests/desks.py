"""A site on real folders for the tests of `admin`, `control` and `cli`, and what a server adds."""

import os
import stat
import sys
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tpmailserver.admin.desk import Desk, FrozenSeen, HolderSeen, ServerFacts, SessionSeen
from tpmailserver.settings import Settings
from tpmailserver.site import open_site
from tpmailserver.store.locks import DeliveryGate
from tpmailserver.store.maildir import Mailboxes

NOW = 1_732_376_757.0


@dataclass
class Room:
    """The running server of a class: one POP3 and one SMTP session, and who was sent away."""

    expelled: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    frozen: dict[str, float] = field(default_factory=dict)

    def sessions(self) -> Sequence[SessionSeen]:
        return [
            SessionSeen("POP3", "192.168.7.31", "22000001", "transaction", NOW),
            SessionSeen("SMTP", "fd00::31", "", "greeted", NOW + 1),
        ]

    def expel(self, names: Collection[str], why: str) -> int:
        self.expelled.append((tuple(names), why))
        return sum(each.account in names for each in self.sessions())

    def close(self, names: Collection[str] | None, why: str) -> Sequence[SessionSeen]:
        return [each for each in self.sessions() if names is None or each.account in names]

    def freeze(self, protocol: str) -> int:
        self.frozen.setdefault(protocol, NOW)
        return sum(each.protocol == protocol for each in self.sessions())

    def thaw(self, protocol: str) -> bool:
        return self.frozen.pop(protocol, None) is not None

    def facts(self) -> ServerFacts:
        return ServerFacts(
            pid=os.getpid(),
            started=NOW,
            listening=("tcp 2525", "tcp 1110"),
            delivered=7,
            holders=(HolderSeen("22000001", "192.168.7.31", NOW),),
            frozen=tuple(FrozenSeen(*each) for each in sorted(self.frozen.items())),
        )


def desk_at(folder: Path, settings: Settings | None = None) -> Desk:
    """The desk of a site without a server, its clock standing at NOW."""
    return replace(open_site(folder, settings or Settings()).desk(), clock=lambda: NOW)


def put_mail(desk: Desk, number: str, text: bytes = b"Subject: x\n\nHello.\n") -> None:
    """Delivers a message the way the server does."""
    draft = desk.spool.draft(b"Return-Path: <>\n")
    draft.write(text)
    desk.mailboxes.deliver(draft, [number])


def hold(
    desk: Desk,
    name: str,
    stamp: bytes = b"Return-Path: <22000001@tpmail.info.unicaen.fr>\n",
    text: bytes = b"Subject: x\n\nHello.\n",
) -> None:
    """Lets a message wait on a list, the way the server does."""
    draft = desk.spool.draft(stamp)
    draft.write(text)
    Mailboxes(desk.held, DeliveryGate()).deliver(draft, [name])


class Piped:
    """A standard input that is no terminal."""

    def __init__(self, octets: bytes) -> None:
        self.buffer = self
        self._octets = octets

    def isatty(self) -> bool:
        return False

    def read(self, octets: int = -1) -> bytes:
        return self._octets if octets < 0 else self._octets[:octets]

    def readline(self) -> bytes:
        return self._octets.splitlines(keepends=True)[0] if self._octets else b""


def messages_in(folder: Path) -> list[bytes]:
    """The messages that lie in a mailbox's folder, wherever that is now."""
    return [each.read_bytes() for part in ("new", "cur") for each in (folder / part).iterdir()]


def mode(path: Path) -> int:
    """The permission bits of a file."""
    return stat.S_IMODE(path.lstat().st_mode)


def wait_until(happened: Callable[[], bool], seconds: float = 10.0) -> None:
    """Waits until a call returns True; fails when it never does."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


def with_our_path() -> dict[str, str]:
    """The environment for a Python of its own that finds what this one finds."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}
