"""Looks at a site, its server and this machine, and says what is wrong and what to do about it.

The rule it guards: looking changes nothing, and no check keeps the others from being made. Each is
a small function on a thread of its own: one that fails is a finding, and so is one that has no
answer after fifteen seconds, for a resolver or a file server may never give one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..desk import NotDone, one_line
from . import contents, machine, permissions, ports, running, storage
from .finding import BAD, Case, Check, Found, bad
from .patience import within

_PATIENCE = 15.0  # seconds

THE_PLACE: Mapping[str, Check] = {"site": permissions.site}
"""Without a site there, only the machine is looked at."""

THE_MACHINE_AS_CALLED: Mapping[str, Check] = {
    "ports": ports.who_listens,
    "low ports": ports.may_bind,
    "clock": machine.clock,
    "versions": machine.versions,
}
"""What depends on who asks: root sees other users' programs, and may bind every port.

It is asked before any setting is read.
"""

THE_MACHINE: Mapping[str, Check] = {
    "name": machine.name,
    "networks": machine.networks,
    "open files": machine.open_files,
}

THE_SITE: Mapping[str, Check] = {
    "settings": contents.settings,
    "rights": permissions.rights,
    "space": storage.space,
    "file system": storage.file_system,
    "server": running.server,
    "round trip": running.round_trip,
    "database": contents.database,
    "postmaster": contents.postmaster,
    "lists": contents.lists,
    "hooks": permissions.hooks,
    "snapshots": storage.snapshots,
    "spool": storage.spool,
}

_ORDER = (
    *("site", "settings", "rights", "space", "file system", "clock", "name", "networks"),
    *("ports", "low ports", "open files", "versions", "server", "round trip"),
    *("database", "postmaster", "lists", "hooks", "snapshots", "spool"),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check has found: `verdict` is "ok", "warn" or "bad"."""

    check: str
    verdict: str
    found: str
    advice: str = ""
    """What to do about it."""
    commands: tuple[str, ...] = ()
    """What may be typed to do it: one of them, or all in order, as `advice` says."""


@dataclass(frozen=True, slots=True)
class Examination:
    """All findings; `is_bad` where something must be done before a class can work."""

    is_bad: bool
    findings: tuple[Finding, ...]


def examination(findings: Iterable[Finding]) -> Examination:
    """All findings, in the order in which they are read."""
    ordered = tuple(sorted(findings, key=lambda each: _ORDER.index(each.check)))
    return Examination(any(each.verdict == BAD for each in ordered), ordered)


def examine(checks: Mapping[str, Check], case: Case) -> tuple[Finding, ...]:
    """What these checks find."""
    return tuple(_finding(name, _made(check, case)) for name, check in checks.items())


def _finding(name: str, found: Found) -> Finding:
    return Finding(name, found.verdict, found.found, found.advice, found.commands)


def _made(check: Check, case: Case) -> Found:
    try:
        return within(_PATIENCE, lambda: check(case))
    except TimeoutError:
        return bad(f"no answer within {_PATIENCE:.0f} seconds", "what it looks at hangs")
    except NotDone as error:
        return bad(str(error))
    except OSError as error:
        return bad(f"cannot be looked at: {one_line(error)}", "see to that first")
    except Exception as error:  # noqa: BLE001 - one check that fails must not hide the others
        return bad(
            f"this check failed: {type(error).__name__}: {error}",
            "this is a bug in tpmail: please report it",
        )
