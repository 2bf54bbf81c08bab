"""Everything has a bound, and past it there is a clear word: row by row, on a running server.

The limits are those of the defaults where nothing else is said; some are set small, so that they
are reached.
"""

import select
import socket
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tpmailserver.delivery.passwords import hash_password
from tpmailserver.site import DATABASE
from tpmailserver.store.database import Database

from .faults import Peer, Server, address, begin_mail, mail, pop3, serving, site_for, smtp, until

ACCOUNTS = tuple(f"220000{number:02}" for number in range(1, 21))
ALICE, BOB, CAROL, DAVE, ERIN, FRANK, GRACE, HEIDI, IVAN = ACCOUNTS[:9]
SIZE = 200_000
LONG_PASSWORD = "p" * 128


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
        failed_login_delay=0.1,
    )
    hashed = hash_password(LONG_PASSWORD.encode())
    Database(site / DATABASE).set_password_hash([IVAN], hashed)
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


@pytest.mark.parametrize("protocol", ["smtp", "pop3"])
def test_an_endless_line_is_never_held(usual: Server, protocol: str) -> None:
    with Peer(getattr(usual, protocol)) as peer, usual.growing_at_most(8):
        peer.reply()
        for _ in range(40):
            peer.send(b"x" * 1024 * 1024)
        assert "longer than" in peer.say("")
        peer.send(b"QUIT\r\nNOOP\r\n")
        assert peer.rest().count(b"\r\n") == 1


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


def test_an_endless_message_is_never_held(usual: Server) -> None:
    with smtp(usual.smtp) as peer, usual.growing_at_most(12):
        begin_mail(peer, [ALICE])
        line = b"x" * 1022 + b"\r\n"
        for _ in range(60):
            peer.send(line * 1024)
        peer.send(b".\r\n")
        assert peer.reply().startswith("552 5.3.4 ")
        assert peer.say("NOOP") == "250 2.0.0 OK"
    assert list((usual.site / "spool").iterdir()) == []


