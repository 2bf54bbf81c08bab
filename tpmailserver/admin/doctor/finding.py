"""What a check of the doctor's looks at, and what it says.

The rule it guards: whatever is not in order comes with what to do about it, in commands for this
machine and this site that can be typed as they stand.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ..desk import Desk, ServerFacts
from ..round_trip import RoundTrip

OK, WARN, BAD = "ok", "warn", "bad"


@dataclass(frozen=True, slots=True)
class Found:
    """What one check has found; `verdict` is "ok", "warn" or "bad"."""

    verdict: str
    found: str
    advice: str = ""
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Server:
    """The server of the site, as far as it is heard: `facts` where it answers."""

    facts: ServerFacts | None = None
    sessions: int = 0
    trouble: str = ""
    """Why a server that runs is not heard; "" where it answers and where none runs."""
    stopped_pid: int = 0
    """Its process, where that is stopped and would go on by SIGCONT."""


@dataclass(frozen=True, slots=True)
class Case:
    """The site and the server that are looked at; nothing is made where something is missing."""

    desk: Desk
    server: Server
    round_trip: Callable[[], RoundTrip] | None = None
    """Sends a mail through the server; None without one."""
    settings_fault: str = ""
    """Why `tpmail.toml` cannot be used; every setting is at its default then."""


Check = Callable[[Case], Found]


def ok(found: str) -> Found:
    """All is well."""
    return Found(OK, found)


def warn(found: str, advice: str = "", *commands: str) -> Found:
    """A class can work so, but somebody should know."""
    return Found(WARN, found, advice, commands)


def bad(found: str, advice: str = "", *commands: str) -> Found:
    """A class will stumble over it."""
    return Found(BAD, found, advice, commands)


def many(number: int, thing: str) -> str:
    """`1 account`, `1,200 accounts`; `thing` takes a plain s."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
