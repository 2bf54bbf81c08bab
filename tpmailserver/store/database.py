"""The accounts, groups and lists of a site, and who was seen when.

The rule it guards: each question is one transaction. What it changes is changed whole or not at
all, and a server notices.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Float, String, bindparam, delete, exists, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or

from .enrolment import Enrolled, Entry, check, enrol
from .lists import Lists, MailingList, forget_accounts, lists_in
from .tables import ACCOUNTS, GROUPS, MEMBERSHIPS, NAMES, SEEN
from .transactions import Transactions, raise_revision, revision_of

DATABASE = "tpmail.sqlite3"
"""The file of a site's accounts, groups and lists."""


@dataclass(frozen=True, slots=True)
class Account:
    """A student's account; without a hash the password is the number."""

    number: str
    password_hash: str | None
    groups: frozenset[str]


@dataclass(frozen=True, slots=True)
class Added:
    """Which of the numbers asked for are new and which stood there already, in that order."""

    added: tuple[str, ...]
    present: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """What the database holds at one revision, sorted; an empty group is there too."""

    revision: int
    accounts: tuple[Account, ...]
    groups: Mapping[str, tuple[str, ...]]
    """The numbers in each group."""
    lists: Mapping[str, MailingList]
    """Every list by its name, those of the groups among them."""


class Database:
    """The accounts of one site, in an SQLite file; `lists` is what it keeps of mailing lists."""

    def __init__(self, path: Path) -> None:
        self._transactions = Transactions(path)
        self.lists = Lists(self._transactions)

    def create(self) -> None:
        """Makes the file and its tables, what of them is missing."""
        self._transactions.create()

    def revision(self) -> int:
        """A number that changes with every change that a server must notice."""
        with self._transactions.reading() as connection:
            return revision_of(connection)

    def faults(self) -> tuple[str, ...]:
        """What is wrong with the file by SQLite's own check; nothing where it is whole."""
        with self._transactions.reading() as connection:
            said = connection.exec_driver_sql("PRAGMA quick_check(10)").scalars()
            return tuple(str(each) for each in said if each != "ok")

    def load(self) -> Contents:
        """All that a server remembers, as it was at one revision."""
        with self._transactions.reading() as connection:
            revision = revision_of(connection)
            groups = _groups(connection)
            lists = lists_in(connection, groups)
            return Contents(revision, _accounts(connection, groups), groups, lists)

    def add(self, numbers: Iterable[str], group: str | None, now: float) -> Added:
        """Adds accounts, and every one of `numbers` to `group`, which is made if it is new."""
        groups = () if group is None else (group,)
        done = self.enrol([Entry(number, groups) for number in numbers], now, groups)
        return Added(done.added, done.present)

    def enrol(self, entries: Sequence[Entry], now: float, groups: Sequence[str] = ()) -> Enrolled:
        """Adds the accounts of a roster, and puts all of it into its groups.

        The groups of the entries, and `groups` besides, are made if they are new. Raises NameTaken,
        with nothing changed.
        """
        with self._transactions.writing() as connection:
            enrolled = enrol(connection, entries, now, groups)
            raise_revision(connection)
        return enrolled

    def check(self, entries: Sequence[Entry]) -> None:
        """Raises NameTaken where `enrol` would, and changes nothing."""
        with self._transactions.reading() as connection:
            check(connection, entries, ())

    def names(self) -> dict[str, str]:
        """The names of those whose name is kept, by number."""
        with self._transactions.reading() as connection:
            rows = connection.execute(select(NAMES.c.number, NAMES.c.name))
            return {row.number: row.name for row in rows}

    def remove(self, numbers: Iterable[str]) -> tuple[str, ...]:
        """Removes accounts and what is known of them; returns those that there were.

        They are gone from their groups and lists; the lists that they owned have no owner.
        """
        with self._transactions.writing() as connection:
            standing = set(connection.scalars(select(ACCOUNTS.c.number)))
            removed = tuple(number for number in dict.fromkeys(numbers) if number in standing)
            if removed:
                rows = [{"gone": number} for number in removed]
                for table in (ACCOUNTS, MEMBERSHIPS, NAMES, SEEN):
                    connection.execute(
                        delete(table).where(table.c.number == bindparam("gone")), rows
                    )
                forget_accounts(connection, removed)
                raise_revision(connection)
        return removed

    def set_password_hashes(self, hashes: Mapping[str, str | None]) -> None:
        """Stores the hashes of changed passwords by number; None makes it the number again."""
        rows = [{"whose": number, "password_hash": one} for number, one in hashes.items()]
        if not rows:
            return
        with self._transactions.writing() as connection:
            connection.execute(
                update(ACCOUNTS).where(ACCOUNTS.c.number == bindparam("whose")), rows
            )
            raise_revision(connection)

    def note_all_seen(self, sightings: Sequence[tuple[str, str, float]]) -> None:
        """Notes sessions (number, protocol, at) in one transaction: one wait for the disk.

        An account that is gone meanwhile leaves no row, for the next of its number to inherit.
        """
        if not sightings:
            return
        stands = exists().where(ACCOUNTS.c.number == bindparam("whose"))
        whose, how = bindparam("whose", type_=String), bindparam("how", type_=String)
        seen = select(whose, how, bindparam("moment", type_=Float)).where(stands)
        newer = insert_or(SEEN).from_select([SEEN.c.number, SEEN.c.protocol, SEEN.c.at], seen)
        newer = newer.on_conflict_do_update(set_={"at": newer.excluded.at})
        rows = [{"whose": each[0], "how": each[1], "moment": each[2]} for each in sightings]
        with self._transactions.writing() as connection:
            connection.execute(newer, rows)

    def seen(self) -> dict[str, dict[str, float]]:
        """When each account was last seen, by protocol, in seconds of Unix time."""
        found: dict[str, dict[str, float]] = {}
        with self._transactions.reading() as connection:
            for number, protocol, at in connection.execute(
                select(SEEN.c.number, SEEN.c.protocol, SEEN.c.at)
            ):
                found.setdefault(number, {})[protocol] = at
        return found


def _groups(connection: Connection) -> dict[str, tuple[str, ...]]:
    members: dict[str, list[str]] = {
        name: [] for name in connection.scalars(select(GROUPS.c.name).order_by(GROUPS.c.name))
    }
    rows = select(MEMBERSHIPS.c.group_name, MEMBERSHIPS.c.number).order_by(MEMBERSHIPS.c.number)
    for group, number in connection.execute(rows):
        members[group].append(number)
    return {group: tuple(numbers) for group, numbers in members.items()}


def _accounts(connection: Connection, groups: Mapping[str, tuple[str, ...]]) -> tuple[Account, ...]:
    theirs: dict[str, list[str]] = {}
    for group, numbers in groups.items():
        for number in numbers:
            theirs.setdefault(number, []).append(group)
    # A class of 30,000 has few different sets of groups: each is kept once.
    known: dict[frozenset[str], frozenset[str]] = {}
    accounts = []
    rows = select(ACCOUNTS.c.number, ACCOUNTS.c.password_hash).order_by(ACCOUNTS.c.number)
    for number, password_hash in connection.execute(rows):
        own = frozenset(theirs.get(number, ()))
        accounts.append(Account(number, password_hash, known.setdefault(own, own)))
    return tuple(accounts)
