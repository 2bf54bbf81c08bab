"""No room is our own trouble: 452, for as long as it lasts, and no word of it afterwards.

A disk without a free block or a free inode, files that may not grow, and a process without a file
to open. Meanwhile mail that is there can be read, and when there is room again the same sessions
go on, without a restart.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from . import Peer, Server, mail, pop3, serving, site_for, smtp, until
from .clients import Sender, at_work
from .conftest import Note
from .ledger import Ledger
from .watch import HEALTHY, watched

STUDENTS = tuple(f"220000{number:02}" for number in range(1, 9))
ALICE, BOB, LAST = *STUDENTS[:2], STUDENTS[-1]
LARGE = b"x" * 998 + b"\r\n"

Full = Callable[[Path], AbstractContextManager[None]]


@contextmanager
def no_block(disk: Path) -> Iterator[None]:
    """Fills a disk to the last octet."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while file.write(b"x" * size) == size:
                    pass
            except OSError:
                continue
    yield
    filler.unlink()


@contextmanager
def no_inode(disk: Path) -> Iterator[None]:
    """Makes files until a disk takes no more."""
    folder = disk / "fillers"
    folder.mkdir()
    names = (folder / str(number) for number in range(1000))
    with suppress(OSError):
        for name in names:
            name.touch()
    yield
    for name in folder.iterdir():
        name.unlink()
    folder.rmdir()


@pytest.mark.parametrize("full", [no_block, no_inode], ids=["no block", "no inode"])
def test_a_full_disk(small_disk: Path, note: Note, full: Full) -> None:
    site = site_for(small_disk / "site", (*STUDENTS, HEALTHY), budget=0)
    ledger = Ledger(STUDENTS[:4])
    with serving(site) as server:
        senders = [Sender(server, ledger, random.Random(each), 2, 3000) for each in range(3)]
        with smtp(server.smtp) as held, watched(server) as watch:
            assert mail(held, [LAST], b"Subject: before\r\n").startswith("250 ")
            with at_work(*senders):
                until(lambda: len(ledger.acknowledged) > 20)
                with full(small_disk):
                    before = ledger.refused["452"]
                    until(lambda: ledger.refused["452"] > before + 20)
                    reads_and_removes(server, LAST)
                promised = len(ledger.acknowledged)
                until(lambda: len(ledger.acknowledged) > promised + 20)
            assert mail(held, [LAST], b"Subject: after\r\n").startswith("250 ")
        audit = ledger.audit(server)
        assert list((site / "spool").iterdir()) == []
        assert "Traceback" not in server.log
    note(audit.figures() | {"refused with 452": ledger.refused["452"]} | watch.figures())
    audit.check()
    assert set(ledger.refused) == {"452"}, ledger.refused


def reads_and_removes(server: Server, number: str) -> None:
    """On a full disk mail can be read, and be removed, which makes room."""
    with pop3(server.pop3, number) as reader:
        assert reader.say("RETR 1").startswith("+OK")
        assert reader.text()
        assert reader.say("DELE 1").startswith("+OK")
        assert reader.say("QUIT").startswith("+OK")


def test_files_that_may_not_grow(tmp_path: Path, note: Note) -> None:
    """EFBIG for a message, and the signal that comes with it kills nobody."""
    site = site_for(tmp_path / "site", (*STUDENTS, HEALTHY))
    before = ("prlimit", "--fsize=1000000")
    with serving(site, before=before) as server, smtp(server.smtp) as peer:
        with watched(server) as watch:
            for _ in range(20):
                assert mail(peer, [ALICE, BOB], LARGE * 1500).startswith("452 4.3.1 ")
            assert mail(peer, [ALICE, BOB], LARGE * 500).startswith("250 ")
            assert list((site / "spool").iterdir()) == []
        with pop3(server.pop3, BOB) as reader:
            assert reader.say("STAT").startswith("+OK 1 ")
        assert "Traceback" not in server.log
    note({"refused with 452": 20} | watch.figures())


def test_no_more_files_to_open(tmp_path: Path, note: Note) -> None:
    """A hundred and fifty clients where a process may open 64 files: who is in goes on."""
    site = site_for(tmp_path / "site", STUDENTS, budget=0)
    with serving(site, before=("prlimit", "--nofile=64")) as server, ExitStack() as stack:
        early = [stack.enter_context(smtp(server.smtp)) for _ in range(10)]
        crowd = [stack.enter_context(Peer(server.smtp)) for _ in range(150)]
        said = [send_or_hear(peer) for _ in range(5) for peer in early]
        assert {each[:4] for each in said} == {"250 "}, said
        for peer in crowd:
            peer.close()
        until(lambda: is_served(server))
        for peer in early:
            assert peer.say("RSET").startswith("250 ")
            assert mail(peer, [BOB], b"Subject: after\r\n").startswith("250 ")
        promised = sum(each.startswith("250 ") for each in said)
        with pop3(server.pop3, ALICE) as reader:
            assert reader.say("STAT").startswith(f"+OK {promised} ")
        with pop3(server.pop3, BOB) as reader:
            assert reader.say("STAT").startswith(f"+OK {len(early)} ")
        assert "Traceback" not in server.log
        lines = server.log.count("\n")
    note({"clients": 160, "acknowledged": promised, "refused with 452": len(said) - promised})
    # Twisted says two lines of its own of a connection that it cannot take.
    assert lines < 3 * 160, "the log is flooded"


def send_or_hear(peer: Peer) -> str:
    """Sends a message to Alice; the first refusal, or what is said to the final dot."""
    for line in ("RSET", f"MAIL FROM:<{BOB}>", f"RCPT TO:<{ALICE}>", "DATA"):
        said = peer.say(line)
        if said[0] not in "23":
            return said
    peer.send(b"Subject: x\r\n.\r\n")
    return peer.reply()


def is_served(server: Server) -> bool:
    with Peer(server.smtp) as peer:
        return peer.reply().startswith("220 ")
