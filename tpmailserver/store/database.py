"""The database of a site: accounts, groups, and who was seen when.

The rule it guards: everything that SQLAlchemy is asked to do stands here, and nothing is held
between two questions. Each one opens the file, does its work in one transaction and closes it, so
that a server and a command line share the file and a home on NFS will do.

Whoever changes what a server remembers raises `revision` in the same transaction: the server reads
that number once a second and the rest only when it has changed.
"""

import errno
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import (
    Column,
    Connection,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    create_engine,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as insert_or
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from tpmailserver.model import NAME

from .disk import create_file, make_folder, open_folder, opened

RESERVED = frozenset({"postmaster", "lists"})

_BUSY_TIMEOUT = 5.0  # seconds

_TABLES = MetaData()
_ACCOUNTS = Table(
    "accounts",
    _TABLES,
    Column("number", String(64), primary_key=True),
    Column("password_hash", String, nullable=True),
    Column("created", Float, nullable=False),
)
_GROUPS = Table("groups", _TABLES, Column("name", String(64), primary_key=True))
_MEMBERSHIPS = Table(
    "memberships",
    _TABLES,
    Column("group_name", String(64), primary_key=True),
    Column("number", String(64), primary_key=True, index=True),
)
_SEEN = Table(
    "seen",
    _TABLES,
    Column("number", String(64), primary_key=True),
    Column("protocol", String, primary_key=True),
    Column("at", Float, nullable=False),
)
_META = Table(
    "meta",
    _TABLES,
    Column("key", String, primary_key=True),
    Column("value", Integer, nullable=False),
)

# What SQLite calls it, and what a caller can act on.
_ERRNO = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_CANTOPEN: errno.ENOENT,
    sqlite3.SQLITE_READONLY: errno.EROFS,
    sqlite3.SQLITE_BUSY: errno.EBUSY,
    sqlite3.SQLITE_LOCKED: errno.EBUSY,
    sqlite3.SQLITE_PERM: errno.EACCES,
}


class DatabaseError(OSError):
    """The database cannot be used now: gone, locked, read-only, damaged, or the disk is full."""


class NameTaken(ValueError):
    """A name is another thing's already: accounts, groups and lists share one name space."""

    def __init__(self, name: str, kind: str) -> None:
        super().__init__(f"{name} is {kind}")
        self.name = name
        self.kind = kind


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


