"""What a client says stays where it belongs: no password in a log, nothing forced into a header."""

import re
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tpmailserver.model import Secret
from tpmailserver.wire.contract import LogIn

from .faults import Peer, Server, address, mail, pop3, serving, site_for, smtp, until

ALICE, BOB = "22000001", "22000002"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("isolation")
    site = site_for(folder / "site", (ALICE, BOB), 'walk_in = ".+"', failed_login_delay=0, budget=0)
    with serving(site) as server:
        with smtp(server.smtp) as peer:
            assert mail(peer, [ALICE, BOB], b"Subject: first\r\n").startswith("250 ")
        yield server


SECRETS = ("Tr0ub4dor", "hunter2", "correct-horse", "S3same!", "zyxw9876", "letmein42", "p4ssw0rt")


def test_a_wrong_password_is_written_nowhere(server: Server) -> None:
    """Students type their real one by mistake, and not always where a password belongs."""
    first, second, third, fourth, fifth, sixth, seventh = SECRETS
    with Peer(server.pop3) as peer:
        peer.reply()
        peer.say(f"USER {ALICE}")
        assert peer.say(f"PASS {first}").startswith("-ERR [AUTH]")
        peer.say(f"USER {second}")
        peer.say(f"USER {ALICE} {third}")
        peer.say(f"PASS {third}")
        peer.say(fourth)
        peer.say("AUTH LOGIN")
        peer.say(coded(ALICE))
        assert peer.say(coded(fifth)).startswith("-ERR [AUTH]")
        assert peer.say(f"AUTH PLAIN {coded(sixth)}").startswith("-ERR")
    with smtp(server.smtp) as peer:
        assert peer.say(f"AUTH PLAIN {coded(chr(0) + ALICE + chr(0) + seventh)}").startswith("535 ")
        peer.say("AUTH LOGIN")
        peer.say(coded(ALICE))
        assert peer.say(coded(first)).startswith("535 ")
        peer.say(f"AUTH LOGIN {second}")
        peer.say(third)
    words = [*SECRETS, *map(coded, SECRETS), coded(chr(0) + ALICE + chr(0) + seventh)]
    places = [server.log, *psutil.Process(server.pid).cmdline()]
    files = [each for each in server.site.rglob("*") if each.is_file()]
    contents = [each.read_bytes().decode("latin-1") for each in files]
    for word in words:
        assert not any(word in place for place in (*places, *contents, *map(str, files))), word


def coded(text: str) -> str:
    return b64encode(text.encode()).decode()


def test_no_error_shows_a_right_password(tmp_path: Path) -> None:
    """The mailbox is broken, the password was right: the log names the one and not the other."""
    site = site_for(tmp_path / "site", (ALICE,))
    (site / "maildirs" / ALICE).write_text("not a folder")
    with serving(site) as server, Peer(server.pop3) as peer:
        peer.reply()
        peer.say(f"USER {ALICE}")
        said = peer.say(f"PASS   {ALICE}  ")
        assert said.startswith("-ERR [SYS/TEMP]"), said
        assert "Secret" not in server.log
        assert f"PASS   {ALICE}" not in server.log
        assert "Traceback" not in server.log


def test_a_password_does_not_show_itself() -> None:
    """A bug's report, a log line or a debugger prints the question, and not what it keeps."""
    question = LogIn(ALICE, Secret(b"hunter2"))
    for text in (repr(question), str(question), f"{question.password}", repr(vars_of(question))):
        assert "hunter2" not in text
        assert ALICE in text or "Secret" in text


def vars_of(question: LogIn) -> list[object]:
    return [getattr(question, name) for name in question.__slots__]


# What a client says cannot become a header, or a second line of the log.


