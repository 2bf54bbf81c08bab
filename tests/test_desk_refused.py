"""An instructor's command that cannot be done: one clear line, and the site as it was.

What may be wrong is typed wrong, is not the instructor's to change, or is the disk.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tpmailserver.admin.resets import reset
from tpmailserver.admin.snapshots import snapshot
from tpmailserver.admin.who import Who
from tpmailserver.cli.command import run
from tpmailserver.settings import Settings
from tpmailserver.site import open_site

from .desks import Piped, put_mail, with_our_path
from .faults import pop3, serving, site_for
from .instructor import ran, tpmail

STUDENTS = tuple(f"22000{number:03}" for number in range(1, 31))

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="becomes somebody else: run it as root")


@pytest.fixture
def site(in_memory: Path) -> Path:
    """A site with mail, a snapshot, and a reset that could be undone."""
    site = in_memory / "site"
    fill(site)
    return site


def fill(site: Path) -> None:
    site_for(site, STUDENTS)
    desk = open_site(site, Settings()).desk()
    for number in STUDENTS[:20]:
        put_mail(desk, number, b"Subject: %s\n\nx\n" % number.encode())
    snapshot(desk, "exam one")
    snapshot(desk, "exam two")
    reset(desk, Who((STUDENTS[0],)))


def tree(site: Path) -> dict[str, int]:
    """Every file and folder of the mailboxes and of the snapshots, with its number on the disk."""
    parts = (site / "maildirs", site / "snapshots")
    return {str(each): each.lstat().st_ino for part in parts for each in part.rglob("*")}


Refused = Callable[..., str]


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Refused:
    """Runs a `tpmail` that is refused with this status; its one line without `tpmail: `."""
    monkeypatch.setattr("sys.stdin", Piped(b""))

    def call(status: int, site: Path, *words: str) -> str:
        assert run(["--site", str(site), *words]) == status
        output, errors = capsys.readouterr()
        assert (output, errors.count("\n")) == ("", 1), errors
        return errors.removeprefix("tpmail: ").removesuffix("\n")

    return call


WRONG = [
    (["reset", "22000001", "22009999"], "no account 22009999; nothing is done"),
    (["reset", "--group", "tp9"], "no group tp9; nothing is done (groups: td1)"),
    (["restore", "22000001"], "no snapshot 22000001: tpmail snapshots lists them"),
    (["restore", "exam"], "exam fits 2 snapshots: "),
    (["restore", "exam-one", "22009999"], "no account 22009999; nothing is done"),
    (["restore", "../../etc"], "no snapshot ../../etc: "),
    (["forget", "22009999", "--yes"], "no account 22009999; nothing is done"),
    (["password", "--random", "--group", "tp9"], "no group tp9; nothing is done"),
]
MISUSED = [
    (["reset"], "whom? NUMBER..., --group G or --all"),
    (["reset", "--all", "22000001"], "NUMBER and --all at once"),
    (["undo", "22000001"], "Got unexpected extra argument"),
    (["restore"], "Missing argument 'NAME'"),
    (["snapshot"], "Missing argument 'NAME'"),
    (["forget", "--all"], "this cannot be undone: say --yes"),
    (["password", "22000001", "--csv"], "--csv goes with --random"),
    (["password", "--random", "--default", "22000001"], "--default and --random at once"),
    (["completion"], "which shell? bash, zsh or fish"),
]


def test_what_is_typed_wrong_beside_a_server(site: Path, refused: Refused) -> None:
    with serving(site) as server, pop3(server.pop3, STUDENTS[1]) as student:
        before = tree(site)
        for status, table in ((1, WRONG), (2, MISUSED)):
            for words, says in table:
                assert refused(status, site, *words).startswith(says)
        assert tree(site) == before
        assert student.say("STAT").startswith("+OK 1 ")


@needs_root
@pytest.mark.parametrize("mode", [0o700, 0o755], ids=oct)
def test_a_site_of_somebody_else_s(site: Path, mode: int) -> None:
    before = tree(site)
    site.parent.chmod(0o755)
    site.chmod(mode)
    # All is imported while it is still root: nobody may not be able to read this checkout.
    script = "import os; from tpmailserver.cli import main; os.setgid(65534); os.setuid(65534)"
    for words in (["reset", "--all"], ["undo"], ["init"], ["forget", "--all", "--yes"]):
        done = subprocess.run(
            [sys.executable, "-c", f"{script}; main()", "--site", str(site), *words],
            env=with_our_path(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert done.stderr == f"tpmail: {site} belongs to root: run tpmail as root\n"
    assert tree(site) == before


@needs_root
def test_folders_that_may_not_be_written(site: Path) -> None:
    """`tpmail` becomes the site's owner, who has locked himself out."""
    for each in (site.parent, site, *site.rglob("*")):
        os.chown(each, 65534, 65534)
    (last,) = site.glob("snapshots/*[0-9]-reset")
    for locked, words in (
        (site / "snapshots", ["reset", "--all"]),
        (site / "snapshots", ["undo"]),
        (site / "snapshots", ["snapshot", "another"]),
        (site / "snapshots", ["restore", "exam-one"]),
        (site / "maildirs", ["reset", "--all"]),
        (site / "maildirs", ["restore", "exam-one"]),
        (site / "maildirs", ["undo"]),
        (last, ["undo"]),
    ):
        before = tree(site)
        locked.chmod(0o500)
        # As a process of its own: root gives itself up for good.
        done = ran(site, *words)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        assert done.stderr.startswith("tpmail: Permission denied"), (locked, words, done.stderr)
        assert tree(site) == before, (locked, words)
        locked.chmod(0o700)
    tpmail(site, "undo")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk with room for a thousand files."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=20m,nr_inodes=1000", "tmpfs", str(folder)]
    mounted = subprocess.run(mounting, check=False, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"wants root, to mount a small disk: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_full_in_the_middle(small: Path, refused: Refused) -> None:
    """Some of the mailboxes are moved already when there is no room for the next."""
    site = small / "site"
    fill(site)
    with serving(site) as server, pop3(server.pop3, STUDENTS[1]) as student:
        before = tree(site)
        for room in (0, 3, 20, 60):
            filled = fill_up(small, but=room)
            for words in (["reset", "--all"], ["snapshot", "another"], ["restore", "exam-one"]):
                said = refused(1, site, *words)
                assert said.startswith("No space left on device"), said
                assert tree(site) == before, (room, words)
            shutil.rmtree(filled)
        assert student.say("RETR 1").startswith("+OK")
        assert "Traceback" not in server.log
        # And when there is room again, all of it can be done.
        tpmail(site, "reset", "--all")
        tpmail(site, "undo")
        tpmail(site, "undo")


def fill_up(disk: Path, but: int) -> Path:
    """Makes files until a disk takes no more, and leaves room for some; the folder they are in."""
    folder = disk / "full"
    folder.mkdir()
    for number in range(os.statvfs(disk).f_ffree - but):
        (folder / str(number)).touch()
    return folder
