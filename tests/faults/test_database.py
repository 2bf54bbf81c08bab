"""The database locked, read-only, damaged or gone: whoever is known goes on working.

Accounts are in memory, so that logins and mail need no database; what does need it (an account
that opens at its first login) hears that it is our trouble, and once the cause is gone it works
without a restart.
"""

import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from tpmailserver.site import DATABASE

from ..instructor import ran, tpmail
from . import Peer, Server, mail, pop3, serving, site_for, smtp, until
from .conftest import Note
from .watch import HEALTHY, watched

ALICE = "22000001"
WALKED = iter(range(23_000_001, 23_001_000))

Trouble = Callable[[Path], AbstractContextManager[None]]


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Another program is in a long transaction."""
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def read_only(database: Path) -> Iterator[None]:
    if os.geteuid() != 0:
        database.chmod(0o400)
        yield
        database.chmod(0o600)
        return
    done = subprocess.run(["chattr", "+i", database], check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"wants a disk with immutable files: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", database], check=True)


@contextmanager
def gone(database: Path) -> Iterator[None]:
    aside = database.with_name("aside")
    database.rename(aside)
    yield
    assert not database.exists(), "an empty database was made in its place"
    aside.rename(database)


@contextmanager
def damaged(database: Path) -> Iterator[None]:
    aside = database.with_name("aside")
    database.rename(aside)
    database.write_bytes(b"no database at all " * 1000)
    yield
    aside.replace(database)


@contextmanager
def a_folder(database: Path) -> Iterator[None]:
    aside = database.with_name("aside")
    database.rename(aside)
    database.mkdir()
    yield
    database.rmdir()
    aside.rename(database)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("database")
    site = site_for(
        folder / "site", (ALICE, HEALTHY), 'walk_in = "[0-9]{8}"', failed_login_delay=0.1, budget=0
    )
    with serving(site) as running:
        yield running
        assert "Traceback" not in running.log


@pytest.mark.parametrize(
    "trouble", [locked, read_only, gone, damaged, a_folder], ids=lambda each: each.__name__
)
def test_a_database_in_trouble(server: Server, note: Note, trouble: Trouble) -> None:
    walking, added = str(next(WALKED)), str(next(WALKED))
    lines = server.log.count("\n")
    with watched(server) as watch:
        with trouble(server.site / DATABASE), smtp(server.smtp) as peer:
            for _ in range(5):
                assert mail(peer, [ALICE], b"Subject: x\r\n").startswith("250 ")
                with pop3(server.pop3, ALICE) as reader:
                    assert reader.say("DELE 1").startswith("+OK")
                    assert reader.say("QUIT").startswith("+OK")
            with Peer(server.pop3) as walker:
                walker.reply()
                walker.say(f"USER {walking}")
                walker.send(f"PASS {walking}\r\n".encode())
                refused = ran(server.site, "add", added)
                assert walker.reply().startswith("-ERR [SYS/TEMP] ")
            assert refused.returncode == 1
            assert refused.stderr.splitlines()[-1].startswith("tpmail: "), refused.stderr
            assert "Traceback" not in refused.stderr
        assert logs_in(server, walking).startswith("+OK")
        tpmail(server.site, "add", added)
        until(lambda: logs_in(server, added).startswith("+OK"))
    note(watch.figures())
    sessions = 5 + 20 * watch.round_trips
    assert server.log.count("\n") - lines < 100 + sessions, "the log is flooded"


def logs_in(server: Server, number: str) -> str:
    with Peer(server.pop3) as peer:
        peer.reply()
        peer.say(f"USER {number}")
        return peer.say(f"PASS {number}")
