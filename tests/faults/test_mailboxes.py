"""One mailbox's trouble is its own.

Something else stands where a mailbox ought to be, or it goes away under a message. A sender hears
4xx for this recipient alone, its owner hears that it is our trouble, everybody else notices
nothing, no link is followed, and when the cause is gone so is the trouble, without a restart.
"""

import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from . import Peer, Server, address, begin_mail, mail, pop3, serving, site_for, smtp, until
from .conftest import Note
from .watch import HEALTHY, watched

ALICE, BOB, CAROL = STUDENTS = ("22000001", "22000002", "22000003")
LETTER = b"Subject: x\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("mailboxes")
    with serving(site_for(folder / "site", (*STUDENTS, HEALTHY), budget=0)) as running:
        yield running
        assert "Traceback" not in running.log


@pytest.fixture
def mailbox(server: Server) -> Path:
    """Alice's mailbox, with one message."""
    path = server.site / "maildirs" / ALICE
    empty(server, ALICE)
    empty(server, BOB)
    with smtp(server.smtp) as peer:
        assert mail(peer, [ALICE], LETTER).startswith("250 ")
    return path


def empty(server: Server, number: str) -> None:
    with pop3(server.pop3, number) as reader:
        count = int(reader.say("STAT").split()[1])
        for each in range(count):
            reader.say(f"DELE {each + 1}")
        assert reader.say("QUIT").startswith("+OK")


@contextmanager
def replaced(mailbox: Path, make: Callable[[Path], object]) -> Iterator[None]:
    """Something else stands in the place of a mailbox while a `with` block lasts."""
    aside = mailbox.with_name(f"{mailbox.name}.aside")
    mailbox.rename(aside)
    make(mailbox)
    yield
    if mailbox.is_dir() and not mailbox.is_symlink():
        shutil.rmtree(mailbox)
    else:
        mailbox.unlink()
    aside.rename(mailbox)


@contextmanager
def a_file(mailbox: Path) -> Iterator[None]:
    with replaced(mailbox, Path.touch):
        yield


@contextmanager
def a_fifo(mailbox: Path) -> Iterator[None]:
    with replaced(mailbox, os.mkfifo):
        yield


@contextmanager
def a_dangling_link(mailbox: Path) -> Iterator[None]:
    with replaced(mailbox, lambda path: path.symlink_to("nowhere")):
        yield


@contextmanager
def a_link_out_of_the_store(mailbox: Path) -> Iterator[None]:
    outside = mailbox.parent.parent.parent / "outside"
    for part in ("tmp", "new", "cur"):
        (outside / part).mkdir(parents=True)
    (outside / "new" / "1.secret.host").write_text("Subject: not yours\n")
    with replaced(mailbox, lambda path: path.symlink_to(outside)):
        yield
    assert [each.name for each in outside.rglob("*") if each.is_file()] == ["1.secret.host"]
    shutil.rmtree(outside)


@contextmanager
def new_is_a_file(mailbox: Path) -> Iterator[None]:
    aside = mailbox / "aside"
    (mailbox / "new").rename(aside)
    (mailbox / "new").touch()
    yield
    (mailbox / "new").unlink()
    aside.rename(mailbox / "new")


@contextmanager
def immutable(mailbox: Path) -> Iterator[None]:
    """A folder that takes no file more, from root either where this disk knows such folders."""
    new = mailbox / "new"
    if os.geteuid() != 0:
        new.chmod(stat.S_IRUSR | stat.S_IXUSR)
        yield
        new.chmod(stat.S_IRWXU)
        return
    done = subprocess.run(["chattr", "+i", new], check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"wants a disk with immutable folders: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", new], check=True)


Broken = Callable[[Path], AbstractContextManager[None]]
BROKEN = (a_file, a_fifo, a_dangling_link, a_link_out_of_the_store, new_is_a_file, immutable)


