"""What a person reads of a class at work: who is connected, who was sent away, what is stopped.

The rule it guards: a class of forty fits a screen. Counts come first, then a line a student, who
has been connected longest on top: whoever is stuck is there.
"""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tpmailserver.admin.desk import FrozenSeen, HolderSeen, ServerFacts, SessionSeen
from tpmailserver.admin.sessions import Frozen, Kicked, Thawed
from tpmailserver.admin.status import PostsWaiting, Status

from .pages import page, whole
from .phrases import clock_time, count, ranges
from .sheets import Part, Sheet

# Together with what is said above them they leave a line of 24 to type on.
_STUDENTS_SHOWN = 10

# What stands beside them on a line of 80 columns has room then.
_FEW = 24


@dataclass(frozen=True, slots=True)
class _Student:
    """One line: an account, or an address from which nobody has logged in yet."""

    account: str
    sessions: tuple[SessionSeen, ...]
    holds: tuple[HolderSeen, ...] = ()
    """A maildrop that is held by none of these sessions: one that is being closed."""

    @property
    def since(self) -> float | None:
        times = [each.since for each in self.sessions]
        times += [each.since for each in self.holds if each.since is not None]
        return min(times, default=None)

    @property
    def clients(self) -> str:
        addresses = (each.client for each in self.sessions)
        return ", ".join(dict.fromkeys([*addresses, *(each.who for each in self.holds)]))

    @property
    def doing(self) -> str:
        done = Counter(f"{each.protocol} {each.state}" for each in self.sessions)
        done.update("maildrop held" for _ in self.holds)
        return ", ".join(f"{what} x{n}" if n > 1 else what for what, n in sorted(done.items()))


@page.register
def _(report: Status) -> Iterable[Part]:
    yield from _status(report, _STUDENTS_SHOWN)


@whole.register
def _(report: Status) -> Iterable[Part]:
    yield from _status(report, len(report.sessions) + report.accounts)


@page.register
def _(report: Kicked) -> Iterable[Part]:
    yield f"{_sessions(report.closed)} closed; nothing is removed"
    numbers = tuple(sorted({each.account for each in report.closed} - {""}))
    if numbers:
        yield f"{count(len(numbers), 'student')} told why{ranges(numbers)}"
    if report.without:
        yield f"no session open{ranges(report.without) or f' of {len(report.without):,}'}"


@page.register
def _(report: Frozen) -> Iterable[Part]:
    now = tuple(each for each in report.protocols if each not in report.already)
    if now:
        yield f"{' and '.join(now)} stopped; {count(report.told, 'session')} told and closed"
    if report.already:
        yield f"{' and '.join(report.already)} stopped already"
    yield f"who connects is told why; {_thaw(report.protocols)} lets them go on"


@page.register
def _(report: Thawed) -> Iterable[Part]:
    if report.protocols:
        verb = "goes" if len(report.protocols) == 1 else "go"
        yield f"{' and '.join(report.protocols)} {verb} on"
    if report.running:
        yield f"{' and '.join(report.running)} had not been stopped"


def _status(report: Status, at_most: int) -> Iterable[Part]:
    now = time.time()
    site = f"{count(report.accounts, 'account')} in {count(report.groups, 'group')}"
    lists = [*_suspended(report.suspended), *_waiting(report.waiting)]
    if report.server is None:
        yield "no server runs on this site"
        yield site
        yield from lists
        return
    yield from _server(report.server, now)
    yield f"{site}; {_open(report.sessions, report.server.holders)}"
    if report.sessions:
        yield _doing(report.sessions)
    yield from lists
    at_most -= len(lists)
    students = _students(report.sessions, report.server.holders)
    if students:
        yield Sheet(
            ("student", "from", "since", "doing"),
            [
                (each.account or "-", each.clients, _since(each, now), each.doing)
                for each in students[:at_most]
            ],
        )
    if len(students) > at_most:
        yield f"and {len(students) - at_most:,} more: tpmail status --all"


def _server(server: ServerFacts, now: float) -> Iterable[Part]:
    since = clock_time(server.started, now)
    delivered = count(server.delivered, "message")
    yield f"the server runs: process {server.pid}, since {since}; {delivered} delivered"
    yield f"it listens on {', '.join(server.listening) or 'nothing'}"
    if server.frozen:
        yield _frozen(server.frozen, now)


def _frozen(frozen: Sequence[FrozenSeen], now: float) -> str:
    stopped = " and ".join(
        f"{each.protocol} since {clock_time(each.since, now)}" for each in frozen
    )
    return f"FROZEN: {stopped}; {_thaw(tuple(each.protocol for each in frozen))} lets it go on"


def _thaw(protocols: tuple[str, ...]) -> str:
    return "tpmail thaw" if len(protocols) > 1 else f"tpmail thaw {protocols[0].lower()}"


def _suspended(names: Sequence[str]) -> Iterable[Part]:
    if names:
        yield f"SUSPENDED: {_few(names)}; tpmail list show {names[0]} says why"


def _waiting(lists: Sequence[PostsWaiting]) -> Iterable[Part]:
    if lists:
        many = _few([f"{each.name} {each.messages:,}" for each in lists])
        yield f"waiting for approval: {many}; see tpmail list show {lists[0].name}"


def _few(texts: Sequence[str]) -> str:
    """As many as half a line has room for, at least one, and how many more there are."""
    shown = texts[:1]
    while len(shown) < len(texts) and len(", ".join(texts[: len(shown) + 1])) <= _FEW:
        shown = texts[: len(shown) + 1]
    more = f" and {len(texts) - len(shown):,} more" if len(texts) > len(shown) else ""
    return ", ".join(shown) + more


def _open(sessions: Sequence[SessionSeen], holders: Sequence[HolderSeen]) -> str:
    held = f", {count(len(holders), 'maildrop')} held" if holders else ""
    return f"{_sessions(sessions)} open{held}"


def _sessions(sessions: Sequence[SessionSeen]) -> str:
    """`41 sessions (39 POP3, 2 SMTP)`."""
    protocols = Counter(each.protocol for each in sessions)
    kinds = ", ".join(f"{n:,} {protocol}" for protocol, n in sorted(protocols.items()))
    return f"{count(len(sessions), 'session')}{f' ({kinds})' if kinds else ''}"


def _doing(sessions: Sequence[SessionSeen]) -> str:
    """How many are where, most first."""
    doing = Counter(f"{each.protocol} {each.state}" for each in sessions)
    return ", ".join(
        f"{n:,} {what}" for what, n in sorted(doing.items(), key=lambda each: (-each[1], each[0]))
    )


def _students(sessions: Sequence[SessionSeen], holders: Sequence[HolderSeen]) -> Sequence[_Student]:
    """One a student, and one an address where nobody has logged in; the longest first."""
    theirs: dict[tuple[str, str], list[SessionSeen]] = {}
    for each in sessions:
        theirs.setdefault((each.account, "" if each.account else each.client), []).append(each)
    readers = {each.account for each in sessions if each.protocol == "POP3"}
    left = {each.number: each for each in holders if each.number not in readers}
    students = [
        _Student(account, tuple(each), (left.pop(account),) if account in left else ())
        for (account, _), each in theirs.items()
    ]
    students += [_Student(number, (), (holder,)) for number, holder in left.items()]
    return sorted(students, key=lambda each: (each.since or 0.0, each.account, each.clients))


def _since(student: _Student, now: float) -> str:
    return "-" if student.since is None else clock_time(student.since, now)