def test_a_message_of_many_lines_and_levels(usual: Server) -> None:
    header = b"".join(b"X-%d: x\r\n" % number for number in range(100_000))
    levels = b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (level, level)
        for level in range(20_000)
    )
    with smtp(usual.smtp) as peer, usual.growing_at_most(12):
        assert mail(peer, [BOB], header + levels).startswith("250 ")
    with pop3(usual.pop3, BOB) as reader, usual.growing_at_most(12):
        assert reader.say("TOP 1 0").startswith("+OK")
        assert reader.text().endswith(header + levels.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")


def test_recipients(small: Server) -> None:
    with smtp(small.smtp) as peer:
        peer.say(f"MAIL FROM:{address(ALICE)}")
        for number in (BOB, CAROL, BOB, BOB, DAVE):
            assert peer.say(f"RCPT TO:{address(number)}").startswith("250 ")
        assert peer.say(f"RCPT TO:{address(ERIN)}").startswith("452 4.5.3 ")
        assert peer.say("DATA").startswith("354 ")
        assert peer.say("Subject: x\r\n.").startswith("250 2.0.0 delivered to 3 mailboxes")
    assert [len(inbox(small, each)) for each in (BOB, CAROL, DAVE)] == [1, 1, 1]


def test_many_recipients_cost_nothing(usual: Server) -> None:
    """A thousand are accepted, and tens of thousands more are refused without being kept."""
    with smtp(usual.smtp) as peer, usual.growing_at_most(8):
        peer.say(f"MAIL FROM:{address(ALICE)}")
        replies = []
        for _ in range(50):
            peer.send(f"RCPT TO:{address(BOB)}\r\n".encode() * 500)
            replies += [reply[:9] for reply in peer.replies(500)]
    assert replies == ["250 2.1.5"] * 1000 + ["452 4.5.3"] * 24_000


def test_received_fields(usual: Server) -> None:
    hop = b"Received: from a by b;\r\n\tFri, 1 Dec 2028 10:00:00 +0100\r\n"
    with smtp(usual.smtp) as peer:
        body = b"\r\n" + b"Received: not a field\r\n" * 60
        assert mail(peer, [CAROL], hop * 50 + body).startswith("250 ")
        assert mail(peer, [CAROL], hop * 51 + body).startswith("554 5.4.6 a loop: ")
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


# Logins.


def wrong(peer: Peer, number: str = ALICE, password: str = "wrong") -> str:
    peer.say(f"USER {number}")
    return peer.say(f"PASS {password}")


def greeted(port: int, source: str = "127.0.0.1") -> Peer:
    peer = Peer(port, source)
    peer.reply()
    return peer


def test_ten_failed_logins(small: Server) -> None:
    with greeted(small.pop3, "127.0.0.3") as peer:
        for _ in range(9):
            assert wrong(peer) == "-ERR [AUTH] wrong number or password"
            assert peer.say("AUTH PLAIN !!!").startswith("-ERR that is not base64")
        assert wrong(peer) == "-ERR [AUTH] 10 failed logins; connect again to go on"
        assert peer.rest() == b""
    login = b64encode(b"\0" + ALICE.encode() + b"\0wrong").decode()
    with smtp(small.smtp, "127.0.0.4") as peer:
        for _ in range(9):
            assert peer.say(f"AUTH PLAIN {login}").startswith("535 5.7.8 ")
            assert peer.say("AUTH PLAIN !!!").startswith("501 5.5.2 ")
        assert peer.say(f"AUTH PLAIN {login}").startswith("421 4.7.0 10 failed logins")
        assert peer.rest() == b""


def test_a_wrong_password_waits_a_second_and_a_right_one_does_not(usual: Server) -> None:
    begun = time.monotonic()
    with greeted(usual.pop3) as known, greeted(usual.pop3) as unknown:
        for peer, number in ((known, ALICE), (unknown, "29999999")):
            peer.say(f"USER {number}")
            peer.send(b"PASS wrong\r\n")
        with pop3(usual.pop3, ALICE) as right:
            assert right.say("STAT").startswith("+OK")
        assert not select.select([known.socket, unknown.socket], [], [], 0)[0]
        assert known.reply() == unknown.reply() == "-ERR [AUTH] wrong number or password"
        assert time.monotonic() - begun >= 1.0


def test_wrong_passwords_of_one_address_stand_in_line(small: Server) -> None:
    """Ten a second; another address has a line of its own."""
    begun = time.monotonic()
    with ExitStack() as stack:
        crowd = [stack.enter_context(greeted(small.pop3, "127.0.0.5")) for _ in range(12)]
        for peer in crowd:
            peer.say(f"USER {ALICE}")
            peer.send(b"PASS wrong\r\n")
        with greeted(small.pop3, "127.0.0.6") as other:
            assert wrong(other).startswith("-ERR [AUTH]")
        assert not select.select([crowd[-1].socket], [], [], 0)[0]
        for peer in crowd:
            assert peer.reply().startswith("-ERR [AUTH]")
    assert time.monotonic() - begun >= 0.1 + 11 * 0.1


def test_a_password_has_a_length(small: Server) -> None:
    with greeted(small.pop3) as peer:
        assert wrong(peer, IVAN, LONG_PASSWORD + "p").startswith("-ERR [AUTH]")
        peer.say(f"USER {IVAN}")
        assert peer.say(f"PASS {LONG_PASSWORD}").startswith("+OK")


def test_the_queue_of_password_checks(small: Server) -> None:
    """Past 64 the answer is "later", at once, and other accounts go on logging in."""
    with ExitStack() as stack:
        crowd = [stack.enter_context(greeted(small.pop3, "127.0.0.7")) for _ in range(100)]
        for peer in crowd:
            peer.say(f"USER {IVAN}")
        for peer in crowd:
            peer.send(b"PASS wrong\r\n")
        waiting = {peer.socket: peer for peer in crowd}
        while waiting:
            answered = select.select(waiting, [], [], 10)[0]
            said = {waiting.pop(each).reply() for each in answered}
            if said - {"-ERR [AUTH] wrong number or password"}:
                break
        assert any(each.startswith("-ERR [SYS/TEMP] too many logins at once") for each in said)
        stack.enter_context(pop3(small.pop3, BOB))


# Sessions.


def test_sessions(tmp_path: Path) -> None:
    site = site_for(tmp_path / "site", ACCOUNTS, sessions=6, sessions_per_address=3)
    with serving(site) as server, ExitStack() as stack:
        for source in ("127.0.0.1", "127.0.0.2"):
            first = stack.enter_context(greeted(server.smtp, source))
            stack.enter_context(greeted(server.pop3, source))
            stack.enter_context(greeted(server.smtp, source))
            for port, start in ((server.smtp, "421 "), (server.pop3, "-ERR [SYS/TEMP] ")):
                with Peer(port, source) as one_more:
                    said = one_more.reply()
                    if source == "127.0.0.1":
                        assert said.startswith(f"{start}{source} has 3 sessions open"), said
                    assert one_more.rest() == b""
        with Peer(server.smtp, "127.0.0.3") as one_more:
            assert one_more.reply().startswith("421 6 sessions are open")
        first.close()
        until(lambda: is_admitted(server.smtp, "127.0.0.3"))


def is_admitted(port: int, source: str) -> bool:
    with Peer(port, source) as peer:
        return peer.reply().startswith("220 ")


def test_patience(tmp_path: Path) -> None:
    """A deadline for a whole command or message, which single octets do not put off."""
    site = site_for(tmp_path / "site", ACCOUNTS, pop3_idle=1, smtp_idle=1, data=2)
    with serving(site) as server, ExitStack() as stack:
        silent = stack.enter_context(smtp(server.smtp))
        silent_reader = stack.enter_context(pop3(server.pop3, ALICE))
        assert silent_reader.say("NOOP").startswith("+OK")
        dripping = stack.enter_context(smtp(server.smtp))
        dripping_reader = stack.enter_context(greeted(server.pop3))
        sending = stack.enter_context(smtp(server.smtp))
        begin_mail(sending, [BOB])
        drips = {dripping: b"x", dripping_reader: b"x", sending: b"a line\r\n"}
        closed_at = {}
        begun = time.monotonic()
        while drips:
            assert time.monotonic() - begun < 20, f"still open: {list(drips.values())}"
            time.sleep(0.1)
            for peer, drip in list(drips.items()):
                if select.select([peer.socket], [], [], 0)[0]:
                    closed_at[peer] = time.monotonic() - begun
                    del drips[peer]
                else:
                    peer.send(drip)
        assert closed_at[sending] > closed_at[dripping] > 0.5
        said = b"421 4.4.2 no command for 1 seconds; goodbye\r\n"
        assert silent.rest() == dripping.rest() == said
        said = b"421 4.4.2 nothing delivered: the message had not ended after 2 seconds\r\n"
        assert sending.rest() == said
        assert silent_reader.rest() == dripping_reader.rest() == b""
        assert not (site / "maildirs" / BOB).exists()


# Peers that never read.


def test_replies_that_nobody_reads(usual: Server) -> None:
    """Reading stops, and the others notice nothing."""
    with smtp(usual.smtp) as deaf, usual.growing_at_most(12):
        assert not takes_all(deaf.socket, b"HELP\r\n" * 1024, 64 * 1024)
        with smtp(usual.smtp) as other:
            assert other.say("NOOP") == "250 2.0.0 OK"


def test_listings_that_nobody_reads(usual: Server) -> None:
    """A few octets that ask for very many, again and again."""
    mailbox = usual.site / "maildirs" / FRANK
    for part in ("tmp", "new", "cur"):
        (mailbox / part).mkdir(parents=True)
    for number in range(3000):
        (mailbox / "new" / f"1700000000.M{number:06}R00.host,S=2,W=3").write_bytes(b"x\n")
    with pop3(usual.pop3, FRANK) as deaf, usual.growing_at_most(12):
        deaf.send(b"UIDL\r\n" * 10_000)
        with smtp(usual.smtp) as other:
            assert other.say("NOOP") == "250 2.0.0 OK"


def test_messages_that_nobody_reads(usual: Server) -> None:
    large = b"x" * 998 + b"\r\n"
    with smtp(usual.smtp) as peer, usual.growing_at_most(12):
        assert mail(peer, ACCOUNTS[9:], large * 8 * 1024).startswith("250 ")
    with ExitStack() as stack, usual.growing_at_most(30):
        for number in ACCOUNTS[9:]:
            stack.enter_context(pop3(usual.pop3, number)).send(b"RETR 1\r\n" * 3)
        with smtp(usual.smtp) as other:
            assert other.say("NOOP") == "250 2.0.0 OK"
    with pop3(usual.pop3, ACCOUNTS[9]) as reader:
        reader.say("RETR 1")
        assert reader.text().endswith(large * 8 * 1024)


def takes_all(connection: socket.socket, octets: bytes, times: int) -> bool:
    """Whether so many octets can be sent to a server whose replies are not read."""
    connection.settimeout(0.5)
    try:
        for _ in range(times):
            connection.sendall(octets)
    except TimeoutError:
        return False
    return True
