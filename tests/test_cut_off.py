"""What is promised when a session ends badly: by a cut, a timeout, a bug, or a stop."""

import json
import signal
import socket
import struct
from pathlib import Path

import pytest

from tpmailserver.control.wording import SOCKET_NAME
from tpmailserver.model import Accepted, Reason, Refusal
from tpmailserver.settings import Settings
from tpmailserver.store.locks import DeliveryGate
from tpmailserver.wire.smtp import SmtpSession, SmtpTerms

from .bare import BareSession
from .faults import Peer, mail, pop3, serving, site_for, smtp, until

ONE, TWO = "22000001", "22000002"
LARGE = b"Subject: large\r\n\r\n" + b"x" * 76 * 90_000 + b"\r\n"
READ_AND_DELETE = f"USER {ONE}\r\nPASS {ONE}\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n".encode()


def messages(site: Path, number: str) -> list[Path]:
    box = site / "maildirs" / number
    return [*(box / "new").glob("*"), *(box / "cur").glob("*")]


@pytest.mark.parametrize("how", ["it is cut", "it reads no more"])
def test_a_session_that_ends_in_the_middle_of_retr_removes_nothing(
    tmp_path: Path, how: str
) -> None:
    site = site_for(tmp_path / "site", [ONE], pop3_idle=1.0)
    with serving(site) as server:
        with smtp(server.smtp) as sender:
            assert mail(sender, [ONE], LARGE).startswith("250 ")
        reader = Peer(server.pop3)
        reader.send(READ_AND_DELETE)
        reader.socket.recv(4000)
        if how == "it is cut":
            linger = struct.pack("ii", 1, 0)
            reader.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            reader.close()
        until(lambda: not maildrop_is_held(server))
        assert len(messages(site, ONE)) == 1
        with pop3(server.pop3, ONE) as again:
            assert again.say("STAT").startswith("+OK 1 ")
        assert "Traceback" not in server.log


def maildrop_is_held(server: object) -> bool:
    with Peer(server.pop3) as peer:  # type: ignore[attr-defined]
        peer.reply()
        peer.say(f"USER {ONE}")
        return not peer.say(f"PASS {ONE}").startswith("+OK")


def test_a_bug_in_a_verb_is_our_trouble_and_the_session_goes_on(tmp_path: Path) -> None:
    session = BareSession("smtp", tmp_path, Settings())
    session.run(session.machine.begin())
    machine = session.machine
    assert isinstance(machine, SmtpSession)

    def planted(_argument: bytes) -> None:
        raise KeyError("a bug")

    machine._on_noop = planted  # type: ignore[method-assign]
    with pytest.raises(KeyError):
        machine.receive(b"NOOP\r\nHELO me\r\n")
    session.run(machine.apologise(Refusal(Reason.TROUBLE)))
    session.run(machine.receive(b""))
    assert b"451 4.3.0 " in session.said
    assert session.said.endswith(b"250 tpmail.info.unicaen.fr at your service, me\r\n")


def test_a_tpmail_that_sleeps_does_not_hold_a_stop(tmp_path: Path) -> None:
    numbers = [f"{each}" for each in range(22000001, 22030001)]
    site = site_for(tmp_path / "site", numbers)
    with serving(site) as server:
        sleeper = socket.socket(socket.AF_UNIX)
        sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sleeper.connect(str(site / SOCKET_NAME))
        sleeper.sendall(json.dumps({"action": "accounts", "arguments": {}}).encode() + b"\n")
        with smtp(server.smtp) as idle:
            sleeper.recv(1000)
            server.signal(signal.SIGTERM)
            assert idle.reply().startswith("421 ")
        assert server.process.wait(20) == -signal.SIGTERM
        sleeper.close()


def test_a_number_that_is_taken_by_a_group_does_not_walk_in(tmp_path: Path) -> None:
    site = site_for(tmp_path / "site", [ONE], 'walk_in = "[a-z0-9]+"', failed_login_delay=0.0)
    with serving(site) as server:
        for name in ("postmaster", "td1", "lists"):
            with Peer(server.pop3) as peer:
                peer.reply()
                peer.say(f"USER {name}")
                assert peer.say(f"PASS {name}") == "-ERR [AUTH] wrong number or password"
        with pop3(server.pop3, "e123") as peer:
            assert peer.say("STAT") == "+OK 0 0"
        assert "Traceback" not in server.log


def test_a_pause_does_not_renew_the_time() -> None:
    now = [0.0]
    machine = SmtpSession(SmtpTerms("host", idle=900, data=1800), lambda: now[0])
    machine.begin()
    outputs = machine.receive(b"HELO me\r\n" + b"NOOP\r\n" * 99)
    before = machine.wake_at
    assert type(outputs[-1]).__name__ == "Ask"
    now[0] = 100.0
    machine.answer(Accepted())
    assert before is None
    assert machine.wake_at == 900.0


def test_a_reset_of_one_mailbox_holds_no_thread(tmp_path: Path) -> None:
    gate = DeliveryGate()
    with gate.resetting([ONE]):
        assert not gate.is_open([TWO, ONE])
        assert gate.is_open([TWO])
    assert gate.is_open([ONE])
