"""Empties mailboxes for the next class, and undoes that.

The rule it guards: nothing that an instructor does here cannot be undone, and no acknowledged
delivery is lost. Mailboxes are set aside whole; an undo sets the present ones aside first and keeps
the mail that came since; and the students' sessions hear that their mailbox is another one now.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tpmailserver.store.aside import Aside
from tpmailserver.store.disk import OUT_OF_SPACE
from tpmailserver.store.snapshots import Kind, Snapshot

from .desk import Desk, NotDone, by_turns
from .packs import usable_pack
from .seeds import seed_mailboxes
from .who import Who, find

_RESET = "mailbox reset by the instructor"
_BROUGHT_BACK = "mailbox brought back by the instructor"


@dataclass(frozen=True, slots=True)
class Planned:
    """The mailboxes that an action would set aside and what lies in them."""

    numbers: tuple[str, ...]
    messages: int
    octets: int
    broken: tuple[str, ...] = ()
    """Mailboxes whose messages cannot be counted."""
    seeded: int = 0
    """Mails with which each of them would begin anew."""


@dataclass(frozen=True, slots=True)
class Reset:
    """The mailboxes that are empty now and the snapshot in which the old mail is kept."""

    numbers: tuple[str, ...]
    messages: int
    kept: str
    expelled: int
    """POP3 sessions that were closed."""
    seeded: int
    """Mails with which each mailbox begins."""


@dataclass(frozen=True, slots=True)
class Undoable:
    """The reset or restore that an undo would undo, when it was done, and how much it set aside."""

    title: str
    kind: str
    at: float
    numbers: tuple[str, ...]
    messages: int


@dataclass(frozen=True, slots=True)
class Undone:
    """What was undone, and the snapshot in which the mailboxes of just now are kept."""

    title: str
    kind: str
    at: float
    numbers: tuple[str, ...]
    messages: int
    """Messages in the mailboxes now, those that came since among them."""
    kept: str
    expelled: int


def plan_reset(desk: Desk, who: Who, seed: str = "") -> Planned:
    """What `reset` would do, changing nothing."""
    seeded = len(usable_pack(desk, seed).mails) if seed else 0
    return replace(plan_for(desk, find(desk, who).numbers), seeded=seeded)


def plan_for(desk: Desk, numbers: Sequence[str]) -> Planned:
    """What lies in mailboxes that would be set aside."""
    messages = octets = 0
    broken = []
    for each in numbers:
        try:
            tally = desk.mailboxes.tally(each)
        except OSError:
            broken.append(each)
            continue
        messages += tally.messages
        octets += tally.octets
    return Planned(tuple(numbers), messages, octets, tuple(broken))


@by_turns
def reset(desk: Desk, who: Who, seed: str = "") -> Reset:
    """Sets mailboxes aside; those in their places are empty, or begin with the pack `seed`."""
    pack = usable_pack(desk, seed) if seed else None
    plan = plan_reset(desk, who)
    if not plan.numbers:
        return Reset((), 0, "", 0, 0)
    snapshot = desk.snapshots.begin(Kind.RESET, "reset", desk.clock())
    aside = Aside(desk.mailboxes, desk.snapshots, snapshot)
    seeds: tuple[str, ...] = ()
    try:
        aside.set_aside(plan.numbers)
        if pack is not None:
            seeds = seed_mailboxes(desk, plan.numbers, pack, who.group)
            desk.snapshots.write(replace(snapshot, seeds=seeds))
    except OSError as error:
        aside.give_back(desk.snapshots.mailboxes(snapshot))
        raise not_moved(desk, snapshot, error) from error
    # After the rename and not before it: a session that logged in just now must not stay with a
    # listing of what has gone.
    expelled = expel(desk, plan.numbers, _RESET)
    seeded = len(pack.mails) if pack is not None else 0
    return Reset(plan.numbers, plan.messages, snapshot.title, expelled, seeded)


def plan_undo(desk: Desk) -> Undoable:
    """What `undo` would do, changing nothing; refuses where there is nothing to undo."""
    return _undoable(desk, _last(desk))


@by_turns
def undo(desk: Desk) -> Undone:
    """Brings back what the last reset or restore set aside, and keeps the mail that came since."""
    last = _last(desk)
    what = _undoable(desk, last)
    before = desk.snapshots.begin(Kind.UNDO, f"undo-{last.kind.value}", desk.clock())
    aside = Aside(desk.mailboxes, desk.snapshots, before)
    try:
        aside.bring_back(last, what.numbers, _put_there(desk, last))
    except OSError as error:
        raise _not_brought_back(desk, last, before, error) from error
    expelled = expel(desk, what.numbers, _BROUGHT_BACK)
    # Nothing is left in it.
    desk.snapshots.remove(last)
    messages = plan_for(desk, what.numbers).messages
    return Undone(
        last.title, last.kind.value, last.at, what.numbers, messages, before.title, expelled
    )


def expel(desk: Desk, numbers: Sequence[str], why: str) -> int:
    """Closes the POP3 sessions of mailboxes, with a word; returns how many."""
    return desk.live.expel(tuple(numbers), why) if desk.live else 0


def not_moved(desk: Desk, snapshot: Snapshot, error: OSError) -> NotDone:
    """What to say after a failure in the middle, when everything was moved back."""
    left = desk.snapshots.mailboxes(snapshot)
    if left:
        return NotDone(
            f"stopped by {said(error)}: {len(left)} mailboxes are in snapshot {snapshot.title}; "
            "tpmail undo brings them back"
        )
    desk.snapshots.remove(snapshot)
    return NotDone(f"{said(error)}; every mailbox is as it was")


def _not_brought_back(desk: Desk, last: Snapshot, before: Snapshot, error: OSError) -> NotDone:
    """What to say, to the students' sessions too, after a failure in the middle of an undo."""
    left = desk.snapshots.mailboxes(last)
    expel(desk, desk.snapshots.mailboxes(before), _BROUGHT_BACK)
    if not desk.snapshots.mailboxes(before):
        desk.snapshots.remove(before)
    return NotDone(
        f"{said(error)}; {len(left)} of the mailboxes are still in snapshot {last.title}, whole: "
        "tpmail undo goes on from here"
    )


def said(error: OSError) -> str:
    """What the system says went wrong, and with which mailbox unless it is the disk's trouble."""
    what = error.strerror or str(error)
    is_of_disk = error.errno in OUT_OF_SPACE or error.filename is None
    return what if is_of_disk else f"{what}: {error.filename}"


def _last(desk: Desk) -> Snapshot:
    for each in reversed(desk.snapshots.all()):
        # An empty one is what a kill has left of an undo that was done.
        if each.kind in (Kind.RESET, Kind.RESTORE) and desk.snapshots.mailboxes(each):
            return each
    raise NotDone("there is nothing to undo: no reset and no restore is there")


def _put_there(desk: Desk, last: Snapshot) -> frozenset[str]:
    """The mails that a reset or a restore itself put into the mailboxes."""
    source = desk.snapshots.named(last.source)
    return frozenset(last.seeds) | (desk.snapshots.uidls(source) if source else frozenset())


def _undoable(desk: Desk, last: Snapshot) -> Undoable:
    desk.directory.refresh()
    numbers = desk.snapshots.mailboxes(last)
    weight = desk.snapshots.weight(last)
    return Undoable(last.title, last.kind.value, last.at, numbers, weight.messages)
