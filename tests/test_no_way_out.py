"""Nothing goes out: what the server asks of the network, as the kernel sees it, all its life long.

The server runs under strace while it is talked into passing mail on, given names to look up, and
sent mail that wants an answer. It never calls anybody, and sends no datagram: the only packets are
on connections that came in.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from .faults import DOMAIN, Peer, Server, address, mail, pop3, site_for, smtp, until
from .listing import lists_of
from .test_isolation import RELAYS

ALICE, BOB = "22000001", "22000002"
CALLS = "connect,sendto,sendmsg,sendmmsg,socket"
# RFC 3798, RFC 3834, RFC 2298: each asks a mail system to write to somebody.
WANTS_AN_ANSWER = (
    b"Disposition-Notification-To: <victim@example.org>\r\n"
    b"Return-Receipt-To: <victim@example.org>\r\n"
    b"Errors-To: <victim@example.org>\r\n"
    b"Reply-To: <victim@example.org>\r\n"
    b"List-Unsubscribe: <https://example.org/x>\r\n"
    b"Content-Type: message/external-body; access-type=URL; URL=http://example.org/\r\n"
)

pytestmark = pytest.mark.skipif(
    shutil.which("strace") is None, reason="wants strace: apt-get install strace"
)


def calls_out(trace: str) -> list[str]:
    """The system calls that speak to an address of a network."""
    return [
        line
        for line in trace.splitlines()
        if re.search(r"\b(connect|sendto|sendmsg|sendmmsg)\(.*(sin_addr|sin6_addr|AF_INET6?)", line)
    ]


def test_the_server_never_calls_anybody(tmp_path: Path) -> None:
    site = site_for(tmp_path / "site", (ALICE, BOB), 'lists_visible = "open"')
    lists_of(site).put("two", (ALICE, BOB))
    trace = tmp_path / "trace"
    before = ("strace", "-f", "-e", f"trace={CALLS}", "-o", str(trace))
    server = Server(site, before=before)
    try:
        until(lambda: "] serving " in server.log or server.process.poll() is not None)
        if "] serving " not in server.log:
            pytest.skip(f"strace may not trace here: {server.log[-300:]}")
        tempt(server)
        server.stop()
    finally:
        if server.process.poll() is None:
            server.process.kill()
    text = trace.read_text("utf-8", "replace")
    assert "sendto(" in text, "what it said to its clients is not in the trace"
    assert calls_out(text) == []


def tempt(server: Server) -> None:
    """All that might make a mail server speak to another."""
    with smtp(server.smtp) as peer:
        for line in ("HELO mail.example.org", "EHLO [192.0.2.1]", "VRFY victim@example.org"):
            peer.say(line)
        peer.say("EXPN two")
        for sender in ("<victim@example.org>", "<>", f"<@relay.example.org:{ALICE}@{DOMAIN}>"):
            peer.say(f"MAIL FROM:{sender}")
            for recipient in RELAYS:
                assert not peer.say(f"RCPT TO:{recipient}").startswith("2"), recipient
            peer.say("RSET")
        for recipients in ([ALICE], [ALICE, BOB], ["two"], ["postmaster"]):
            said = mail(peer, recipients, WANTS_AN_ANSWER + b"\r\nx\r\n")
            assert said.startswith("250 "), said
        peer.say("MAIL FROM:<victim@example.org>")
        assert peer.say(f"RCPT TO:{address('29999999')}").startswith("550 ")
    with Peer(server.pop3) as peer:
        peer.reply()
        peer.say(f"USER {ALICE}@mail.example.org")
        assert peer.say(f"PASS {ALICE}").startswith("-ERR ")
    with pop3(server.pop3, ALICE) as peer:
        assert peer.say("RETR 1").startswith("+OK")


def test_a_call_would_be_seen(tmp_path: Path) -> None:
    """The same look at a program that does call."""
    trace = tmp_path / "trace"
    program = (
        "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
        "s.sendto(b'x', ('127.0.0.1', 9)); t = socket.socket(); t.settimeout(1);"
        "t.connect_ex(('127.0.0.1', 9))"
    )
    command = ("strace", "-f", "-e", f"trace={CALLS}", "-o", str(trace), "python3", "-c", program)
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"strace may not trace here: {done.stderr[-300:]}")
    found = calls_out(trace.read_text())
    assert [re.search(r"\b(\w+)\(", line)[1] for line in found] == ["sendto", "connect"]
