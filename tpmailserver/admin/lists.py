"""Makes mailing lists, changes and removes them, and lets a suspended one go on.

The rule it guards: a change is done whole or not at all, and what it makes of a list is said: a
list that nobody may post to, or that contains itself, is no error, for the next command may mend
it, but nobody should find out by a mail that does not come.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tpmailserver.store.lists import GroupList, MailingList, MayPost
from tpmailserver.store.namespace import NameTaken

from .desk import Desk, NotDone
from .members import Members, find_list, find_members, name_at
from .numbers import listed
from .posts import held_posts


@dataclass(frozen=True, slots=True)
class ListPut:
    """A list that was made or added to, as it is now, and what is to be said of it."""

    name: str
    address: str
    is_new: bool
    added: tuple[str, ...]
    present: tuple[str, ...]
    """Those of the members that were on it already."""
    owner: str
    may_post: str
    mailboxes: int
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MembersDropped:
    """The members that are no longer on a list, and those that were not on it."""

    name: str
    dropped: tuple[str, ...]
    absent: tuple[str, ...]
    mailboxes: int
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlannedListRemoval:
    """The list that would go, and the lists that it would leave."""

    name: str
    members: int
    left: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListRemoved:
    """The list that is gone, and the lists that it was on."""

    name: str
    members: int
    left: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Resumed:
    """A list that sends on; `why` says why it did not, "" where it did all the time."""

    name: str
    why: str


def put_list(
    desk: Desk,
    name: str,
    members: Members,
    owner: str | None = None,
    may_post: str | None = None,
) -> ListPut:
    """Makes a list, or adds to one; None leaves what stands, and the owner "" is none."""
    wanted = find_members(desk, members)
    name = name_at(desk, name)
    owner = owner and _owner(desk, owner)
    may_post_now = None if may_post is None else _may_post(may_post)
    is_new = desk.directory.mailing_list(name) is None
    try:
        added = desk.database.lists.put(name, wanted, owner, may_post_now)
    except ValueError as error:
        raise NotDone(_refused(name, error)) from error
    now = find_list(desk, name)
    new = frozenset(added)
    return ListPut(
        name,
        f"{name}@{desk.settings.domain}",
        is_new,
        added,
        tuple(each for each in wanted if each not in new),
        now.owner,
        now.may_post.value,
        len(desk.approval.reach(now)),
        warnings(desk, now),
    )


def drop_members(desk: Desk, name: str, members: Members) -> MembersDropped:
    """Takes members out of a list; refuses where none of them is on it."""
    before = find_list(desk, name)
    wanted = find_members(desk, members)
    standing = frozenset(before.members)
    absent = tuple(each for each in wanted if each not in standing)
    try:
        dropped = desk.database.lists.drop(before.name, wanted)
    except GroupList as error:
        raise NotDone(
            f"{before.name} is a group: a number leaves it by "
            f"tpmail add NUMBER --leave {before.name}; nothing is done"
        ) from error
    if not dropped:
        raise NotDone(f"{listed(wanted) or 'nobody'}: not on {before.name}; nothing is done")
    now = find_list(desk, before.name)
    return MembersDropped(
        now.name, dropped, absent, len(desk.approval.reach(now)), warnings(desk, now)
    )


def plan_remove_list(desk: Desk, name: str) -> PlannedListRemoval:
    """What `remove_list` would do, changing nothing; refuses what would come back or lose mail."""
    mailing_list = find_list(desk, name)
    name = mailing_list.name
    if mailing_list.is_group:
        raise NotDone(
            f"{name} is a group, and its list stays with it; to let only an owner post: "
            f"tpmail list add {name} --owner NUMBER --post owner"
        )
    if any(hook.name == name for hook in desk.settings.hooks):
        raise NotDone(
            f"{name} has a hook: take [hooks.{name}] out of tpmail.toml first, and start the "
            "server again; nothing is done"
        )
    waiting = len(held_posts(desk, mailing_list))
    if waiting:
        raise NotDone(
            f"{waiting} {'message waits' if waiting == 1 else 'messages wait'} on {name}: "
            f"tpmail list approve {name} or tpmail list reject {name} first; nothing is done"
        )
    return PlannedListRemoval(name, len(mailing_list.members), _lists_with(desk, name))


def remove_list(desk: Desk, name: str) -> ListRemoved:
    """Removes a list, from other lists too."""
    plan = plan_remove_list(desk, name)
    desk.database.lists.remove(plan.name)
    desk.directory.refresh()
    return ListRemoved(plan.name, plan.members, plan.left)


def resume_list(desk: Desk, name: str) -> Resumed:
    """Lets a suspended list go on."""
    mailing_list = find_list(desk, name)
    resumed = desk.database.lists.resume(mailing_list.name)
    desk.directory.refresh()
    return Resumed(mailing_list.name, mailing_list.suspended if resumed else "")


def warnings(desk: Desk, mailing_list: MailingList) -> tuple[str, ...]:
    """What makes no sense of a list, each in one line."""
    name = mailing_list.name
    found = []
    if mailing_list.may_post is MayPost.OWNER and not mailing_list.owner:
        found.append(f"nobody may post to {name}: only its owner may, and it has none")
    ways = [(name,), *_ways(desk, mailing_list)]
    if way := next((each for each in ways[1:] if each[-1] == name), None):
        found.append(f"{name} contains itself: {' -> '.join(way)}")
    has_hook = {each[-1] for each in ways} & {hook.name for hook in desk.settings.hooks}
    if not has_hook and not desk.approval.reach(mailing_list):
        found.append(f"nobody is on {name}: mail to it is refused")
    return tuple(found)


def _owner(desk: Desk, address: str) -> str:
    name = name_at(desk, address)
    if desk.directory.account(name) is None:
        raise NotDone(f"the owner of a list is an account, and {name} is none; nothing is done")
    return name


def _may_post(word: str) -> MayPost:
    try:
        return MayPost(word)
    except ValueError as error:
        raise NotDone("who may post to a list: everyone, members or owner") from error


def _refused(name: str, error: ValueError) -> str:
    if isinstance(error, NameTaken) and error.kind == "reserved":
        return f"{name} is a name of the server's own; nothing is done"
    return f"{error}; nothing is done"


def _lists_with(desk: Desk, name: str) -> tuple[str, ...]:
    """The lists that a name is a member of."""
    found = map(desk.directory.mailing_list, desk.directory.list_names())
    return tuple(each.name for each in found if each is not None and name in each.members)


def _ways(desk: Desk, mailing_list: MailingList) -> Iterator[tuple[str, ...]]:
    """The shortest way from a list to each list below it, and back to itself where that leads."""
    ways: list[tuple[str, ...]] = [(mailing_list.name,)]
    seen: set[str] = set()
    for way in ways:
        here = desk.directory.mailing_list(way[-1])
        for member in here.members if here is not None else ():
            if member not in seen and desk.directory.mailing_list(member) is not None:
                seen.add(member)
                ways.append((*way, member))
                yield ways[-1]
