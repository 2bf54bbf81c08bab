"""What a client says, in any argument, is one line of the log at most, and moves no cursor there.

`test_secrets` has the sender that the log shows and the headers; here is every other word that a
client may choose, with line ends, escapes, other directions and octets that are no UTF-8 in it.
"""

import re
from base64 import b64encode

import pytest

from .faults import DOMAIN, Peer, smtp
from .process import Account, ServerProcess

ODD = {
    "CR": b"\rforged line",
    "NUL": b"\0forged line",
    "ESC": b"\x1b[31mforged",
    "OSC": b"\x1b]0;forged\x07",
    "CSI": "\N{CONTROL SEQUENCE INTRODUCER}31mforged".encode(),
    "NEL": "\N{NEXT LINE}forged line".encode(),
    "LS": "\N{LINE SEPARATOR}forged line".encode(),
    "RLO": "\N{RIGHT-TO-LEFT OVERRIDE}degrof".encode(),
    "ISOLATE": "\N{RIGHT-TO-LEFT ISOLATE}degrof".encode(),
    "8-bit": b"\xe9\xff\xfe forged",
    "surrogate": b"\xed\xa0\x80forged",
    "format": b"{log_namespace} {0} %s forged",
    "twisted": b"\n2026-01-01T00:00:00+0000 [-] forged line",
}
_LINE = re.compile(r"\d{4}-\d\d-\d\dT[^ ]+ \[[^ ]+\] .+")


def test_no_argument_writes_in_the_log(server: ServerProcess, student: Account) -> None:
    start = len(server.log)
    for odd in ODD.values():
        with smtp(server.smtp) as peer:
            for line in (
                *(b"HELO pc" + odd, b"EHLO pc" + odd, b"NOOP " + odd, b"HELP " + odd, odd),
                *(b"VRFY a" + odd, b"EXPN a" + odd, b"AUTH a" + odd),
                b"MAIL FROM:<a" + odd + b"@x> SMTPUTF8",
                b'MAIL FROM:<"a' + odd + b'"@x> SMTPUTF8',
                b"MAIL FROM:<a@b" + odd + b"> SMTPUTF8",
                b"MAIL FROM:<a@b> AUTH=" + odd,
                b"RCPT TO:<a" + odd + b"@" + DOMAIN.encode() + b">",
                b"AUTH PLAIN " + b64encode(b"\0" + student.number.encode() + odd + b"\0x" + odd),
            ):
                peer.send(line + b"\r\nRSET\r\n")
            peer.send(b"QUIT\r\n")
            assert b"\r\n221 " in peer.rest(), "it did not go on to the end"
        with Peer(server.pop3) as peer:
            for line in (
                *(b"USER a" + odd, b"PASS " + odd, b"APOP a" + odd + b" x", odd, b"AUTH a" + odd),
                b"AUTH PLAIN " + b64encode(b"\0a" + odd + b"\0x" + odd),
            ):
                peer.send(line + b"\r\n")
            peer.send(b"QUIT\r\n")
            peer.rest()
    said = server.log[start:]
    assert said.endswith("\n")
    assert "forged" not in said
    assert "degrof" not in said
    for line in said.removesuffix("\n").split("\n"):
        assert line.isprintable(), repr(line)
        assert _LINE.fullmatch(line), line


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_a_message_adds_one_line_whatever_it_holds(
    server: ServerProcess, student: Account, odd: bytes
) -> None:
    before = server.log.count("\n")
    with smtp(server.smtp) as peer:
        peer.say(f"MAIL FROM:<{student.number}@{DOMAIN}>")
        peer.say(f"RCPT TO:<{student.number}@{DOMAIN}>")
        assert peer.say("DATA").startswith("354 ")
        peer.send(b"Subject: " + odd + b"\r\nList-Id: <" + odd + b">\r\n" + odd + b"\r\n.\r\n")
        assert peer.reply().startswith("250 ")
    told = server.log.split("\n")[before:-1]
    assert len(told) == 1, told
    assert " delivered id=" in told[0]
