"""Hooks that misbehave, behind a real server: a clear answer, nothing delivered, others served.

What one program does to the machine is tested in `test_hooks_confined`; here is what a sender, the
instructor and the rest of the class see of it.
"""

import threading
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest

from .faults import DOMAIN, serving, site_for, smtp, until
from .listing import Answer, at, lists_of, mails, post, the_mail

ONE, TWO, THREE = "22000001", "22000002", "22000003"
CONTENT = b"Subject: to the hook\r\n\r\n.dots\r\n\r\n"

_FAILED = "4.2.4 the program of poll failed; try again later, its teacher sees why: "

# What the program does, what the sender hears, and what `tpmail list show` says of it.
FAILURES = {
    "hangs": ("sleep 1000", "not done after 1 s"),
    "hangs and ignores signals": (
        "trap '' TERM HUP INT; while :; do sleep 1; done",
        "not done after 1 s",
    ),
    "crashes": ("kill -SEGV $$", "SIGSEGV"),
    "exits 1": ("echo 'no such table' >&2; exit 1", "no such table"),
    "is soft": ("exit 111", "111"),
    "prints garbage": ("head -c 1000 /dev/urandom", "printed what is no UTF-8"),
    "prints no address": ("echo hello world", "hello world"),
    "prints without end": ("yes 22000001", "octets"),
    "prints 100,000 addresses": ("seq -f '3%07.0f' 100000", "named 30000001@"),
    "prints a foreign address": ("echo bob@gmail.com", "bob@gmail.com"),
    "prints an unknown one": (f"echo {ONE}; echo 99999999", "99999999"),
    "prints a path": ("echo ../../etc/passwd", 'named "../../etc/passwd"@'),
    "prints a command": (f"echo '$(touch /tmp/tpmail-was-here)@{DOMAIN}; rm -rf /'", "no address"),
    "eats memory": ("exec /usr/bin/env python3 -c 'x = bytearray(10**9); print(len(x))'", "emory"),
    # It is stopped by one bound or another.
    "forks without end": ("bomb() { bomb | bomb & }; bomb; sleep 1000", "/poll "),
}


def program(folder: Path, script: str) -> Path:
    """A program that everybody may run, whatever the umask and whoever the server is."""
    path = folder / "poll"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def site_with(folder: Path, script: str, *more: str) -> Path:
    """A site with the list "poll" that a program expands."""
    hook = ("[hooks.poll]", f'program = ["{program(folder, script)}"]', *more)
    site = site_for(folder / "site", [ONE, TWO, THREE])
    (site / "tpmail.toml").write_text("\n".join(hook) + "\n")
    return site


@pytest.mark.parametrize("what", FAILURES)
def test_a_hook_that_fails_gives_451_and_harms_nobody(open_folder: Path, what: str) -> None:
    script, why = FAILURES[what]
    site = site_with(open_folder, script, "seconds = 1", "memory = 67108864", "processes = 8")
    answers: list[Answer] = []
    with serving(site) as server:
        sender = threading.Thread(
            target=lambda: answers.append(post(server, ONE, ["poll", TWO], CONTENT))
        )
        sender.start()
        longest = 0.0
        with smtp(server.smtp) as peer:
            while sender.is_alive():
                began = time.monotonic()
                assert peer.say("NOOP").startswith("250 ")
                longest = max(longest, time.monotonic() - began)
        (answer,) = answers
        assert answer == Answer(451, _FAILED + "tpmail list show poll")
        assert longest < 5.0
        # All or nobody: who was named besides has not got it either, and the sender keeps it.
        assert mails(server, TWO) == mails(server, ONE) == []
        assert post(server, ONE, [TWO], CONTENT).code == 250
        assert "Traceback" not in server.log
    trouble = lists_of(site).troubles()["poll"].what
    assert why in trouble
    assert "\n" not in trouble
    assert not Path("/tmp/tpmail-was-here").exists()
    assert list((site / "spool").iterdir()) == []


def test_a_hook_says_who_receives(open_folder: Path) -> None:
    """What it is given: the message, and the envelope in its environment."""
    script = f"""
cat > {open_folder}/stdin
env | sort > {open_folder}/environment
echo {TWO}; echo '  <{THREE}@{DOMAIN}>  '; echo; echo {TWO}
"""
    site = site_with(open_folder, script)
    open_folder.chmod(0o777)
    with serving(site) as server:
        answer = post(server, ONE, ["Poll+yes"], CONTENT)
        assert answer.text.startswith("2.0.0 delivered to 2 mailboxes, id="), answer
        for number in (TWO, THREE):
            mail = the_mail(server, number)
            assert mail["List-Id"] == f"<poll.{DOMAIN}>"
            assert mail["Return-Path"] == f"<{at('postmaster')}>"
    given = (open_folder / "stdin").read_bytes()
    assert given.startswith(f"Return-Path: <{at(ONE)}>\nReceived: from peer ".encode())
    assert given.endswith(b"\nSubject: to the hook\n\n.dots\n\n")
    environment = dict(
        line.split("=", 1) for line in (open_folder / "environment").read_text().splitlines()
    )
    assert environment["SENDER"] == at(ONE)
    assert environment["RECIPIENT"] == at("Poll+yes")
    assert environment["LOCAL"] == "Poll+yes"
    assert environment["EXT"] == "yes"
    assert environment["DOMAIN"] == DOMAIN
    assert "PYTHONPATH" not in environment


@pytest.mark.parametrize(
    ("script", "code", "text"),
    [
        (f"echo {TWO}; exit 99", 250, "2.0.0 taken by the list's program"),
        ("cat > /dev/null", 250, "2.0.0 taken by the list's program"),
        ("echo 'only on Mondays'; exit 100", 554, "5.7.1 poll does not take this message: only on"),
        ("echo closed >&2; exit 77", 554, "5.7.1 poll does not take this message: closed"),
        ("exit 75", 451, _FAILED),
    ],
)
def test_exit_codes_are_those_of_qmail(
    open_folder: Path, script: str, code: int, text: str
) -> None:
    site = site_with(open_folder, script)
    with serving(site) as server:
        answer = post(server, ONE, ["poll"], CONTENT)
        assert answer.code == code, lists_of(site).troubles()
        assert answer.text.startswith(text)
        assert mails(server, TWO) == []


def test_a_large_message_reaches_a_hook_whole(open_folder: Path) -> None:
    body = b"Subject: large\n\n" + b"0123456789abcdef\n" * 40_000
    site = site_with(open_folder, f"tail -c {len(body)} | sha256sum | cut -c1-64 >&2; exit 1")
    with serving(site) as server:
        assert post(server, ONE, ["poll"], body.replace(b"\n", b"\r\n")).code == 451
    assert sha256(body).hexdigest() in lists_of(site).troubles()["poll"].what


def test_the_server_stops_while_a_hook_hangs(open_folder: Path) -> None:
    site = site_with(open_folder, "exec sleep 987654")
    with serving(site) as server:
        with smtp(server.smtp) as peer:
            peer.send(
                f"MAIL FROM:<{ONE}>\r\nRCPT TO:<poll>\r\nDATA\r\n".encode() + CONTENT + b".\r\n"
            )
            peer.replies(3)
            until(lambda: _runs("987654"))
            server.stop()
        until(lambda: not _runs("987654"))
        assert "Traceback" not in server.log


def _runs(word: str) -> bool:
    """Whether a program with that argument runs on this machine."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has just ended
            if word.encode() in path.read_bytes().split(b"\0"):
                return True
    return False
