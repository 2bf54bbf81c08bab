"""Whatever a client pours in or leaves unread, memory stays flat and the others are served.

Each flood is held to a bound of its own at its peak, and healthy sessions beside it are timed.
"""

import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from . import IS_LONG, Peer, Server, address, begin_mail, mail, pop3, serving, site_for, smtp
from .conftest import Note
from .watch import HEALTHY, watched

ALICE, BOB, FRANK, *OTHERS = ACCOUNTS = tuple(f"220000{number:02}" for number in range(1, 15))
IDLE = 2000
RECIPIENTS = 1_000_000 if IS_LONG else 25_000
MEBIBYTES = 1000 if IS_LONG else 60
LINE = b"x" * 1022 + b"\r\n"


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with every default."""
    site = site_for(tmp_path_factory.mktemp("floods") / "site", (*ACCOUNTS, HEALTHY))
    with serving(site) as server:
        yield server
        assert "Traceback" not in server.log


def test_two_thousand_idle_sessions(usual: Server, note: Note) -> None:
    """Half of SMTP and half of POP3, from as many addresses as a school has rooms."""
    with watched(usual) as watch, ExitStack() as stack:
        for number in range(IDLE):
            port = usual.pop3 if number % 2 else usual.smtp
            peer = Peer(port, f"127.0.1.{number // 400 + 1}")
            stack.enter_context(peer)
            assert peer.reply().startswith(("220 ", "+OK")), number
        seen = watch.round_trips
        while watch.round_trips < seen + 5:
            time.sleep(0.01)
    note({"idle sessions": IDLE} | watch.figures())


def test_one_octet_at_a_time(usual: Server, note: Note) -> None:
    """A hundred clients that drip commands and messages, each octet in a packet of its own."""
    with watched(usual) as watch, ExitStack() as stack:
        crowd = [stack.enter_context(smtp(usual.smtp, "127.0.2.1")) for _ in range(100)]
        for peer in crowd:
            peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for peer in crowd[50:]:
            begin_mail(peer, [ALICE])
        for octet in b"NOOP dripping":
            for peer in crowd:
                peer.send(bytes([octet]))
            time.sleep(0.05)
        for peer in crowd[:50]:
            assert peer.say("") == "250 2.0.0 OK"
        assert not select.select([peer.socket for peer in crowd[50:]], [], [], 0)[0]
    note({"dripping sessions": 100} | watch.figures())


@pytest.mark.parametrize("protocol", ["smtp", "pop3"])
def test_an_endless_line_is_never_held(usual: Server, note: Note, protocol: str) -> None:
    with (
        Peer(getattr(usual, protocol)) as peer,
        watched(usual) as watch,
        usual.growing_at_most(12),
    ):
        peer.reply()
        for _ in range(MEBIBYTES):
            peer.send(b"x" * 1024 * 1024)
        assert "longer than" in peer.say("")
        peer.send(b"QUIT\r\nNOOP\r\n")
        assert peer.rest().count(b"\r\n") == 1
    note({"a line of": f"{MEBIBYTES} MiB"} | watch.figures())


def test_an_endless_message_is_never_held(usual: Server, note: Note) -> None:
    with smtp(usual.smtp) as peer, watched(usual) as watch, usual.growing_at_most(16):
        begin_mail(peer, [ALICE])
        for _ in range(MEBIBYTES):
            peer.send(LINE * 1024)
        peer.send(b".\r\n")
        assert peer.reply().startswith("552 5.3.4 ")
        assert peer.say("NOOP") == "250 2.0.0 OK"
    assert list((usual.site / "spool").iterdir()) == []
    note({"a message of": f"{MEBIBYTES} MiB"} | watch.figures())


def test_a_message_of_many_lines_and_levels(usual: Server, note: Note) -> None:
    header = b"".join(b"X-%d: x\r\n" % number for number in range(100_000))
    levels = b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (level, level)
        for level in range(20_000)
    )
    with watched(usual) as watch:
        with smtp(usual.smtp) as peer, usual.growing_at_most(16):
            assert mail(peer, [BOB], header + levels).startswith("250 ")
        with pop3(usual.pop3, BOB) as reader, usual.growing_at_most(16):
            assert reader.say("TOP 1 0").startswith("+OK")
            assert reader.text().endswith(header + levels.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
    note({"header lines": 100_000, "levels of MIME": 20_000} | watch.figures())


def test_many_recipients_cost_nothing(usual: Server, note: Note) -> None:
    """A thousand are accepted, and tens of thousands more are refused without being kept."""
    with smtp(usual.smtp) as peer, watched(usual) as watch, usual.growing_at_most(12):
        peer.say(f"MAIL FROM:{address(ALICE)}")
        replies = []
        for _ in range(RECIPIENTS // 500):
            peer.send(f"RCPT TO:{address(BOB)}\r\n".encode() * 500)
            replies += [reply[:9] for reply in peer.replies(500)]
    assert replies == ["250 2.1.5"] * 1000 + ["452 4.5.3"] * (RECIPIENTS - 1000)
    note({"RCPT commands": len(replies)} | watch.figures())


# Peers that never read.


def test_replies_that_nobody_reads(usual: Server, note: Note) -> None:
    """Reading stops, and the others notice nothing."""
    with smtp(usual.smtp) as deaf, watched(usual) as watch, usual.growing_at_most(16):
        assert not takes_all(deaf.socket, b"HELP\r\n" * 1024, 64 * 1024)
    note(watch.figures())


def test_listings_that_nobody_reads(usual: Server, note: Note) -> None:
    """A few octets that ask for very many, again and again."""
    mailbox = usual.site / "maildirs" / FRANK
    for part in ("tmp", "new", "cur"):
        (mailbox / part).mkdir(parents=True)
    for number in range(3000):
        (mailbox / "new" / f"1700000000.M{number:06}R00.host,S=2,W=3").write_bytes(b"x\n")
    with watched(usual) as watch, pop3(usual.pop3, FRANK) as deaf, usual.growing_at_most(16):
        deaf.send(b"UIDL\r\n" * 10_000)
        wait_for_healthy_sessions()
    note(watch.figures())


def test_messages_that_nobody_reads(usual: Server, note: Note) -> None:
    octets = LINE * 8 * 1024
    with smtp(usual.smtp) as peer, usual.growing_at_most(16):
        assert mail(peer, OTHERS, octets).startswith("250 ")
    with watched(usual) as watch, ExitStack() as stack, usual.growing_at_most(32):
        for number in OTHERS:
            stack.enter_context(pop3(usual.pop3, number)).send(b"RETR 1\r\n" * 3)
        wait_for_healthy_sessions()
    with pop3(usual.pop3, OTHERS[0]) as reader:
        reader.say("RETR 1")
        assert reader.text().endswith(octets)
    note({"deaf readers": len(OTHERS)} | watch.figures())


def wait_for_healthy_sessions() -> None:
    """Time for the server to fill whatever it would fill, and for others to be timed meanwhile."""
    time.sleep(0.3)


def takes_all(connection: socket.socket, octets: bytes, times: int) -> bool:
    """Whether so many octets can be sent to a server whose replies are not read."""
    connection.settimeout(0.5)
    try:
        for _ in range(times):
            connection.sendall(octets)
    except TimeoutError:
        return False
    return True
