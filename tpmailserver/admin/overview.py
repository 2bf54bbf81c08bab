"""Says how the lists are doing: who is on them, who may post, what waits and what is wrong.

The rule it guards: looking changes nothing, and one list that cannot be read hides no other.
"""

from dataclasses import dataclass

from tpmailserver.settings import Hook
from tpmailserver.store.lists import MailingList, Trouble

from .desk import Desk, one_line
from .lists import warnings
from .members import find_list
from .posts import HeldPost, held_posts


@dataclass(frozen=True, slots=True)
class MemberSeen:
    """A member of a list: "account", "group", "list", or the "mailbox" that is postmaster's."""

    name: str
    kind: str
    mailboxes: int


@dataclass(frozen=True, slots=True)
class ListSeen:
    """All that is known of a list; times are in seconds of the epoch."""

    name: str
    address: str
    owner: str
    may_post: str
    members: tuple[MemberSeen, ...]
    mailboxes: int
    hook: str
    """What expands it in the place of its members, or ""."""
    suspended: str
    """Why it sends nothing on, or ""."""
    trouble: str
    """Why its hook failed last, or ""."""
    trouble_at: float | None
    waiting: tuple[HeldPost, ...]
    warnings: tuple[str, ...]
    unreadable: str = ""
    """Why what waits on it cannot be read; "" where it can."""


@dataclass(frozen=True, slots=True)
class ListRow:
    """One list among all: of what kind ("group", "list", "hook"), for whom, and how it is."""

    name: str
    kind: str
    members: int
    mailboxes: int
    owner: str
    may_post: str
    suspended: str
    waiting: int
    trouble: str
    trouble_at: float | None
    unreadable: str = ""
    """Why what waits on it cannot be read; "" where it can."""


@dataclass(frozen=True, slots=True)
class ListOfLists:
    """All lists in the order of their names, those of the groups among them."""

    lists: tuple[ListRow, ...]


def show_list(desk: Desk, name: str) -> ListSeen:
    """One list."""
    mailing_list = find_list(desk, name)
    name = mailing_list.name
    trouble = desk.database.lists.troubles().get(name)
    hook = next((each for each in desk.settings.hooks if each.name == name), None)
    waiting, unreadable = _waiting(desk, mailing_list)
    return ListSeen(
        name,
        f"{name}@{desk.settings.domain}",
        mailing_list.owner,
        mailing_list.may_post.value,
        tuple(_member(desk, each) for each in mailing_list.members),
        len(desk.approval.reach(mailing_list)),
        "" if hook is None else _in_words(hook),
        mailing_list.suspended,
        "" if trouble is None else trouble.what,
        None if trouble is None else trouble.at,
        waiting,
        warnings(desk, mailing_list),
        unreadable,
    )


def lists(desk: Desk) -> ListOfLists:
    """Every list, a line each."""
    desk.directory.refresh()
    hooks = {hook.name for hook in desk.settings.hooks}
    troubles = desk.database.lists.troubles()
    rows = []
    for name in desk.directory.list_names():
        mailing_list = desk.directory.mailing_list(name)
        if mailing_list is not None:
            kind = "group" if mailing_list.is_group else "list"
            trouble = troubles.get(name)
            rows.append(_row(desk, mailing_list, "hook" if name in hooks else kind, trouble))
    return ListOfLists(tuple(rows))


def _row(desk: Desk, mailing_list: MailingList, kind: str, trouble: Trouble | None) -> ListRow:
    waiting, unreadable = _waiting(desk, mailing_list)
    return ListRow(
        mailing_list.name,
        kind,
        len(mailing_list.members),
        len(desk.approval.reach(mailing_list)),
        mailing_list.owner,
        mailing_list.may_post.value,
        mailing_list.suspended,
        len(waiting),
        "" if trouble is None else trouble.what,
        None if trouble is None else trouble.at,
        unreadable,
    )


def _waiting(desk: Desk, mailing_list: MailingList) -> tuple[tuple[HeldPost, ...], str]:
    """What waits on a list, or why that cannot be read."""
    try:
        return held_posts(desk, mailing_list), ""
    except OSError as error:
        return (), one_line(error)


def _member(desk: Desk, name: str) -> MemberSeen:
    mailing_list = desk.directory.mailing_list(name)
    if mailing_list is None:
        kind = "mailbox" if desk.directory.account(name) is None else "account"
        return MemberSeen(name, kind, 1)
    kind = "group" if mailing_list.is_group else "list"
    return MemberSeen(name, kind, len(desk.approval.reach(mailing_list)))


def _in_words(hook: Hook) -> str:
    if hook.program:
        return f"program {' '.join(hook.program)}"
    return f"python {hook.python}" if hook.python else f"plugin {hook.plugin}"