class Database:
    """The accounts of one site, in an SQLite file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # mode=rw: a file that is gone must be an error, not a new and empty database.
        where = f"file:{quote(os.fsencode(path.absolute()))}?mode=rw"
        self._engine = create_engine(
            "sqlite://",
            # isolation_level None: transactions begin where this module says so, and reads are
            # in one as well.
            creator=lambda: sqlite3.connect(
                where, uri=True, timeout=_BUSY_TIMEOUT, isolation_level=None
            ),
            poolclass=NullPool,
        )

    def create(self) -> None:
        """Makes the file and its tables, what of them is missing."""
        make_folder(self._path.parent)
        site = open_folder(self._path.parent.resolve())
        with opened(site), suppress(FileExistsError):
            os.close(create_file(self._path.name, site))
        with self._writing() as connection:
            _TABLES.create_all(connection)
            # Not from 1: a server that watches a file must notice when another takes its place.
            start = func.abs(func.random() % 1_000_000_000)
            connection.execute(
                insert_or(_META).values(key="revision", value=start).on_conflict_do_nothing()
            )

    def revision(self) -> int:
        """A number that changes with every change that a server must notice."""
        with self._reading() as connection:
            return _revision(connection)

    def load(self) -> tuple[int, list[Account]]:
        """The revision and all accounts that belong to it, sorted by number."""
        with self._reading() as connection:
            revision = _revision(connection)
            groups: dict[str, list[str]] = {}
            for group, number in connection.execute(
                select(_MEMBERSHIPS.c.group_name, _MEMBERSHIPS.c.number)
            ):
                groups.setdefault(number, []).append(group)
            rows = connection.execute(
                select(_ACCOUNTS.c.number, _ACCOUNTS.c.password_hash).order_by(_ACCOUNTS.c.number)
            )
            # A class of 30,000 has few different sets of groups: each is kept once.
            known: dict[frozenset[str], frozenset[str]] = {}
            accounts = []
            for number, password_hash in rows:
                theirs = frozenset(groups.get(number, ()))
                accounts.append(Account(number, password_hash, known.setdefault(theirs, theirs)))
            return revision, accounts

    def add(self, numbers: Iterable[str], group: str | None, now: float) -> Added:
        """Adds accounts, and every one of `numbers` to `group`, which is made if it is new."""
        wanted = list(dict.fromkeys(numbers))
        with self._writing() as connection:
            standing = set(connection.scalars(select(_ACCOUNTS.c.number)))
            groups = set(connection.scalars(select(_GROUPS.c.name)))
            for number in wanted:
                _check(number, groups, "a group")
            added = tuple(number for number in wanted if number not in standing)
            if added:
                rows = [
                    {"number": number, "password_hash": None, "created": now} for number in added
                ]
                connection.execute(insert(_ACCOUNTS), rows)
            if group is not None:
                _check(group, standing.union(added), "an account")
                connection.execute(insert_or(_GROUPS).values(name=group).on_conflict_do_nothing())
                if wanted:
                    connection.execute(
                        insert_or(_MEMBERSHIPS).on_conflict_do_nothing(),
                        [{"group_name": group, "number": number} for number in wanted],
                    )
            _raise_revision(connection)
        return Added(added, tuple(number for number in wanted if number in standing))

    def remove(self, numbers: Iterable[str]) -> tuple[str, ...]:
        """Removes accounts and what is known of them; returns those that there were."""
        with self._writing() as connection:
            standing = set(connection.scalars(select(_ACCOUNTS.c.number)))
            removed = tuple(number for number in dict.fromkeys(numbers) if number in standing)
            if removed:
                rows = [{"gone": number} for number in removed]
                for table in (_ACCOUNTS, _MEMBERSHIPS, _SEEN):
                    connection.execute(
                        delete(table).where(table.c.number == bindparam("gone")), rows
                    )
                _raise_revision(connection)
        return removed

    def set_password_hash(self, numbers: Iterable[str], password_hash: str | None) -> None:
        """Stores the hash of a changed password; None makes the password the number again."""
        rows = [{"whose": number, "password_hash": password_hash} for number in numbers]
        if not rows:
            return
        with self._writing() as connection:
            connection.execute(
                update(_ACCOUNTS).where(_ACCOUNTS.c.number == bindparam("whose")), rows
            )
            _raise_revision(connection)

    def groups(self) -> dict[str, tuple[str, ...]]:
        """Every group with its members, both sorted; an empty group too."""
        with self._reading() as connection:
            names = connection.scalars(select(_GROUPS.c.name).order_by(_GROUPS.c.name))
            members: dict[str, list[str]] = {name: [] for name in names}
            rows = select(_MEMBERSHIPS.c.group_name, _MEMBERSHIPS.c.number)
            for group, number in connection.execute(rows.order_by(_MEMBERSHIPS.c.number)):
                members[group].append(number)
        return {group: tuple(numbers) for group, numbers in members.items()}

    def note_seen(self, number: str, protocol: str, at: float) -> None:
        """Notes the last session of an account; see `note_all_seen` for many."""
        self.note_all_seen([(number, protocol, at)])

    def note_all_seen(self, sightings: Sequence[tuple[str, str, float]]) -> None:
        """Notes sessions (number, protocol, at) in one transaction: one wait for the disk."""
        if not sightings:
            return
        newer = insert_or(_SEEN)
        newer = newer.on_conflict_do_update(set_={"at": newer.excluded.at})
        rows = [{"number": each[0], "protocol": each[1], "at": each[2]} for each in sightings]
        with self._writing() as connection:
            connection.execute(newer, rows)

    def seen(self) -> dict[str, dict[str, float]]:
        """When each account was last seen, by protocol, in seconds of Unix time."""
        found: dict[str, dict[str, float]] = {}
        with self._reading() as connection:
            for number, protocol, at in connection.execute(
                select(_SEEN.c.number, _SEEN.c.protocol, _SEEN.c.at)
            ):
                found.setdefault(number, {})[protocol] = at
        return found

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        # IMMEDIATE: of two writers the second waits here, where SQLite can let it wait.
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                connection.exec_driver_sql(begin)
                yield connection
        except SQLAlchemyError as error:
            raise _trouble(error, self._path) from error


def _revision(connection: Connection) -> int:
    query = select(_META.c.value).where(_META.c.key == "revision")
    return int(connection.execute(query).scalar_one())


def _raise_revision(connection: Connection) -> None:
    connection.execute(
        update(_META).where(_META.c.key == "revision").values(value=_META.c.value + 1)
    )


def _check(name: str, others: set[str], kind: str) -> None:
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name")
    if name in RESERVED:
        raise NameTaken(name, "reserved")
    if name in others:
        raise NameTaken(name, kind)


def _trouble(error: SQLAlchemyError, path: Path) -> DatabaseError:
    if not isinstance(error, DBAPIError):
        return DatabaseError(errno.EIO, str(error), str(path))
    # The low octet is the kind of error; what stands above it only refines it.
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    return DatabaseError(_ERRNO.get(code, errno.EIO), str(error.orig), str(path))
