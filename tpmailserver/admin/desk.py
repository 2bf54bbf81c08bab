"""The desk at which an instructor's action is done: what it may reach, and how it says no.

The rule it guards: an action is a plain function of a desk and typed arguments. It prints nothing,
knows no reply code, and does the same whether a server carries it out or `tpmail` does so alone;
what only a running server has is asked through the small contract `Live`.
"""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from tpmailserver.delivery.approval import Approval
from tpmailserver.settings import Settings
from tpmailserver.store.database import DATABASE, Database
from tpmailserver.store.directory import Directory
from tpmailserver.store.maildir import Mailboxes
from tpmailserver.store.snapshots import Snapshots
from tpmailserver.store.spool import Spool

Arguments = ParamSpec("Arguments")
Report = TypeVar("Report")


class NotDone(Exception):
    """An action was refused; its text says why, for the person who asked."""


@dataclass(frozen=True, slots=True)
class SessionSeen:
    """One session of a running server; `since` is in seconds of the epoch."""

    protocol: str
    client: str
    account: str
    """"" as long as nobody has logged in."""
    state: str
    since: float


@dataclass(frozen=True, slots=True)
class HolderSeen:
    """Who holds a maildrop (RFC 1939 §4), and since when where that is known."""

    number: str
    who: str
    since: float | None


@dataclass(frozen=True, slots=True)
class PortSeen:
    """A TCP port on which the server listens for "SMTP" or "POP3"; `host` may be every address."""

    protocol: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class FrozenSeen:
    """A protocol that the instructor has stopped, and since when."""

    protocol: str
    since: float


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What a running server says of itself."""

    pid: int
    started: float
    listening: tuple[str, ...]
    delivered: int
    """Messages accepted since the start."""
    holders: tuple[HolderSeen, ...] = ()
    frozen: tuple[FrozenSeen, ...] = ()
    ports: tuple[PortSeen, ...] = ()
    version: str = ""
    """The version of tpmailserver that runs."""


class Live(Protocol):
    """What only a running server has. Actions call it from a thread, never from the reactor's."""

    def sessions(self) -> Sequence[SessionSeen]:
        """Every session of this moment."""

    def expel(self, names: Collection[str], why: str) -> int:
        """Closes the POP3 sessions of these mailboxes, removing nothing; returns how many."""

    def close(self, names: Collection[str] | None, why: str) -> Sequence[SessionSeen]:
        """Closes the sessions of these accounts, or all there are; says which, removes nothing."""

    def freeze(self, protocol: str) -> int:
        """Stops SMTP or POP3 until `thaw`; returns how many sessions were told to go."""

    def thaw(self, protocol: str) -> bool:
        """Lets a protocol go on; returns whether it was stopped."""

    def facts(self) -> ServerFacts:
        """The process, its ports and its counts."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything an action may reach: `folder` is the site's; `live` is None without a server."""

    folder: Path
    settings: Settings
    database: Database
    directory: Directory
    mailboxes: Mailboxes
    spool: Spool
    approval: Approval
    live: Live | None = None
    clock: Callable[[], float] = time.time

    @property
    def database_file(self) -> Path:
        """The file of the accounts."""
        return self.folder / DATABASE

    @property
    def snapshots(self) -> Snapshots:
        """What was set aside."""
        return Snapshots(self.folder / "snapshots")

    @property
    def held(self) -> Path:
        """The folder of what waits on the lists, and of what was rejected there."""
        return self.folder / "held"


def one_line(error: OSError) -> str:
    """What the system says went wrong, and with which file."""
    what = error.strerror or str(error) or type(error).__name__
    return f"{what}: {error.filename}" if error.filename is not None else what


Action = Callable[Concatenate[Desk, Arguments], Report]


def by_turns(action: Action[Arguments, Report]) -> Action[Arguments, Report]:
    """Makes an action wait until no other one moves mailboxes, or is refused."""

    @wraps(action)
    def in_turn(desk: Desk, /, *arguments: Arguments.args, **named: Arguments.kwargs) -> Report:
        with desk.mailboxes.gate.moving():
            return action(desk, *arguments, **named)

    return in_turn
