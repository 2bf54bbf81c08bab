"""Logins and sessions have bounds: so many, so fast, so long; nobody else waits for them."""

import select
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tpmailserver.delivery.passwords import hash_password
from tpmailserver.site import DATABASE
from tpmailserver.store.database import Database

from .faults import Peer, Server, begin_mail, pop3, serving, site_for, smtp, until

ALICE, BOB, IVAN = ACCOUNTS = ("22000001", "22000002", "22000003")
LONG_PASSWORD = "p" * 128


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that answers a wrong password after a tenth of a second; one account has its own."""
    site = site_for(tmp_path_factory.mktemp("quick") / "site", ACCOUNTS, failed_login_delay=0.1)
    hashed = hash_password(LONG_PASSWORD.encode())
    Database(site / DATABASE).set_password_hashes({IVAN: hashed})
    with serving(site) as server:
        yield server
        assert "Traceback" not in server.log


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with every default."""
    with serving(site_for(tmp_path_factory.mktemp("usual") / "site", ACCOUNTS)) as server:
        yield server
        assert "Traceback" not in server.log


def wrong(peer: Peer, number: str = ALICE, password: str = "wrong") -> str:
    peer.say(f"USER {number}")
    return peer.say(f"PASS {password}")


def greeted(port: int, source: str = "127.0.0.1") -> Peer:
    peer = Peer(port, source)
    peer.reply()
    return peer


def test_ten_failed_logins(quick: Server) -> None:
    with greeted(quick.pop3, "127.0.0.3") as peer:
        for _ in range(9):
            assert wrong(peer) == "-ERR [AUTH] wrong number or password"
            assert peer.say("AUTH PLAIN !!!").startswith("-ERR that is not base64")
        assert wrong(peer) == "-ERR [AUTH] 10 failed logins; connect again to go on"
        assert peer.rest() == b""
    login = b64encode(b"\0" + ALICE.encode() + b"\0wrong").decode()
    with smtp(quick.smtp, "127.0.0.4") as peer:
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


def test_wrong_passwords_of_one_address_stand_in_line(quick: Server) -> None:
    """Ten a second; another address has a line of its own."""
    begun = time.monotonic()
    with ExitStack() as stack:
        crowd = [stack.enter_context(greeted(quick.pop3, "127.0.0.5")) for _ in range(12)]
        for peer in crowd:
            peer.say(f"USER {ALICE}")
            peer.send(b"PASS wrong\r\n")
        with greeted(quick.pop3, "127.0.0.6") as other:
            assert wrong(other).startswith("-ERR [AUTH]")
        assert not select.select([crowd[-1].socket], [], [], 0)[0]
        for peer in crowd:
            assert peer.reply().startswith("-ERR [AUTH]")
    assert time.monotonic() - begun >= 0.1 + 11 * 0.1


def test_a_password_has_a_length(quick: Server) -> None:
    with greeted(quick.pop3) as peer:
        assert wrong(peer, IVAN, LONG_PASSWORD + "p").startswith("-ERR [AUTH]")
        peer.say(f"USER {IVAN}")
        assert peer.say(f"PASS {LONG_PASSWORD}").startswith("+OK")


def test_the_queue_of_password_checks(quick: Server) -> None:
    """Past 64 the answer is "later", at once, and other accounts go on logging in."""
    with ExitStack() as stack:
        crowd = [stack.enter_context(greeted(quick.pop3, "127.0.0.7")) for _ in range(100)]
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
        stack.enter_context(pop3(quick.pop3, BOB))


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
