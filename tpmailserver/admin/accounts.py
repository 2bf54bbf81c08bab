"""Makes, lists and removes accounts.

The rule it guards: nothing that a student wrote is erased. A removed account is gone from the
table at once, so that no mail can follow, and its mailbox is then set aside whole. Adding an
account twice changes nothing but its groups.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tpmailserver.model import name_of
from tpmailserver.store.aside import Aside
from tpmailserver.store.namespace import RESERVED, NameTaken
from tpmailserver.store.snapshots import Kind

from .desk import Desk, NotDone, by_turns
from .numbers import WHAT_A_NAME_IS, shown
from .resets import Planned, expel, plan_reset
from .who import Who, members


@dataclass(frozen=True, slots=True)
class InGroup:
    """A group and numbers in it."""

    group: str
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Added:
    """The numbers that got an account, and those that had one already."""

    added: tuple[str, ...]
    present: tuple[str, ...]
    group: str | None
    elsewhere: tuple[InGroup, ...] = ()
    """Those who are in another group as well, where all were put into one."""


@dataclass(frozen=True, slots=True)
class PlannedAdd:
    """The numbers that would get an account, and those that have one already."""

    added: tuple[str, ...]
    present: tuple[str, ...]
    group: str | None


@dataclass(frozen=True, slots=True)
class AccountSeen:
    """One account with what lies in its mailbox and its last sessions, in seconds of the epoch."""

    number: str
    groups: tuple[str, ...]
    messages: int
    octets: int
    pop3: float | None
    smtp: float | None
    trouble: str = ""
    """Why the mailbox cannot be read; "" where it can."""
    name: str = ""
    """"" unless the roster's names were asked to be kept."""


@dataclass(frozen=True, slots=True)
class AccountList:
    """Accounts in the order of their numbers; `groups` are all of the site's."""

    accounts: tuple[AccountSeen, ...]
    groups: tuple[InGroup, ...] = ()


@dataclass(frozen=True, slots=True)
class Removed:
    """The accounts that are gone and the folder in which their mail is kept."""

    numbers: tuple[str, ...]
    messages: int
    kept: str
    expelled: int
    """POP3 sessions that were closed."""


def plan_add(desk: Desk, numbers: tuple[str, ...], group: str | None = None) -> PlannedAdd:
    """What `add` would do, changing nothing."""
    _check_names(numbers, group)
    desk.directory.refresh()
    _check_free(desk, numbers, group)
    present = tuple(each for each in numbers if desk.directory.account(each) is not None)
    standing = frozenset(present)
    return PlannedAdd(tuple(each for each in numbers if each not in standing), present, group)


def add(desk: Desk, numbers: tuple[str, ...], group: str | None = None) -> Added:
    """Makes accounts, and puts all of these numbers into the group."""
    _check_names(numbers, group)
    try:
        done = desk.database.add(numbers, group, desk.clock())
    except NameTaken as error:
        raise taken(error, group) from error
    desk.directory.refresh()
    elsewhere = () if group is None else _elsewhere(desk, frozenset(done.present), group)
    return Added(tuple(done.added), tuple(done.present), group, elsewhere)


def accounts(desk: Desk, group: str | None = None) -> AccountList:
    """Every account, or a group's."""
    desk.directory.refresh()
    known = desk.database.load().accounts
    if group is not None:
        wanted = frozenset(members(desk, group))
        known = tuple(each for each in known if each.number in wanted)
    seen, names = desk.database.seen(), desk.database.names()
    rows = []
    for each in known:
        messages, octets, trouble = _mailbox(desk, each.number)
        times = seen.get(each.number, {})
        rows.append(
            AccountSeen(
                each.number,
                tuple(sorted(each.groups)),
                messages,
                octets,
                times.get("POP3"),
                times.get("SMTP"),
                trouble,
                names.get(each.number, ""),
            )
        )
    return AccountList(tuple(rows), tuple(_groups(desk)))


