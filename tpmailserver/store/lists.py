"""The mailing lists of a site.

The rule it guards: every group is a list of its own name, and nobody has to make it one. Without
a row here it has no owner and everybody may post. Its members are the group's numbers and are
changed there alone; a row of its name adds the rest: owner, who may post, suspension.

The members of any other list are names: accounts, groups, lists, postmaster. A name that nobody
has is never a member, and what is removed leaves every list, so that no list grows a member who
comes to nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from sqlalchemy import Connection, Update, bindparam, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or

from .namespace import POSTMASTER, check_free, names_in
from .tables import GROUPS, LIST_MEMBERS, LIST_TROUBLES, LISTS
from .transactions import Transactions, raise_revision


class MayPost(Enum):
    """Whose messages a list takes."""

    EVERYONE = "everyone"
    """Whoever reaches the server."""
    MEMBERS = "members"
    """Its members and its owner."""
    OWNER = "owner"
    """Its owner alone: a list for announcements."""


@dataclass(frozen=True, slots=True)
class MailingList:
    """A list; its owner is an account or "", and it is suspended where `suspended` says why.

    The members stand in the order in which they were added, a group's in that of the numbers.
    """

    name: str
    owner: str
    may_post: MayPost
    members: tuple[str, ...]
    suspended: str
    is_group: bool = False
    """Whether it is a group's list: then the members are accounts."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a list was last not expanded, and when, in seconds of Unix time."""

    at: float
    what: str


class UnknownMember(ValueError):
    """Nobody has these names: they can be no members."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(f"no account, group or list: {', '.join(names)}")
        self.names = names


class UnknownOwner(ValueError):
    """The owner of a list is an account, and this is none."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the owner of a list is an account; {name} is none")
        self.name = name


class GroupList(ValueError):
    """The members of a group's list are the group's."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is a group: its members are added with tpmail add NUMBER --group {name}"
        )
        self.name = name


class Lists:
    """The lists of one site. The names given are taken as they stand, already folded."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def put(
        self,
        name: str,
        members: Iterable[str] = (),
        owner: str | None = None,
        may_post: MayPost | None = None,
    ) -> tuple[str, ...]:
        """Makes a list, or adds to one that stands; returns the members that are new to it.

        None leaves what stands: at first no owner, and everybody may post. Raises ValueError,
        with nothing changed: NameTaken, GroupList, UnknownMember, UnknownOwner.
        """
        wanted = tuple(dict.fromkeys(members))
        with self._transactions.writing() as connection:
            names = names_in(connection)
            check_free(name, {"an account": names.accounts})
            if wanted and name in names.groups:
                raise GroupList(name)
            if name in wanted:
                raise ValueError(f"the list {name} cannot be a member of itself")
            known = names.accounts.union(names.groups, names.lists, {POSTMASTER})
            unknown = tuple(each for each in wanted if each not in known)
            if unknown:
                raise UnknownMember(unknown)
            if owner and owner not in names.accounts:
                raise UnknownOwner(owner)
            _make_row(connection, name)
            if owner is not None:
                connection.execute(_row(name).values(owner=owner))
            if may_post is not None:
                connection.execute(_row(name).values(may_post=may_post.value))
            standing = _members(connection, name)
            new = tuple(each for each in wanted if each not in standing)
            if new:
                rows = [{"list_name": name, "member": each} for each in new]
                connection.execute(insert(LIST_MEMBERS), rows)
            raise_revision(connection)
        return new

    def remove(self, name: str) -> bool:
        """Removes a list, from other lists too; returns whether it stood.

        A group stays, and stays a member: only what its row says of it goes.
        """
        with self._transactions.writing() as connection:
            connection.execute(delete(LIST_TROUBLES).where(LIST_TROUBLES.c.name == name))
            gone = connection.execute(delete(LISTS).where(LISTS.c.name == name)).rowcount > 0
            if gone:
                connection.execute(delete(LIST_MEMBERS).where(LIST_MEMBERS.c.list_name == name))
                if not _is_group(connection, name):
                    connection.execute(delete(LIST_MEMBERS).where(LIST_MEMBERS.c.member == name))
                raise_revision(connection)
        return gone

    def drop(self, name: str, members: Iterable[str]) -> tuple[str, ...]:
        """Takes members out of a list; returns those that were in it. Raises GroupList."""
        with self._transactions.writing() as connection:
            if _is_group(connection, name):
                raise GroupList(name)
            standing = _members(connection, name)
            dropped = tuple(each for each in dict.fromkeys(members) if each in standing)
            if dropped:
                connection.execute(
                    delete(LIST_MEMBERS)
                    .where(LIST_MEMBERS.c.list_name == name)
                    .where(LIST_MEMBERS.c.member == bindparam("dropped")),
                    [{"dropped": each} for each in dropped],
                )
                raise_revision(connection)
        return dropped

    def suspend(self, name: str, why: str) -> bool:
        """Suspends a list until `resume`; returns whether there is one of that name."""
        if not why:
            raise ValueError(f"the list {name} is suspended for a reason")
        with self._transactions.writing() as connection:
            # The list may have been removed while a message for it came in.
            stands = _stands(connection, name)
            if stands:
                _make_row(connection, name)
                connection.execute(_row(name).values(suspended=why))
                raise_revision(connection)
        return stands

    def resume(self, name: str) -> bool:
        """Lets a list go on; returns whether it was suspended."""
        with self._transactions.writing() as connection:
            suspended = _row(name).where(LISTS.c.suspended != "")
            resumed = connection.execute(suspended.values(suspended="")).rowcount > 0
            if resumed:
                raise_revision(connection)
        return resumed

    def note_trouble(self, name: str, what: str, at: float) -> None:
        """Notes why a list was not expanded; no server has to know."""
        newer = insert_or(LIST_TROUBLES).values(name=name, at=at, what=what)
        newer = newer.on_conflict_do_update(set_={"at": at, "what": what})
        with self._transactions.writing() as connection:
            if _stands(connection, name):
                connection.execute(newer)

    def troubles(self) -> dict[str, Trouble]:
        """The last trouble of every list that had one."""
        query = select(LIST_TROUBLES.c.name, LIST_TROUBLES.c.at, LIST_TROUBLES.c.what)
        with self._transactions.reading() as connection:
            rows = connection.execute(query.order_by(LIST_TROUBLES.c.name))
            return {name: Trouble(at, what) for name, at, what in rows}


