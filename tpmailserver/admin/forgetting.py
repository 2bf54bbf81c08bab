"""Erases what the site holds of a student, for good.

The rule it guards: this is the one action that cannot be undone, so it says what it erased. It
goes through everything that bears the number: the mailbox, its copies in every snapshot, the rows
of the database, the lock; also where the account itself was removed before. Done again, it goes on
where it was cut off. What the student wrote lies in the mailboxes of others and is theirs.
"""

import os
import shutil
from dataclasses import dataclass

from tpmailserver.model import NAME
from tpmailserver.store.aside import Aside
from tpmailserver.store.snapshots import Kind

from .desk import Desk, by_turns
from .resets import expel, plan_for
from .who import Who, find_with


@dataclass(frozen=True, slots=True)
class PlannedForgetting:
    """What would be erased: accounts, their messages, and copies of mailboxes in snapshots."""

    numbers: tuple[str, ...]
    messages: int
    snapshots: int
    octets: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was erased for good."""

    numbers: tuple[str, ...]
    messages: int
    """Messages in the mailboxes and in the snapshots."""
    snapshots: int
    """Snapshots in which there was a mailbox of theirs."""
    octets: int
    expelled: int


def plan_forget(desk: Desk, who: Who) -> PlannedForgetting:
    """What `forget` would do, changing nothing."""
    numbers = find_with(desk, who, _left_behind(desk, who)).numbers
    wanted = frozenset(numbers)
    there = plan_for(desk, numbers)
    messages, octets, count = there.messages, there.octets, 0
    for each in desk.snapshots.all():
        theirs = wanted.intersection(desk.snapshots.mailboxes(each))
        weight = desk.snapshots.weight(each, theirs)
        count += bool(theirs)
        messages += weight.messages
        octets += weight.octets
    return PlannedForgetting(numbers, messages, count, octets)


@by_turns
def forget(desk: Desk, who: Who) -> Forgotten:
    """Erases accounts with all that the site holds of them."""
    plan = plan_forget(desk, who)
    if not plan.numbers:
        return Forgotten((), 0, 0, 0, 0)
    desk.database.remove(plan.numbers)
    desk.directory.refresh()
    # First out of the way of deliveries, then erased with those that were set aside before.
    last = desk.snapshots.begin(Kind.REMOVED, "forgotten", desk.clock())
    Aside(desk.mailboxes, desk.snapshots, last).take_away(plan.numbers)
    expelled = expel(desk, plan.numbers, "the account was erased")
    for number in plan.numbers:
        (desk.folder / "locks" / number).unlink(missing_ok=True)
    wanted = frozenset(plan.numbers)
    for each in desk.snapshots.all():
        for name in wanted.intersection(desk.snapshots.mailboxes(each)):
            _erase(desk, each.title, name)
        if not desk.snapshots.mailboxes(each):
            desk.snapshots.remove(each)
    return Forgotten(plan.numbers, plan.messages, plan.snapshots, plan.octets, expelled)


def _left_behind(desk: Desk, who: Who) -> frozenset[str]:
    """Those of whom there are mailboxes, with an account or without: it was removed before."""
    in_snapshots = frozenset(
        name for each in desk.snapshots.all() for name in desk.snapshots.mailboxes(each)
    )
    # Of everybody is erased what this program has set aside, and no folder that somebody made.
    named = filter(NAME.fullmatch, who.numbers)
    here = {each for each in named if os.path.lexists(desk.mailboxes.folder / each)}
    return in_snapshots | here


def _erase(desk: Desk, title: str, name: str) -> None:
    path = desk.snapshots.folder / title / name
    # A mailbox that was broken may be a file or a link.
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
