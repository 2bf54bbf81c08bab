"""Stopping and starting: a stop keeps every promise, and nothing that is left stops a start."""

import os
import random
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from . import IS_LONG, Peer, Server, begin_mail, mail, pop3, serving, site_for, smtp, until
from .clients import Sender, Tidy, Work, again, at_work
from .conftest import Note
from .ledger import Ledger
from .watch import HEALTHY

ACCOUNTS = tuple(f"220000{number:02}" for number in range(1, 9))
ALICE, BOB, CAROL = ACCOUNTS[:3]
RESTARTS = 20 if IS_LONG else 3
ENDED_BY_US = (0, -signal.SIGTERM)  # twistd ends itself by the signal that ended it


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return site_for(tmp_path / "site", ACCOUNTS)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def on_ports(smtp_port: int, pop3_port: int) -> tuple[str, ...]:
    here = "interface=127.0.0.1"
    return ("--smtp", f"tcp:{smtp_port}:{here}", "--pop3", f"tcp:{pop3_port}:{here}")


@pytest.fixture
def ports() -> tuple[str, ...]:
    return on_ports(free_port(), free_port())


# A stop.


def test_a_stop_in_the_middle_of_everything(site: Path) -> None:
    """Who is told, is told why; nothing half is delivered; a reader that never reads is cut off."""
    with serving(site) as server, ExitStack() as stack:
        with smtp(server.smtp) as peer:
            assert mail(peer, [CAROL], b"x" * 9_000_000 + b"\r\n").startswith("250 ")
            assert mail(peer, [BOB], b"Subject: marked\r\n").startswith("250 ")
        idle = stack.enter_context(smtp(server.smtp))
        sending = stack.enter_context(smtp(server.smtp))
        begin_mail(sending, [ALICE])
        sending.send(b"Subject: half\r\n\r\n" + b"x" * 100_000)
        marking = stack.enter_context(pop3(server.pop3, BOB))
        assert marking.say("DELE 1").startswith("+OK")
        deaf = stack.enter_context(pop3(server.pop3, CAROL))
        deaf.send(b"RETR 1\r\n")
        until(lambda: any((site / "spool").iterdir()))
        status = server.stop()
        said = b" 4.3.2 the server is stopping; try again later\r\n"
        assert idle.rest() == sending.rest() == b"421" + said
        assert marking.rest() == b"-ERR [SYS/TEMP] the server is stopping; try again later\r\n"
        assert b"\r\n.\r\n" not in deaf.rest()
        assert status in ENDED_BY_US
        assert "Traceback" not in server.log
    assert not (site / "maildirs" / ALICE).exists()
    assert len(list((site / "maildirs" / BOB / "new").iterdir())) == 1
    assert list((site / "spool").iterdir()) == []
    assert not (site / "control.socket").exists()


def test_restarts_under_load(tmp_path: Path, ports: tuple[str, ...], note: Note) -> None:
    """What was acknowledged is there, what was not was refused in words; nobody is sent away twice.

    The clients are the same all the time: who loses the server connects again.
    """
    site = site_for(tmp_path / "site", (*ACCOUNTS, HEALTHY), budget=0)
    ledger = Ledger(ACCOUNTS)
    longest = 0.0
    with ExitStack() as stack:
        for restart in range(RESTARTS + 1):
            begun = time.monotonic()
            with serving(site, *ports) as server:
                if not restart:
                    stack.enter_context(at_work(*clients(server, ledger)))
                before = len(ledger.acknowledged)
                until(lambda: len(ledger.acknowledged) > before)  # noqa: B023
                if restart:
                    longest = max(longest, time.monotonic() - begun)
                until(lambda: len(ledger.acknowledged) > before + 100)  # noqa: B023
                if restart < RESTARTS:
                    assert server.stop() in ENDED_BY_US
                    assert list((site / "spool").iterdir()) == []
                else:
                    stack.close()
                    audit = ledger.audit(server, again=True)
                assert "Traceback" not in server.log
    note(
        {"restarts": RESTARTS}
        | audit.figures()
        | {"acknowledged deletions": len(ledger.removed), "refused with 421": ledger.refused["421"]}
        | {"longest time from a start to the first 250": f"{longest:.1f} s"}
    )
    audit.check()
    assert set(ledger.refused) <= {"421"}, ledger.refused
    assert ledger.removed


