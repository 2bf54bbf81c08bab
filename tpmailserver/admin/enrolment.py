"""Holds a roster against the site, and takes it over.

The rule it guards: a roster only adds. Who is not in it keeps account and mail, and who stands
already gets nothing twice and leaves no group unless the entry says so. It speaks of the groups
that it names and of no other: departures and changes of group are looked for in these alone, so
that the roster of one group says nothing of the next one, and a group made by hand is nobody's to
leave.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tpmailserver.model import name_of
from tpmailserver.store.enrolment import Entry
from tpmailserver.store.namespace import NameTaken

from .accounts import taken
from .desk import Desk, NotDone
from .numbers import WHAT_A_NAME_IS, listed, shown
from .roster.students import LONGEST_NAME
from .who import members

__all__ = ["Difference", "Enrolled", "Entry", "GroupChange", "Moved", "compare", "enrol"]


@dataclass(frozen=True, slots=True)
class GroupChange:
    """Somebody who stands already: the groups on the site and those in the roster.

    `leaves` are the groups of the roster in which they are now and by the roster are not.
    """

    number: str
    now: tuple[str, ...]
    joins: tuple[str, ...]
    leaves: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GroupSize:
    """How many of the roster are in a group, and whether the site has it not yet."""

    group: str
    numbers: int
    new: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """A roster against the site; everybody in it is an arrival or present."""

    arrivals: tuple[str, ...]
    present: tuple[str, ...]
    departures: tuple[str, ...]
    """The accounts of the roster's groups, or of the site if it names none, that it has not."""
    changes: tuple[GroupChange, ...]
    groups: tuple[GroupSize, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """Who is new in a group and who is gone from it."""

    group: str
    joined: tuple[str, ...]
    left: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The numbers that got an account, those that had one, and what changed in the groups."""

    added: tuple[str, ...]
    present: tuple[str, ...]
    groups: tuple[Moved, ...]
    stayed: tuple[GroupChange, ...]
    """Those who are still in a group of the roster that is another's by the roster."""


def compare(desk: Desk, entries: tuple[Entry, ...], group: str | None = None) -> Difference:
    """What is different between a roster and the site, and so what `enrol` would do."""
    everybody = _with_group(entries, group)
    _check(everybody)
    try:
        desk.database.check(everybody)
    except NameTaken as error:
        raise _taken(error, everybody) from error
    desk.directory.refresh()
    _check_leaving(desk, entries)
    numbers = dict.fromkeys(entry.number for entry in entries)
    standing = frozenset(each for each in numbers if desk.directory.account(each) is not None)
    sizes = Counter(name for entry in everybody for name in dict.fromkeys(entry.groups))
    return Difference(
        tuple(each for each in numbers if each not in standing),
        tuple(each for each in numbers if each in standing),
        tuple(each for each in _scope(desk, sizes) if each not in numbers),
        tuple(_changes(desk, entries, group)),
        tuple(
            GroupSize(name, sizes[name], desk.directory.members(name) is None)
            for name in sorted(sizes)
        ),
    )


def enrol(desk: Desk, entries: tuple[Entry, ...], group: str | None = None) -> Enrolled:
    """Makes the accounts that are missing; all go into their groups, and into `group` besides."""
    everybody = _with_group(entries, group)
    _check(everybody)
    desk.directory.refresh()
    _check_leaving(desk, entries)
    try:
        done = desk.database.enrol(everybody, desk.clock())
    except NameTaken as error:
        raise _taken(error, everybody) from error
    desk.directory.refresh()
    moved = tuple(
        Moved(name, done.joined.get(name, ()), done.left.get(name, ()))
        for name in sorted(done.joined.keys() | done.left.keys())
    )
    stayed = tuple(each for each in _changes(desk, entries, group) if each.leaves)
    return Enrolled(done.added, done.present, moved, stayed)


def _with_group(entries: Sequence[Entry], group: str | None) -> tuple[Entry, ...]:
    if group is None:
        return tuple(entries)
    return tuple(replace(entry, groups=(*entry.groups, group)) for entry in entries)


def _scope(desk: Desk, groups: Mapping[str, int]) -> Sequence[str]:
    """The accounts of which a roster with these groups speaks."""
    if not groups:
        return [each.number for each in desk.database.load().accounts]
    found = {number for group in groups for number in desk.directory.members(group) or ()}
    return sorted(found)


def _changes(desk: Desk, entries: Sequence[Entry], group: str | None) -> Sequence[GroupChange]:
    spoken_of = {name for entry in entries for name in (*entry.groups, *entry.leave)}
    besides = () if group is None else (group,)
    changes = []
    for entry in entries:
        account = desk.directory.account(entry.number)
        if account is None:
            continue
        wanted = (*entry.groups, *besides)
        joins = tuple(name for name in wanted if name not in account.groups)
        # Of those whose cell is empty the roster says nothing, so they leave nothing.
        speaks = entry.groups or entry.leave
        leaves = (account.groups & spoken_of).difference(wanted) if speaks else ()
        if joins or leaves:
            now = tuple(sorted(account.groups))
            changes.append(GroupChange(entry.number, now, joins, tuple(sorted(leaves))))
    return changes


def _check(entries: Sequence[Entry]) -> None:
    if not entries:
        raise NotDone("no number was given")
    for entry in entries:
        if name_of(entry.number) != entry.number:
            raise NotDone(f"{shown(entry.number)} is no name: {WHAT_A_NAME_IS}")
        if len(entry.name) > LONGEST_NAME or not entry.name.isprintable():
            raise NotDone(f"a name has at most {LONGEST_NAME} printable letters")
    for group in {group for entry in entries for group in (*entry.groups, *entry.leave)}:
        if name_of(group) != group:
            raise NotDone(f"{shown(group)} is no name of a group: {WHAT_A_NAME_IS}")


def _check_leaving(desk: Desk, entries: Sequence[Entry]) -> None:
    """Refuses to take somebody out of a group who is not in it: that is a typing error."""
    leaving: dict[str, list[str]] = {}
    for entry in entries:
        for group in entry.leave:
            leaving.setdefault(group, []).append(entry.number)
    for group, numbers in sorted(leaving.items()):
        inside = frozenset(members(desk, group))
        outside = [number for number in numbers if number not in inside]
        if outside:
            raise NotDone(f"not in group {group}: {listed(outside)}; nothing is changed")


def _taken(error: NameTaken, entries: Sequence[Entry]) -> NotDone:
    as_group = any(error.name in entry.groups for entry in entries)
    return taken(error, error.name if as_group else None)
