"""Whom an action is about: numbers, a group, or everybody.

The rule it guards: one unknown number and nothing at all is done, and every unknown one is named.
A reset of 39 mailboxes out of 40 is worse than none. Only a range may have holes, for student
numbers have: it means those of it that there are, and is unknown where there is none.
"""

from collections.abc import Collection
from dataclasses import dataclass

from .desk import Desk, NotDone
from .numbers import BadNumber, expand, is_range, listed


@dataclass(frozen=True, slots=True)
class Who:
    """Exactly one of: some numbers, a group's name, or everybody.

    A number is a name or a range, as in `22000001-22000040`.
    """

    numbers: tuple[str, ...] = ()
    group: str | None = None
    everybody: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """The accounts that a `Who` came to, in the order in which they were asked for."""

    numbers: tuple[str, ...]


def find(desk: Desk, who: Who) -> Found:
    """The accounts that are meant; refuses unknown numbers, unknown groups and a vague `who`."""
    return find_with(desk, who, ())


def find_with(desk: Desk, who: Who, others: Collection[str]) -> Found:
    """The same among the accounts and some others, who have none."""
    if bool(who.numbers) + (who.group is not None) + who.everybody != 1:
        raise NotDone("say who: numbers, one group, or everybody")
    desk.directory.refresh()
    if who.everybody:
        accounts = [each.number for each in desk.database.load().accounts]
        return Found(tuple(sorted({*accounts, *others})))
    if who.group is not None:
        return Found(members(desk, who.group))
    return _by_number(desk, who.numbers, others)


def members(desk: Desk, group: str) -> tuple[str, ...]:
    """The numbers in a group; an unknown group is refused with the names of those that exist."""
    numbers = desk.directory.members(group)
    if numbers is None:
        known = ", ".join(sorted(desk.directory.group_names())) or "none yet"
        raise NotDone(f"no group {group}; nothing is done (groups: {known})")
    return numbers


def _by_number(desk: Desk, words: tuple[str, ...], others: Collection[str]) -> Found:
    found: dict[str, None] = {}
    unknown = []
    for word in words:
        try:
            names = expand([word]) if is_range(word) else (word,)
        except BadNumber as error:
            raise NotDone(f"{error}; nothing is done") from error
        known = [each for each in names if each in others or desk.directory.account(each)]
        if not known:
            unknown.append(word)
        found.update(dict.fromkeys(known))
    if unknown:
        raise NotDone(f"no account {listed(unknown)}; nothing is done")
    return Found(tuple(found))
