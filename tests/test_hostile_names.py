"""A name that is no name, wherever one can be said: nothing is made of it, on disk or in a reply.

`test_isolation` has those that are typed to log in and to send mail to; here are the verbs beside
them, and the arguments of `tpmail`.
"""

from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from .faults import DOMAIN, Peer, pop3, smtp
from .process import Account, ServerProcess
from .test_isolation import NAMES, tree

Tpmail = Callable[..., tuple[int, str, str]]

TYPED = (*NAMES, "x" * 10_000, "2" * 10_000, "..%c0%af..%c0%afetc", "nul\\x00", "con:", "a\\..\\b")


def replies(peer: Peer, *lines: bytes) -> list[str]:
    """What is said to each of these; the session is in step after it."""
    said = [peer.say(line) for line in lines]
    assert all(said), said
    return said


@pytest.mark.parametrize("name", TYPED, ids=lambda name: name[:20])
def test_no_verb_of_smtp_makes_a_path_of_a_name(
    server: ServerProcess, student: Account, name: str
) -> None:
    server.deliver(student, b"Subject: here before\n")
    before = tree(server.site.parent)
    typed = name.encode()
    with smtp(server.smtp) as peer:
        said = replies(
            peer,
            b"HELO " + typed,
            b"VRFY " + typed,
            b"VRFY <" + typed + b"@" + DOMAIN.encode() + b">",
            b"EXPN " + typed,
            b"HELP " + typed,
            b"MAIL FROM:<a@b> AUTH=" + typed,
        )
        assert not any(each.startswith("250 2.1.5") for each in said), said
        peer.say("RSET")
        said = replies(
            peer,
            b"MAIL FROM:<" + typed + b"@" + DOMAIN.encode() + b"> SMTPUTF8",
            b'MAIL FROM:<"' + typed + b'"@' + DOMAIN.encode() + b"> SMTPUTF8",
        )
        peer.say("RSET")
        assert peer.say("EHLO mypc").startswith("250 ")
        assert peer.say("AUTH LOGIN").startswith("334 ")
        assert peer.say(b64encode(typed)).startswith(("334 ", "501 ", "500 "))
        peer.say(b64encode(typed))
        peer.say("RSET")
        assert peer.say("NOOP") == "250 2.0.0 OK"
    assert tree(server.site.parent) == before


@pytest.mark.parametrize("name", TYPED, ids=lambda name: name[:20])
def test_no_verb_of_pop3_makes_a_path_of_a_name(
    server: ServerProcess, student: Account, name: str
) -> None:
    with pop3(server.pop3, student.number) as peer:  # so that its lock is there already
        peer.say("QUIT")
    before = tree(server.site.parent)
    typed = name.encode()
    with Peer(server.pop3) as peer:
        peer.reply()
        said = replies(peer, b"APOP " + typed + b" c4c9334bac560ecc979e58001b3e22fb", b"USER")
        peer.say("AUTH LOGIN")
        said += replies(peer, b64encode(typed))
        if said[-1].startswith("+ "):
            said += replies(peer, b64encode(typed))
        assert not any(each.startswith("+OK") for each in said), said
        assert peer.say(f"USER {student.number}").startswith("+OK")
        said = replies(peer, b"PASS " + typed)
        assert said[0].startswith("-ERR "), said
        assert peer.say(f"USER {student.number}").startswith("+OK")
        assert peer.say(f"PASS {student.number}").startswith("+OK")
        for verb in (b"RETR ", b"TOP ", b"DELE ", b"UIDL ", b"LIST "):
            assert peer.say(verb + typed).startswith("-ERR "), verb
        assert peer.say("STAT") == "+OK 0 0"
    assert tree(server.site.parent) == before


# The arguments of tpmail. A shell gives any octets but NUL; what is no UTF-8 comes as surrogates.

WORDS = (*NAMES, "", " ", "a\nb", "a\r\nX: y", "\x1b[2J", "\udcff\udcfe", "x" * 10_000)
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("add", "--"),
    ("add", "22000005", "--group"),
    ("remove", "--yes", "--"),
    ("forget", "--yes", "--"),
    ("password", "--"),
    ("reset", "--yes", "--"),
    ("undo", "--yes", "--"),
    ("snapshot", "--"),
    ("restore", "--yes", "--"),
    ("list", "add", "--"),
    ("list", "add", "friends", "--"),
    ("list", "add", "friends", "--owner"),
    ("list", "show", "--"),
    ("list", "remove", "--yes", "--"),
    ("kick", "--"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_argument_of_tpmail_makes_a_path(
    tpmail: Tpmail, tmp_path: Path, command: tuple[str, ...]
) -> None:
    assert tpmail("add", "22000001")[0] == 0
    tpmail("snapshot", "start")
    before = tree(tmp_path)
    for word in WORDS:
        status, output, errors = tpmail(*command, word)
        assert status in (0, 1, 2), (word, status)
        assert "Traceback" not in errors, errors
        for line in (output + errors).split("\n"):
            assert line.isprintable(), (word, line)
    made = {each for each in tree(tmp_path) - before if not each.startswith("site/tpmail.sqlite3")}
    assert all(is_plain(each) for each in made), made
    assert before - tree(tmp_path) == set()


def is_plain(path: str) -> bool:
    """Whether every part of a path is of the letters that names are made of."""
    return all(
        part.strip(".") and part.isascii() and part.isprintable() for part in path.split("/")
    )
