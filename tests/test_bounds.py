"""Everything has a bound, and past it there is a clear word: row by row, on a running server.

The limits are those of the defaults where nothing else is said; some are set small, so that they
are reached.
"""

import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from .faults import Peer, Server, address, mail, pop3, serving, site_for, smtp, until

ACCOUNTS = tuple(f"220000{number:02}" for number in range(1, 21))
ALICE, BOB, CAROL, DAVE, ERIN, FRANK, GRACE, HEIDI = ACCOUNTS[:8]
SIZE = 200_000


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose limits on mail are small."""
    site = site_for(
        tmp_path_factory.mktemp("small") / "site",
        ACCOUNTS,
        message_size=SIZE,
        recipients=5,
        budget=12,
        mailbox_messages=10,
        mailbox_size=2 * SIZE,
    )
    with serving(site) as server:
        yield server
        assert "Traceback" not in server.log


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with every default."""
    with serving(site_for(tmp_path_factory.mktemp("usual") / "site", ACCOUNTS)) as server:
        yield server
        assert "Traceback" not in server.log


def inbox(server: Server, number: str) -> list[Path]:
    return sorted((server.site / "maildirs" / number / "new").iterdir())


# Lines.


@pytest.mark.parametrize(
    ("start", "limit"), [("NOOP ", 512), ("MAIL FROM:<", 2048), ("AUTH PLAIN ", 12288)]
)
def test_a_command_line(usual: Server, start: str, limit: int) -> None:
    with smtp(usual.smtp) as peer:
        at_most = start + "x" * (limit - len(start) - len("\r\n"))
        assert "longer than" not in peer.say(at_most)
        assert peer.say(at_most + "x").startswith(f"500 5.5.2 that line is longer than {limit} ")
        assert peer.say("RSET").startswith("250 ")


HOSTILE_LINES = {
    "broken telnet sequences": b"\xff\xfa" * 6000,
    "telnet sequences": b"\xff\xfb\x01" * 4000,
    "timing marks": b"\xff\xfd\x06" * 4000,
    "deleted half characters": b"\x80" * 6000 + b"\x7f" * 6000,
    "quotes": b"MAIL FROM:<" + b'"' * 2000,
    "escapes": b'MAIL FROM:<"' + b"\\a" * 990 + b">",
    "a long word": b"MAIL FROM:" + b"a" * 2000,
    "labels": b"MAIL FROM:<a@" + b"a-a." * 490 + b"->",
    "a source route": b"MAIL FROM:<" + b"@a-a," * 390 + b">",
    "parameters": b"MAIL FROM:<> " + b"A=B " * 490,
    "base64": b"AUTH PLAIN " + b"AAAA" * 3000,
}


@pytest.mark.parametrize("line", HOSTILE_LINES.values(), ids=HOSTILE_LINES)
def test_no_line_costs_much(usual: Server, line: bytes) -> None:
    """No pattern goes over a line again and again; the bound is a hundred times what is used."""
    with smtp(usual.smtp) as peer, usual.working_at_most(1.0):
        peer.send((line + b"\r\n") * 10 + b"RSET\r\n")
        until(lambda: b"250 2.0.0 OK, the message is forgotten" in peer.heard())


# Messages.


def test_a_message_has_a_size(small: Server) -> None:
    with Peer(small.smtp) as peer:
        peer.reply()
        peer.send(b"EHLO peer\r\nQUIT\r\n")
        assert f"\r\n250-SIZE {SIZE}\r\n".encode() in peer.rest()
    with smtp(small.smtp) as peer:
        sender = f"MAIL FROM:{address(ALICE)}"
        assert peer.say(f"{sender} SIZE={SIZE + 1}").startswith("552 5.3.4 ")
        assert peer.say(f"{sender} SIZE={SIZE}").startswith("250 ")
        peer.say("RSET")
        fits = b"x" * (SIZE - 2) + b"\r\n"
        assert mail(peer, [ALICE], fits).startswith("250 ")
        assert mail(peer, [ALICE], b"x" + fits).startswith("552 5.3.4 ")
        assert peer.say("NOOP") == "250 2.0.0 OK"
    assert len(inbox(small, ALICE)) == 1
    assert list((small.site / "spool").iterdir()) == []


def test_recipients(small: Server) -> None:
    with smtp(small.smtp) as peer:
        peer.say(f"MAIL FROM:{address(ALICE)}")
        for number in (BOB, CAROL, BOB, BOB, DAVE):
            assert peer.say(f"RCPT TO:{address(number)}").startswith("250 ")
        assert peer.say(f"RCPT TO:{address(ERIN)}").startswith("452 4.5.3 ")
        assert peer.say("DATA").startswith("354 ")
        assert peer.say("Subject: x\r\n.").startswith("250 2.0.0 delivered to 3 mailboxes")
    assert [len(inbox(small, each)) for each in (BOB, CAROL, DAVE)] == [1, 1, 1]


