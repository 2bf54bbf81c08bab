"""Resets, undos and restores beside a real server, as the students connected to it see them.

What a mail program downloads twice, or never, is what an instructor hears of: so the witnesses here
remember the unique-ids that they have seen, as Thunderbird and fetchmail do, and delete as well.
"""

import poplib
from collections.abc import Iterator
from pathlib import Path

import pytest

from .faults import Peer, Server, mail, pop3, serving, site_for, smtp
from .instructor import tpmail

ONE, TWO = "22000001", "22000002"


@pytest.fixture
def server(in_memory: Path) -> Iterator[Server]:
    site = site_for(in_memory / "site", [ONE, TWO], budget=0)
    with serving(site) as running:
        yield running
        assert "Traceback" not in running.log


class Reader:
    """A mail program that leaves mail on the server and knows what it has."""

    def __init__(self, number: str) -> None:
        self._number = number
        self._seen: set[str] = set()

    def downloads(self, server: Server) -> list[str]:
        """The subjects of what it did not have yet."""
        client = poplib.POP3("127.0.0.1", server.pop3, timeout=20)
        client.user(self._number)
        client.pass_(self._number)
        subjects = []
        for line in client.uidl()[1]:
            number, uidl = line.decode().split()
            if uidl not in self._seen:
                self._seen.add(uidl)
                subjects.append(subject_of(client.retr(int(number))[1]))
        client.quit()
        return subjects


def subject_of(lines: list[bytes]) -> str:
    (subject,) = (each for each in lines if each.startswith(b"Subject: "))
    return subject.removeprefix(b"Subject: ").decode()


def send(server: Server, subject: str, *numbers: str) -> None:
    with smtp(server.smtp) as sender:
        said = mail(sender, numbers or [ONE], f"Subject: {subject}\r\n\r\nx\r\n".encode())
        assert said.startswith("250 "), said


def holds(server: Server, number: str) -> int:
    """How many messages a login finds."""
    with pop3(server.pop3, number) as peer:
        count = int(peer.say("STAT").split()[1])
        peer.say("QUIT")
        return count


def test_a_client_that_remembers_downloads_each_mail_once(server: Server) -> None:
    program = Reader(ONE)
    send(server, "first")
    send(server, "second")
    assert program.downloads(server) == ["first", "second"]
    tpmail(server.site, "reset", "--all")
    assert program.downloads(server) == []
    assert holds(server, ONE) == 0
    send(server, "between, seen")
    assert program.downloads(server) == ["between, seen"]
    send(server, "between, not seen")
    undone = tpmail(server.site, "undo")
    assert undone["messages"] == 4
    assert program.downloads(server) == ["between, not seen"]
    assert program.downloads(server) == []
    assert holds(server, ONE) == 4


def test_an_undo_after_a_restart_downloads_nothing_again(in_memory: Path) -> None:
    site = site_for(in_memory / "site", [ONE])
    program = Reader(ONE)
    with serving(site) as server:
        send(server, "first")
        assert program.downloads(server) == ["first"]
        tpmail(site, "reset", ONE)
        send(server, "between")
        assert server.stop() != 0  # by the signal that it was sent
    with serving(site) as server:
        assert holds(server, ONE) == 1
        tpmail(site, "undo")
        assert program.downloads(server) == ["between"]
        assert holds(server, ONE) == 2


def test_a_restore_gives_what_was_deleted_and_an_undo_takes_it_away_again(server: Server) -> None:
    program = Reader(ONE)
    send(server, "first")
    assert program.downloads(server) == ["first"]
    tpmail(server.site, "snapshot", "before the exam")
    with pop3(server.pop3, ONE) as peer:
        peer.say("DELE 1")
        assert peer.say("QUIT").startswith("+OK")
    assert holds(server, ONE) == 0
    assert tpmail(server.site, "restore", "before-the-exam", ONE)["messages"] == 1
    assert program.downloads(server) == []
    assert holds(server, ONE) == 1
    tpmail(server.site, "undo")
    assert holds(server, ONE) == 0


EXPELLED = {
    ("reset", "--all"): "mailbox reset by the instructor",
    ("undo",): "mailbox brought back by the instructor",
    ("restore", "exam"): "mailbox restored by the instructor",
}


def test_open_sessions_hear_why_they_end_and_their_deletions_are_not_made(server: Server) -> None:
    tpmail(server.site, "add", "22000003")
    send(server, "first", ONE, TWO)
    tpmail(server.site, "snapshot", "exam")
    for arguments, says in EXPELLED.items():
        with pop3(server.pop3, ONE) as reader, Peer(server.pop3) as nobody_yet:
            nobody_yet.reply()
            assert nobody_yet.say(f"USER {ONE}").startswith("+OK")
            if arguments[0] != "undo":
                assert reader.say("DELE 1").startswith("+OK")
            report = tpmail(server.site, *arguments)
            assert report["expelled"] == 1
            assert reader.reply() == f"-ERR [SYS/TEMP] {says}"
            assert reader.rest() == b""
            # Who has not logged in yet goes on, into the mailbox of now.
            assert nobody_yet.say(f"PASS {ONE}").startswith("+OK")
            assert nobody_yet.say("QUIT").startswith("+OK")
        if arguments[0] == "reset":
            assert len(list((server.site / "snapshots" / report["kept"]).glob("*/new/*"))) == 2
            send(server, "since")
        else:
            assert holds(server, TWO) == 1
    assert holds(server, ONE) == 1


def test_a_message_that_is_being_read_is_read_to_its_end(server: Server) -> None:
    lines = b"x" * 70 + b"\r\n"
    with smtp(server.smtp) as sender:
        content = b"Subject: large\r\n\r\n" + lines * 100_000
        assert mail(sender, [ONE], content).startswith("250 ")
    with pop3(server.pop3, ONE) as reader:
        assert reader.say("RETR 1").startswith("+OK")
        # The client is slow: most of the message is still with the server.
        assert tpmail(server.site, "reset", ONE)["expelled"] == 1
        assert reader.text().endswith(lines)
        assert reader.reply() == "-ERR [SYS/TEMP] mailbox reset by the instructor"
        assert reader.rest() == b""