@pytest.mark.parametrize("broken", BROKEN, ids=lambda each: each.__name__.replace("_", " "))
def test_a_broken_mailbox(server: Server, mailbox: Path, note: Note, broken: Broken) -> None:
    with smtp(server.smtp) as peer, watched(server) as watch:
        with broken(mailbox):
            for _ in range(3):
                said = offered(peer, [ALICE], LETTER)
                assert said.startswith("451 "), said
            # One of several: the others get it, or nobody does and the sender tries again.
            said = offered(peer, [ALICE, BOB], LETTER)
            assert said.startswith(("250 ", "451 ")), said
            copies = 1 if said.startswith("250 ") else 0
            with pop3(server.pop3, BOB) as reader:
                assert reader.say("STAT").startswith(f"+OK {copies} ")
            assert mail(peer, [BOB], LETTER).startswith("250 ")
            if broken is not immutable:
                assert logs_in(server, ALICE).startswith("-ERR [SYS/TEMP] ")
        assert mail(peer, [ALICE], LETTER).startswith("250 ")
        assert logs_in(server, ALICE).startswith("+OK")
    with pop3(server.pop3, ALICE) as reader:
        assert reader.say("STAT").startswith("+OK 2 ")
    note(watch.figures())


def offered(peer: Peer, recipients: list[str], content: bytes) -> str:
    """Offers a message to those who are accepted at RCPT; what was said in the end."""
    assert peer.say("RSET").startswith("250 ")
    assert peer.say(f"MAIL FROM:{address(CAROL)}").startswith("250 ")
    said = [peer.say(f"RCPT TO:{address(each)}") for each in recipients]
    accepted = [each for each in said if each.startswith("250 ")]
    if not accepted:
        return said[0]
    assert peer.say("DATA").startswith("354 ")
    peer.send(content + b".\r\n")
    return peer.reply()


def logs_in(server: Server, number: str) -> str:
    with Peer(server.pop3) as peer:
        peer.reply()
        peer.say(f"USER {number}")
        return peer.say(f"PASS {number}")


@pytest.mark.parametrize("gone", ["new", "cur", "tmp", "."])
def test_a_folder_that_is_removed_under_a_message(server: Server, mailbox: Path, gone: str) -> None:
    """What is missing is made again: a student's slip costs what was in it and no more."""
    with smtp(server.smtp) as peer:
        begin_mail(peer, [ALICE, BOB])
        peer.send(LETTER)
        shutil.rmtree(mailbox / gone)
        peer.send(b".\r\n")
        assert peer.reply().startswith("250 ")
    for number, copies in ((ALICE, 2 if gone in ("cur", "tmp") else 1), (BOB, 1)):
        with pop3(server.pop3, number) as reader:
            assert reader.say("STAT").startswith(f"+OK {copies} ")


def test_a_mailbox_that_is_removed_under_a_reader(server: Server, mailbox: Path) -> None:
    with pop3(server.pop3, ALICE) as reader:
        shutil.rmtree(mailbox)
        assert reader.say("STAT").startswith("+OK 1 ")
        assert reader.say("RETR 1").startswith("-ERR ")
        assert reader.say("TOP 1 0").startswith("-ERR ")
        assert reader.say("DELE 1").startswith("+OK")
        with smtp(server.smtp) as peer:
            assert mail(peer, [ALICE], LETTER).startswith("250 ")
        assert reader.say("QUIT").startswith("+OK")
    with pop3(server.pop3, ALICE) as reader:
        assert reader.say("STAT").startswith("+OK 1 ")


def test_the_spool_that_is_removed_under_a_message(server: Server, mailbox: Path) -> None:
    """This one is lost with it, and said so; the next makes the folder again."""
    with smtp(server.smtp) as peer:
        begin_mail(peer, [ALICE, BOB])
        peer.send((b"x" * 998 + b"\r\n") * 300)
        until(lambda: any((server.site / "spool").iterdir()))
        shutil.rmtree(server.site / "spool")
        peer.send(b".\r\n")
        said = peer.reply()
        assert said.startswith("451 "), said
        assert mail(peer, [ALICE, BOB], LETTER).startswith("250 ")
    for number, copies in ((ALICE, 2), (BOB, 1)):
        with pop3(server.pop3, number) as reader:
            assert reader.say("STAT").startswith(f"+OK {copies} ")
