"""Takes, lists and restores snapshots of mailboxes.

The rule it guards: a restore is exact, and nothing is lost by it: the mailboxes of just now are set
aside first, and the snapshot stays as it is, so that it can be restored again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tpmailserver.store.aside import Aside
from tpmailserver.store.snapshots import Kind, Snapshot

from .desk import Desk, NotDone, by_turns
from .numbers import compact, listed
from .resets import expel, not_moved, plan_for, said
from .who import Who, find

_RESTORED = "mailbox restored by the instructor"


@dataclass(frozen=True, slots=True)
class SnapshotSeen:
    """One snapshot and what lies in it; `at` is in seconds of the epoch."""

    title: str
    kind: str
    at: float
    mailboxes: int
    messages: int
    octets: int


@dataclass(frozen=True, slots=True)
class SnapshotList:
    """The snapshots of a site, the oldest first, and after how many days one is erased."""

    snapshots: tuple[SnapshotSeen, ...]
    kept_days: float


@dataclass(frozen=True, slots=True)
class Taken:
    """A snapshot that was taken."""

    title: str
    mailboxes: int
    messages: int


@dataclass(frozen=True, slots=True)
class PlannedRestore:
    """The mailboxes that a restore would replace: the messages there now, and those to come."""

    title: str
    numbers: tuple[str, ...]
    messages: int
    restored: int


@dataclass(frozen=True, slots=True)
class Restored:
    """The mailboxes that are as they were, and the snapshot that keeps those of just now."""

    title: str
    numbers: tuple[str, ...]
    messages: int
    kept: str
    expelled: int


def snapshots(desk: Desk) -> SnapshotList:
    """Every snapshot."""
    rows = []
    for each in desk.snapshots.all():
        weight = desk.snapshots.weight(each)
        rows.append(
            SnapshotSeen(
                each.title,
                each.kind.value,
                each.at,
                weight.mailboxes,
                weight.messages,
                weight.octets,
            )
        )
    return SnapshotList(tuple(rows), desk.settings.keep_snapshots)


@by_turns
def snapshot(desk: Desk, label: str) -> Taken:
    """Takes a snapshot of every mailbox, in which nothing changes."""
    desk.directory.refresh()
    numbers = find(desk, Who(everybody=True)).numbers
    taken = desk.snapshots.begin(Kind.TAKEN, label, desk.clock())
    try:
        Aside(desk.mailboxes, desk.snapshots, taken).copy(numbers)
    except OSError as error:
        desk.snapshots.remove(taken)
        raise NotDone(f"{said(error)}; no snapshot is taken") from error
    weight = desk.snapshots.weight(taken)
    return Taken(taken.title, weight.mailboxes, weight.messages)


def plan_restore(desk: Desk, title: str, who: Who) -> PlannedRestore:
    """What `restore` would do, changing nothing."""
    source = _named(desk, title)
    numbers = _numbers(desk, source, who)
    there = plan_for(desk, numbers).messages
    return PlannedRestore(
        source.title, numbers, there, desk.snapshots.weight(source, numbers).messages
    )


@by_turns
def restore(desk: Desk, title: str, who: Who) -> Restored:
    """Puts mailboxes back as a snapshot has them; those of just now are set aside."""
    source = _named(desk, title)
    numbers = _numbers(desk, source, who)
    before = desk.snapshots.begin(Kind.RESTORE, "restore", desk.clock(), source.title)
    try:
        Aside(desk.mailboxes, desk.snapshots, before).put_copies(source, numbers)
    except OSError as error:
        raise not_moved(desk, before, error) from error
    messages = desk.snapshots.weight(source, numbers).messages
    return Restored(source.title, numbers, messages, before.title, expel(desk, numbers, _RESTORED))


def _named(desk: Desk, title: str) -> Snapshot:
    """The snapshot of a title, or of a part that only one title has."""
    found = desk.snapshots.named(title)
    if found is not None:
        return found
    fitting = [each.title for each in desk.snapshots.all() if title and title in each.title]
    if len(fitting) == 1:
        found = desk.snapshots.named(fitting[0])
        assert found is not None
        return found
    if fitting:
        raise NotDone(f"{title} fits {len(fitting)} snapshots: {listed(fitting)}")
    raise NotDone(f"no snapshot {title}: tpmail snapshots lists them")


def _numbers(desk: Desk, source: Snapshot, who: Who) -> tuple[str, ...]:
    there = frozenset(desk.snapshots.mailboxes(source))
    wanted: Sequence[str] = find(desk, who).numbers
    if who.everybody:
        wanted = [each for each in wanted if each in there]
    missing = [each for each in wanted if each not in there]
    if missing:
        raise NotDone(f"{source.title} has no mailbox of {compact(missing)}; nothing is done")
    if not wanted:
        raise NotDone(f"nobody of {source.title} has an account now; nothing is done")
    return tuple(wanted)