def lists_in(
    connection: Connection, groups: Mapping[str, tuple[str, ...]]
) -> dict[str, MailingList]:
    """All lists that this transaction sees, those of the groups among them, by name and sorted."""
    members: dict[str, list[str]] = {}
    order = select(LIST_MEMBERS.c.list_name, LIST_MEMBERS.c.member).order_by(LIST_MEMBERS.c.id)
    for name, member in connection.execute(order):
        members.setdefault(name, []).append(member)
    lists = {
        name: MailingList(name, "", MayPost.EVERYONE, numbers, "", is_group=True)
        for name, numbers in groups.items()
    }
    columns = (LISTS.c.name, LISTS.c.owner, LISTS.c.may_post, LISTS.c.suspended)
    for name, owner, may_post, suspended in connection.execute(select(*columns)):
        group = groups.get(name)
        theirs = tuple(members.get(name, ())) if group is None else group
        lists[name] = MailingList(
            name, owner, MayPost(may_post), theirs, suspended, is_group=group is not None
        )
    return dict(sorted(lists.items()))


def forget_accounts(connection: Connection, numbers: Iterable[str]) -> None:
    """Takes accounts that are removed out of all lists, as members and as owners."""
    rows = [{"gone": number} for number in numbers]
    connection.execute(delete(LIST_MEMBERS).where(LIST_MEMBERS.c.member == bindparam("gone")), rows)
    connection.execute(
        update(LISTS).where(LISTS.c.owner == bindparam("gone")).values(owner=""), rows
    )


def _make_row(connection: Connection, name: str) -> None:
    connection.execute(insert_or(LISTS).values(name=name).on_conflict_do_nothing())


def _row(name: str) -> Update:
    return update(LISTS).where(LISTS.c.name == name)


def _members(connection: Connection, name: str) -> set[str]:
    query = select(LIST_MEMBERS.c.member).where(LIST_MEMBERS.c.list_name == name)
    return set(connection.scalars(query))


def _is_group(connection: Connection, name: str) -> bool:
    return connection.execute(select(GROUPS).where(GROUPS.c.name == name)).first() is not None


def _stands(connection: Connection, name: str) -> bool:
    row = connection.execute(select(LISTS).where(LISTS.c.name == name)).first()
    return row is not None or _is_group(connection, name)
