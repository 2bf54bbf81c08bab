"""Puts a roster into the database: accounts, their groups and, where they are given, their names.

The rule it guards: all of it or nothing, and nothing twice. What stands already stays as it is;
nobody loses an account by it, nor a group that no entry tells them to leave.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, insert, select
from sqlalchemy.dialects.sqlite import insert as insert_or

from .namespace import Names, check_free, names_in
from .tables import ACCOUNTS, GROUPS, MEMBERSHIPS, NAMES


@dataclass(frozen=True, slots=True)
class Entry:
    """One account as a roster has it: the groups that it joins and those that it leaves."""

    number: str
    groups: tuple[str, ...] = ()
    leave: tuple[str, ...] = ()
    name: str = ""
    """"" leaves the name that stands."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The numbers that are new and those that stood already, each once, in the roster's order."""

    added: tuple[str, ...]
    present: tuple[str, ...]
    joined: Mapping[str, tuple[str, ...]]
    """The numbers that are new in each group."""
    left: Mapping[str, tuple[str, ...]]
    """The numbers that are gone from each group."""


def check(connection: Connection, entries: Sequence[Entry], groups: Sequence[str]) -> Names:
    """The names that stand; raises NameTaken or ValueError where these entries cannot join them."""
    names = names_in(connection)
    numbers = dict.fromkeys(entry.number for entry in entries)
    for number in numbers:
        check_free(number, {"a group": names.groups, "a list": names.lists})
    accounts = names.accounts.union(numbers)
    for group in _groups_of(entries, groups):
        check_free(group, {"an account": accounts, "a list": names.lists})
    return names


def enrol(
    connection: Connection, entries: Sequence[Entry], now: float, groups: Sequence[str]
) -> Enrolled:
    """Does it in the transaction of this connection; raises NameTaken or ValueError."""
    names = check(connection, entries, groups)
    numbers = tuple(dict.fromkeys(entry.number for entry in entries))
    added = tuple(number for number in numbers if number not in names.accounts)
    if added:
        rows = [{"number": number, "password_hash": None, "created": now} for number in added]
        connection.execute(insert(ACCOUNTS), rows)
    wanted = _groups_of(entries, groups)
    new_groups = [{"name": group} for group in wanted if group not in names.groups]
    if new_groups:
        connection.execute(insert(GROUPS), new_groups)
    _name(connection, entries)
    joined, left = _regroup(connection, entries)
    present = tuple(number for number in numbers if number in names.accounts)
    return Enrolled(added, present, _by_group(joined), _by_group(left))


def _groups_of(entries: Sequence[Entry], groups: Sequence[str]) -> Sequence[str]:
    return list(dict.fromkeys([*groups, *(each for entry in entries for each in entry.groups)]))


def _name(connection: Connection, entries: Sequence[Entry]) -> None:
    rows = [{"number": entry.number, "name": entry.name} for entry in entries if entry.name]
    if rows:
        newer = insert_or(NAMES)
        connection.execute(newer.on_conflict_do_update(set_={"name": newer.excluded.name}), rows)


_Pairs = Sequence[tuple[str, str]]


def _regroup(connection: Connection, entries: Sequence[Entry]) -> tuple[_Pairs, _Pairs]:
    """Changes memberships; returns those that are new and those that are gone."""
    query = select(MEMBERSHIPS.c.group_name, MEMBERSHIPS.c.number)
    standing = {(group, number) for group, number in connection.execute(query)}
    wanted = {(group, entry.number): None for entry in entries for group in entry.groups}
    joined = [pair for pair in wanted if pair not in standing]
    unwanted = {(group, entry.number): None for entry in entries for group in entry.leave}
    left = [pair for pair in unwanted if pair in standing and pair not in wanted]
    if joined:
        rows = [{"group_name": group, "number": number} for group, number in joined]
        connection.execute(insert(MEMBERSHIPS), rows)
    if left:
        gone = delete(MEMBERSHIPS).where(
            MEMBERSHIPS.c.group_name == bindparam("group"), MEMBERSHIPS.c.number == bindparam("who")
        )
        connection.execute(gone, [{"group": group, "who": number} for group, number in left])
    return joined, left


def _by_group(pairs: _Pairs) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for group, number in pairs:
        found.setdefault(group, []).append(number)
    return {group: tuple(numbers) for group, numbers in sorted(found.items())}
