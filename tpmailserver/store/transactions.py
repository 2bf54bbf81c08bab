"""The file of a site's database, one transaction at a time.

The rule it guards: nothing is held between two questions. Each one opens the file, does its work
in one transaction and closes it, so that a server and a command line share the file and a home on
NFS will do. Of two writers the second waits.

Whoever changes what a server remembers raises the revision in the same transaction: the server
reads that number once a second and the rest only when it has changed.
"""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, create_engine, func, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from .disk import create_file, make_folder, open_folder, opened
from .tables import META, TABLES

_BUSY_TIMEOUT = 5.0  # seconds

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


class Transactions:
    """Whole transactions on one SQLite file; an exception in one undoes it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # mode=rw: a file that is gone must be an error, not a new and empty database.
        where = f"file:{quote(os.fsencode(path.absolute()))}?mode=rw"
        self._engine = create_engine(
            "sqlite://",
            # isolation_level None: transactions begin where this module says so, and reads are
            # in one as well.
            creator=lambda: _connect(where),
            poolclass=NullPool,
        )

    def create(self) -> None:
        """Makes the file and its tables, what of them is missing."""
        make_folder(self._path.parent)
        site = open_folder(self._path.parent.resolve())
        with opened(site), suppress(FileExistsError):
            os.close(create_file(self._path.name, site))
        with self.writing() as connection:
            TABLES.create_all(connection)
            # Not from 1: a server that watches a file must notice when another takes its place.
            start = func.abs(func.random() % 1_000_000_000)
            connection.execute(
                insert_or(META).values(key="revision", value=start).on_conflict_do_nothing()
            )

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database from its first question on."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that nobody else writes beside."""
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


def _connect(where: str) -> sqlite3.Connection:
    connection = sqlite3.connect(where, uri=True, timeout=_BUSY_TIMEOUT, isolation_level=None)
    # What is deleted is overwritten: else a forgotten student's number stays in the file.
    connection.execute("PRAGMA secure_delete = ON")
    return connection


def revision_of(connection: Connection) -> int:
    """The revision of what this transaction sees."""
    query = select(META.c.value).where(META.c.key == "revision")
    return int(connection.execute(query).scalar_one())


def raise_revision(connection: Connection) -> None:
    """Tells the server, when this transaction is done, that there is something new."""
    connection.execute(update(META).where(META.c.key == "revision").values(value=META.c.value + 1))


def _trouble(error: SQLAlchemyError, path: Path) -> DatabaseError:
    if not isinstance(error, DBAPIError):
        return DatabaseError(errno.EIO, str(error), str(path))
    # The low octet is the kind of error; what stands above it only refines it.
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    return DatabaseError(_ERRNO.get(code, errno.EIO), str(error.orig), str(path))