def never_seen(desk: Desk, group: str | None = None) -> AccountList:
    """Those who have never logged in, neither by POP3 nor by SMTP: all, or a group's."""
    found = accounts(desk, group)
    unseen = tuple(each for each in found.accounts if each.pop3 is None and each.smtp is None)
    return AccountList(unseen, found.groups)


def plan_remove(desk: Desk, who: Who) -> Planned:
    """What `remove` would do, changing nothing."""
    return plan_reset(desk, who)


@by_turns
def remove(desk: Desk, who: Who) -> Removed:
    """Removes accounts and sets their mailboxes aside."""
    plan = plan_reset(desk, who)
    if not plan.numbers:
        return Removed((), 0, "", 0)
    gone = tuple(desk.database.remove(plan.numbers))
    desk.directory.refresh()
    snapshot = desk.snapshots.begin(Kind.REMOVED, "removed", desk.clock())
    try:
        Aside(desk.mailboxes, desk.snapshots, snapshot).take_away(gone)
    except OSError as error:
        raise NotDone(
            f"the accounts are removed, but not all of their mailboxes could be set aside: {error}"
        ) from error
    kept = snapshot.title if plan.messages or desk.snapshots.mailboxes(snapshot) else ""
    if not kept:
        desk.snapshots.remove(snapshot)
    return Removed(gone, plan.messages, kept, expel(desk, gone, "the account was removed"))


def taken(error: NameTaken, group: str | None) -> NotDone:
    """The refusal of a name that is another thing's; `group` is what was asked for as a group."""
    if error.name == group and error.kind == "a list":
        how = f" (tpmail list add {group} NUMBER... puts accounts on it)"
        return NotDone(f"{group} is a list and no group; nothing is added{how}")
    return NotDone(f"{error}; nothing is added")


def _check_names(numbers: tuple[str, ...], group: str | None) -> None:
    wrong = [each for each in numbers if name_of(each) != each]
    if wrong:
        raise NotDone(f"{shown(wrong[0])} is no name: {WHAT_A_NAME_IS}")
    if group is not None and name_of(group) != group:
        raise NotDone(f"{shown(group)} is no name of a group: {WHAT_A_NAME_IS}")
    if not numbers:
        raise NotDone("no number was given")


def _check_free(desk: Desk, numbers: tuple[str, ...], group: str | None) -> None:
    """Refuses what the database would refuse: accounts, groups and lists share one name space."""
    for each in numbers:
        if each in RESERVED:
            raise taken(NameTaken(each, "reserved"), group)
        if desk.directory.members(each) is not None:
            raise taken(NameTaken(each, "a group"), group)
        if desk.directory.mailing_list(each) is not None:
            raise taken(NameTaken(each, "a list"), group)
    if group is None:
        return
    if group in RESERVED:
        raise taken(NameTaken(group, "reserved"), group)
    if group in numbers or desk.directory.account(group) is not None:
        raise taken(NameTaken(group, "an account"), group)
    if desk.directory.members(group) is None and desk.directory.mailing_list(group) is not None:
        raise taken(NameTaken(group, "a list"), group)


def _elsewhere(desk: Desk, numbers: frozenset[str], group: str) -> tuple[InGroup, ...]:
    others = (
        InGroup(each.group, tuple(number for number in each.numbers if number in numbers))
        for each in _groups(desk)
        if each.group != group
    )
    return tuple(each for each in others if each.numbers)


def _groups(desk: Desk) -> Iterator[InGroup]:
    for name in desk.directory.group_names():
        yield InGroup(name, desk.directory.members(name) or ())


def _mailbox(desk: Desk, number: str) -> tuple[int, int, str]:
    try:
        tally = desk.mailboxes.weigh(number)
    except OSError as error:
        return 0, 0, error.strerror or str(error)
    return tally.messages, tally.octets, ""