def test_received_fields(usual: Server) -> None:
    hop = b"Received: from a by b;\r\n\tFri, 1 Dec 2028 10:00:00 +0100\r\n"
    with smtp(usual.smtp) as peer:
        body = b"\r\n" + b"Received: not a field\r\n" * 60
        assert mail(peer, [CAROL], hop * 50 + body).startswith("250 ")
        assert mail(peer, [CAROL], hop * 51 + body).startswith("554 5.4.6 loop: ")
    assert len(inbox(usual, CAROL)) == 1


def test_a_mailbox_has_room_for_so_many_messages(small: Server) -> None:
    with smtp(small.smtp) as peer:
        for _ in range(10):
            assert mail(peer, [ERIN], b"Subject: x\r\n", ERIN).startswith("250 ")
        peer.say(f"MAIL FROM:{address(FRANK)}")
        assert peer.say(f"RCPT TO:{address(ERIN)}").startswith("452 4.2.2 ")
        assert peer.say(f"RCPT TO:{address(FRANK)}").startswith("250 ")
    with pop3(small.pop3, ERIN) as reader:
        reader.say("DELE 1")
        reader.say("QUIT")
    with smtp(small.smtp) as peer:
        assert mail(peer, [ERIN], b"Subject: x\r\n", FRANK).startswith("250 ")


def test_a_mailbox_has_room_for_so_many_octets(small: Server) -> None:
    with smtp(small.smtp) as peer:
        for _ in range(2):
            assert mail(peer, [GRACE], b"x" * 180_000 + b"\r\n", GRACE).startswith("250 ")
        peer.say(f"MAIL FROM:{address(GRACE)} SIZE=100000")
        assert peer.say(f"RCPT TO:{address(GRACE)}").startswith("452 4.2.2 ")
        peer.say("RSET")
        peer.say(f"MAIL FROM:{address(GRACE)} SIZE=1000")
        assert peer.say(f"RCPT TO:{address(GRACE)}").startswith("250 ")


def test_a_budget(small: Server) -> None:
    """Per account, or per address and sender; what is refused counts for nothing."""
    with smtp(small.smtp) as peer:
        for _ in range(12):
            assert mail(peer, [HEIDI], b"x" * (SIZE + 1) + b"\r\n", HEIDI).startswith("552 ")
        for number in (*ACCOUNTS[9:], FRANK):
            assert mail(peer, [number], b"Subject: x\r\n", HEIDI).startswith("250 ")
        said = peer.say(f"MAIL FROM:{address(HEIDI)}")
        assert said.startswith("451 4.7.1 12 messages in ten minutes is the limit; go on at "), said
        assert peer.say(f"MAIL FROM:{address(FRANK)}").startswith("250 ")
    with smtp(small.smtp, "127.0.0.2") as peer:
        assert peer.say(f"MAIL FROM:{address(HEIDI)}").startswith("250 ")
    with smtp(small.smtp) as peer:
        login = b64encode(f"\0{HEIDI}\0{HEIDI}".encode()).decode()
        assert peer.say(f"AUTH PLAIN {login}").startswith("235 ")
        assert peer.say(f"MAIL FROM:{address(HEIDI)}").startswith("250 ")


# Commands.


def test_bad_commands_in_a_row(usual: Server) -> None:
    with smtp(usual.smtp) as peer:
        for line in ("HELLO", "MAIL", "DATA"):  # 500, 501, 503
            for _ in range(49):
                assert peer.say(line)[:3] in ("500", "501", "503")
            assert peer.say("NOOP") == "250 2.0.0 OK"
        for _ in range(49):
            peer.say("HELLO")
        peer.send(b"HELLO\r\nNOOP\r\n")
        assert peer.reply() == "421 4.7.0 50 bad commands in a row; goodbye"
        assert peer.rest() == b""


def test_a_refusal_is_no_bad_command(usual: Server) -> None:
    with smtp(usual.smtp) as peer:
        for _ in range(60):
            peer.say(f"MAIL FROM:{address(ALICE)}")
            assert peer.say("RCPT TO:<x@example.org>").startswith("550 ")
            assert peer.say("DATA").startswith("554 ")
            peer.say("RSET")
        peer.say(f"MAIL FROM:{address(ALICE)}")
        for _ in range(60):
            assert peer.say("RCPT TO:<x@example.org>").startswith("550 ")


def test_bad_commands_in_a_row_to_the_pop3_server(usual: Server) -> None:
    with pop3(usual.pop3, DAVE) as peer:
        for _ in range(60):
            assert peer.say("RETR 9").startswith("-ERR no message 9")
        peer.send(b"LS\r\n" * 51)
        said = peer.replies(50)
        assert said[48].startswith("-ERR unknown command")
        assert said[49] == "-ERR 50 bad commands in a row; goodbye"
        assert peer.rest() == b""


def test_one_fault_writes_a_line_a_second(usual: Server) -> None:
    (usual.site / "maildirs" / GRACE).write_text("a file in the place of a mailbox")
    begun, before = time.monotonic(), usual.log.count("\n")
    with smtp(usual.smtp) as peer:
        peer.say(f"MAIL FROM:{address(ALICE)}")
        peer.send(f"RCPT TO:{address(GRACE)}\r\n".encode() * 500)
        assert {reply[:9] for reply in peer.replies(500)} == {"451 4.3.0"}
    assert 1 <= usual.log.count("\n") - before <= 2 + time.monotonic() - begun