def clients(server: Server, ledger: Ledger) -> list[Work]:
    """Senders and a reader who deletes, on ports that stay the same."""
    senders = [Sender(server, ledger, random.Random(each), 2) for each in range(4)]
    return [*map(again, senders), again(Tidy(server, ledger, ACCOUNTS[:4]))]


# A start.


def test_the_ports_are_free_at_once(site: Path, ports: tuple[str, ...]) -> None:
    """Connections that the server closed first linger for a minute, and are in nobody's way."""
    for end in (Server.stop, Server.kill, Server.kill):
        with serving(site, *ports) as server:
            with smtp(server.smtp) as peer, pop3(server.pop3, ALICE) as reader:
                for each in (peer, reader):
                    each.say("QUIT")
                    assert each.rest() == b""
            with smtp(server.smtp):
                end(server)


def refused(site: Path, *options: str) -> str:
    """What a start that must fail says, a single line that is no traceback."""
    server = Server(site, *options)
    assert server.ended() not in (0, None)
    said = server.log
    assert "Traceback" not in said
    assert said.count("\n") == 1, said
    assert said.startswith("twistd tpmail: ")
    return said


@pytest.fixture
def running(site: Path, ports: tuple[str, ...]) -> Iterator[Server]:
    with serving(site, *ports) as server:
        yield server


def test_one_server_a_site(running: Server) -> None:
    # Its log must not be that of the first.
    other = running.site.parent / "same"
    other.symlink_to(running.site)
    said = refused(other)
    assert f"process {running.pid} serves {other} already" in said
    with smtp(running.smtp) as peer:
        assert peer.say("NOOP") == "250 2.0.0 OK"


@pytest.mark.parametrize("protocol", ["smtp", "pop3"])
def test_a_port_that_is_taken(running: Server, tmp_path: Path, protocol: str) -> None:
    taken = getattr(running, protocol)
    numbers = (taken, 0) if protocol == "smtp" else (0, taken)
    said = refused(tmp_path / "other", *on_ports(*numbers))
    assert f"port {taken}: another program listens there (" in said
    assert f"(process {running.pid})" in said


@pytest.mark.parametrize("text", ["999999\n", "{pid}\n", "not a number\n", ""])
def test_a_stale_pid_file(site: Path, text: str) -> None:
    """The process is no more, or its number is somebody else's by now."""
    pid_file = site.parent / "twistd.pid"
    pid_file.write_text(text.format(pid=os.getpid()))
    server = Server(site, twistd=(f"--pidfile={pid_file}",))
    try:
        server.wait_until_serving()
        assert pid_file.read_text() == str(server.pid)
    finally:
        server.process.kill()


def test_a_stale_lock_and_a_stale_socket(site: Path) -> None:
    (site / "locks").mkdir(exist_ok=True)
    (site / "locks" / ".server").write_text(f"{os.getpid()}\n")
    (site / "locks" / ALICE).write_text("0.0 127.0.0.1\n")
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(site / "control.socket"))
    with serving(site) as server, pop3(server.pop3, ALICE) as reader:
        assert reader.say("STAT") == "+OK 0 0"


@pytest.mark.parametrize("part", ["maildirs", "spool", "locks", "tpmail.sqlite3"])
def test_what_is_missing_is_made(tmp_path: Path, part: str) -> None:
    site = site_for(tmp_path / "site", ACCOUNTS, 'walk_in = "[0-9]{8}"')
    path = site / part
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink()
    with serving(site) as server, Peer(server.pop3) as reader:
        reader.reply()
        reader.say(f"USER {ALICE}")
        assert reader.say(f"PASS {ALICE}").startswith("+OK")
        with smtp(server.smtp) as peer:
            assert mail(peer, [ALICE], b"Subject: x\r\n").startswith("250 ")