def test_no_command_adds_a_header(server: Server) -> None:
    evil = (
        b"HELO pc\rX-Evil: 1",
        b"HELO pc\nX-Evil: 1",
        b"HELO pc\r\nX-Evil: 1",
        b"HELO pc X-Evil: 1",
        b"HELO [IPv6:::1]\tX-Evil: 1",
        "HELO pc\N{NEXT LINE}X-Evil: 1".encode(),
        b"MAIL FROM:<a@b>\rX-Evil: 1",
        b'MAIL FROM:<"a\r\nX-Evil: 1"@b>',
        b'MAIL FROM:<"a\nX-Evil: 1"@b>',
        b"MAIL FROM:<a@b>%0d%0aX-Evil: 1",
        b"MAIL FROM:<a@b> BODY=7BIT\\nX-Evil: 1",
        'MAIL FROM:<"a\N{LINE SEPARATOR}X-Evil: 1"@b> SMTPUTF8'.encode(),
        'MAIL FROM:<"a\N{NEXT LINE}X-Evil: 1"@b> SMTPUTF8'.encode(),
    )
    for line in evil:
        with smtp(server.smtp) as peer:
            peer.send(line + b"\r\n")
            peer.reply()
            peer.send(b"NOOP\r\n")
            until(lambda: "250 2.0.0 OK" in peer.reply())  # a line end makes two commands of one
            peer.say(f"MAIL FROM:{address(ALICE)}")
            peer.say(f"RCPT TO:{address(BOB)}")
            assert peer.say("DATA").startswith("354 ")
            peer.send(b"Subject: x\r\n\r\nbody\r\n.\r\n")
            assert peer.reply().startswith("250 ")
    mailbox = server.site / "maildirs" / BOB / "new"
    stamp = re.compile(
        rb"Return-Path: <[^\r\n]*>\n"
        rb"Received: from [^\r\n\s]+ \(\[127\.0\.0\.1\]\)\n"
        rb"\tby [^\r\n]+ with \w+ id \w+;\n"
        rb"\t[^\r\n]+\n"
    )
    for each in mailbox.iterdir():
        content = each.read_bytes()
        found = stamp.match(content)
        assert found, content
        assert content[found.end() :].startswith(b"Subject: "), content
        assert not re.search(rb"^X-Evil", content, re.MULTILINE), content


def test_one_line_of_the_log_an_event_and_nothing_hidden_in_it(server: Server) -> None:
    before = server.log.count("\n")
    senders = (
        "a",
        '"\N{CONTROL SEQUENCE INTRODUCER}31mred"',
        '"\N{NEXT LINE}forged line"',
        '"\N{LINE SEPARATOR}forged line"',
        '"\N{RIGHT-TO-LEFT OVERRIDE}nekatsim"',
        '"{log_namespace} {0} %s"',
        "étudiant",
    )
    with smtp(server.smtp) as peer:
        for sender in senders:
            assert peer.say(f"MAIL FROM:<{sender}@example.org> SMTPUTF8").startswith("250 ")
            peer.say(f"RCPT TO:{address(ALICE)}")
            peer.say("DATA")
            peer.send(b"Subject: x\r\n.\r\n")
            said = peer.reply()
            assert said.startswith("250 "), said
    lines = server.log.removesuffix("\n").split("\n")[before:]
    assert len([line for line in lines if "delivered id=" in line]) == len(senders)
    assert len(lines) == len(senders), lines
    for line in lines:
        assert line.isprintable(), repr(line)
    assert re.match(r"\d{4}-\d\d-\d\dT", lines[0])
    with pop3(server.pop3, ALICE) as reader:
        reader.say("DELE 1")
        reader.say("QUIT")
    removals = [line for line in server.log.splitlines() if "removed 1 of" in line]
    assert len(removals) == 1


def test_what_comes_before_a_login_leaves_one_line(server: Server) -> None:
    """Slips leave none, and a wrong password one that says neither number nor password."""
    before = server.log
    with smtp(server.smtp) as peer:
        for line in ("HELLO", "MAIL", "RCPT TO:<x@y>", "VRFY {0}", "AUTH CRAM-MD5", "\t", ""):
            peer.say(line)
    with Peer(server.pop3) as peer:
        peer.reply()
        for line in ("USER x", "PASS y", "RETR 1", "{0}", "APOP x y"):
            peer.say(line)
    with smtp(server.smtp) as peer:
        peer.say("QUIT")
    told = server.log.removeprefix(before).splitlines()
    assert len(told) == 1, told
    assert told[0].endswith(" POP3 refused LogIn: BAD_LOGIN")


def test_a_flood_of_refusals_is_told_in_a_few_lines(server: Server) -> None:
    time.sleep(1.1)  # a second of its own, in which nothing was refused yet
    before = server.log
    for _ in range(5):
        with smtp(server.smtp) as peer:
            assert peer.say("MAIL FROM:<22000001>").startswith("250 ")
            for number in range(40):
                assert peer.say(f"RCPT TO:<nobody{number}>").startswith("550 ")
    told = server.log.removeprefix(before).splitlines()
    assert 1 <= len(told) <= 50, told
    assert all("refused MayReceive: UNKNOWN_RECIPIENT" in line for line in told)
