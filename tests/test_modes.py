"""Whatever the umask, nobody else on the machine reads or writes what is on the disk.

One of every kind of file there is: mailboxes, the spool with a message on its way, locks, the
database and its journal, snapshots, what is held on a list, the control socket, the settings, and
twistd's own log and pid file.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from .faults import Server, begin_mail, mail, pop3, smtp, until
from .instructor import tpmail
from .test_isolation import modes

ALICE, BOB = "22000001", "22000002"
HOOK = '\n[hooks.friends]\npython = "tests.expanders:Holds"\n'


class Logged(Server):
    """A server whose log is a file of twistd's."""

    @property
    def log(self) -> str:
        try:
            return (self.site.parent / "twistd.log").read_text()
        except FileNotFoundError:
            return super().log


@pytest.fixture(params=[0, 0o022], ids=["umask 0", "umask 022"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """An empty folder, under a umask that hides nothing from others, or only their writing."""
    before = os.umask(request.param)
    try:
        yield tmp_path
    finally:
        os.umask(before)


def test_every_kind_of_file_is_private(folder: Path) -> None:
    site = folder / "site"
    for arguments in (
        ("init", "--domain", "tpmail.info.unicaen.fr", "--language", "en"),
        ("add", ALICE, BOB, "--group", "td1"),
        ("list", "add", "friends", BOB),
        ("snapshot", "start"),
    ):
        tpmail(site, *arguments)
    with (site / "tpmail.toml").open("a") as settings:
        settings.write(HOOK)
    files = (f"--pidfile={folder / 'twistd.pid'}", f"--logfile={folder / 'twistd.log'}")
    server = Logged(site, twistd=files)
    try:
        server.wait_until_serving()
        found = while_at_work(server)
    finally:
        server.kill()
    tops = {path.partition("/")[0] for path in found}
    assert tops >= {
        *("maildirs", "spool", "locks", "held", "snapshots", "control.socket"),
        *("tpmail.toml", "tpmail.sqlite3", "tpmail.sqlite3-journal"),
    }
    for part in ("maildirs", "held", "snapshots"):
        assert any(path.startswith(f"{part}/") and ",S=" in path for path in found), part
    assert {path: oct(mode) for path, mode in found.items() if mode & 0o077} == {}
    own = {name: (folder / name).stat().st_mode & 0o777 for name in ("twistd.log", "twistd.pid")}
    assert own == dict.fromkeys(own, 0o600)


def while_at_work(server: Server) -> dict[str, int]:
    """The permissions in a site when a message is half in, a maildrop open, a change half made."""
    with smtp(server.smtp) as peer:
        assert mail(peer, [ALICE, BOB], b"Subject: x\r\n").startswith("250 ")
        assert mail(peer, ["friends"], b"Subject: held\r\n").startswith("250 ")
        tpmail(server.site, "reset", "--yes", BOB)
        assert mail(peer, [BOB], b"Subject: y\r\n").startswith("250 ")
        begin_mail(peer, [ALICE])
        peer.send(b"x" * 200_000)
        until(lambda: any((server.site / "spool").iterdir()))
        with (
            pop3(server.pop3, ALICE),
            closing(sqlite3.connect(server.site / "tpmail.sqlite3")) as database,
        ):
            database.execute("create table journalled (x)")
            database.execute("insert into journalled values (1)")
            found = modes(server.site)
            database.rollback()
    return found
