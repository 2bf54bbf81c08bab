"""Closes sessions of the running server, and stops a protocol for a while.

The rule it guards: nothing that was acknowledged is lost and nothing half done counts. A session
that is at something finishes it, hears why it is closed, and removes nothing that it had only
marked. A stop by `freeze` is the server's own state: it ends with the server.
"""

from dataclasses import dataclass

from .desk import Desk, Live, NotDone, SessionSeen
from .who import Who, find

PROTOCOLS = ("SMTP", "POP3")


@dataclass(frozen=True, slots=True)
class Kicked:
    """The sessions that were told to go, and the accounts among those asked for that had none."""

    closed: tuple[SessionSeen, ...]
    without: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Frozen:
    """The protocols that are stopped now, those of them that were before, the sessions told so."""

    protocols: tuple[str, ...]
    already: tuple[str, ...]
    told: int


@dataclass(frozen=True, slots=True)
class Thawed:
    """The protocols that go on, and those that had never stopped."""

    protocols: tuple[str, ...]
    running: tuple[str, ...]


def kick(desk: Desk, who: Who) -> Kicked:
    """Closes the sessions of these accounts; for everybody, those without a login as well."""
    live = _live(desk, "no session to close")
    numbers = find(desk, who).numbers
    closed = live.close(
        None if who.everybody else numbers, "the instructor has closed this session"
    )
    seen = {each.account for each in closed}
    without = () if who.everybody else tuple(each for each in numbers if each not in seen)
    return Kicked(tuple(closed), without)


def freeze(desk: Desk, protocols: tuple[str, ...]) -> Frozen:
    """Stops these protocols: who comes is told so, who is connected is told and closed."""
    live = _live(desk, "nothing to freeze")
    wanted = _checked(protocols)
    frozen = {each.protocol for each in live.facts().frozen}
    told = sum(live.freeze(each) for each in wanted)
    return Frozen(wanted, tuple(each for each in wanted if each in frozen), told)


def thaw(desk: Desk, protocols: tuple[str, ...]) -> Thawed:
    """Lets these protocols go on."""
    live = _live(desk, "nothing is frozen")
    wanted = _checked(protocols)
    thawed = tuple(each for each in wanted if live.thaw(each))
    return Thawed(thawed, tuple(each for each in wanted if each not in thawed))


def _live(desk: Desk, so: str) -> Live:
    if desk.live is None:
        raise NotDone(f"no server runs on this site: {so}")
    return desk.live


def _checked(protocols: tuple[str, ...]) -> tuple[str, ...]:
    for each in protocols:
        if each not in PROTOCOLS:
            raise NotDone(f"{each!r} is no protocol: SMTP or POP3")
    return tuple(dict.fromkeys(protocols))
