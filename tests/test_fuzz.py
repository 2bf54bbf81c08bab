"""Whatever octets come: no exception, no silence, exactly one reply a command, still in step."""

import re
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tpmailserver.settings import Settings

from .bare import BareSession
from .faults import site_for
from .garbage import (
    ACCOUNTS,
    CRLF,
    EASY,
    GOOD_POP3,
    GOOD_SMTP,
    LF,
    STRICT,
    TELNET,
    TIMING_ANSWER,
    commands,
    furnish,
    pieces,
)


class Session:
    """A bare machine that is heard reply by reply."""

    def __init__(self, protocol: str, site: Path, terms: Settings, cuts: Random) -> None:
        self.bare = BareSession(protocol, site, terms)
        self._cuts = cuts
        self._check = {"smtp": check_smtp, "pop3": check_pop3}[protocol]
        self.bare.run(self.bare.machine.begin())
        self.heard()

    def feed(self, octets: bytes) -> None:
        for piece in pieces(octets, self._cuts):
            self.bare.run(self.bare.machine.receive(piece))

    def heard(self) -> bytes:
        """The one reply that has come, checked; the answers to timing marks do not count."""
        said, self.bare.said = self.bare.said, b""
        reply = said.replace(TIMING_ANSWER, b"")
        self._check(reply)
        return reply

    def silent(self) -> bool:
        said, self.bare.said = self.bare.said, b""
        return not said.replace(TIMING_ANSWER, b"")


def check_line(line: bytes) -> None:
    assert line.isascii(), line
    assert line.endswith(CRLF), line
    assert len(line) <= 512, line
    assert b"\r" not in line[:-2], line
    assert all(0x20 <= octet < 0x7F for octet in line[:-2]), line


def check_smtp(reply: bytes) -> None:
    """Exactly one reply (RFC 5321 §4.2)."""
    lines = reply.splitlines(keepends=True)
    assert lines, "silence"
    for line in lines:
        check_line(line)
        assert re.match(rb"[2-5]\d\d[ -]", line), line
    *before, last = lines
    assert all(line[:4] == last[:3] + b"-" for line in before), reply
    assert last[3:4] == b" ", reply


def check_pop3(reply: bytes) -> None:
    """Exactly one response (RFC 1939 §3): one line, or lines up to a lone dot."""
    first, end, more = reply.partition(CRLF)
    assert reply, "silence"
    check_line(first + end)
    assert first.startswith((b"+OK", b"-ERR", b"+ ")), first
    if more:
        assert first.startswith(b"+OK"), reply
        assert more == b".\r\n" or more.endswith(b"\r\n.\r\n"), reply
        assert more.count(b"\n.\r\n") + more.startswith(b".\r\n") == 1, reply


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with two accounts and two messages in the first one's mailbox."""
    folder = site_for(tmp_path_factory.mktemp("fuzz") / "site", ACCOUNTS)
    furnish(folder)
    return folder


MESSAGES = st.lists(
    st.binary(max_size=30).map(lambda each: re.sub(rb"[\r\n\0]", b"", each))
    | st.sampled_from((b"", b".", b"..", b"Subject: x", b"QUIT", b"z" * 5000)),
    max_size=8,
)


@settings(max_examples=150, deadline=None)
@given(
    lines=commands(GOOD_SMTP),
    message=st.tuples(MESSAGES, st.sampled_from((CRLF, LF, TELNET))),
    terms=st.sampled_from((EASY, EASY, STRICT)),
    cuts=st.randoms(use_true_random=False),
)
def test_smtp_gives_one_reply_a_line(site, lines, message, terms, cuts) -> None:
    session = Session("smtp", site, terms, cuts)
    content, message_end = message
    for line, end in lines:
        session.feed(line + end)
        if session.heard().startswith(b"354"):
            its_end = LF if end == LF else CRLF if terms is STRICT else message_end
            stuffed = (b"." + each if each.startswith(b".") else each for each in content)
            session.feed(b"".join(each + its_end for each in stuffed))
            assert session.silent()
            session.feed(b"." + its_end)
            session.heard()
        if session.bare.closed:
            session.feed(b"NOOP\r\n")
            assert session.silent()
            return
    session.feed(b"half a li")
    assert session.silent()
    session.feed(b"ne\r\n")
    session.heard()
    session.feed(b"RSET\r\n")
    assert session.heard().startswith(b"250 ")
    session.feed(b"NOOP\r\n")
    assert session.heard() == b"250 2.0.0 OK\r\n"


@settings(max_examples=150, deadline=None)
@given(lines=commands(GOOD_POP3), cuts=st.randoms(use_true_random=False))
def test_pop3_gives_one_response_a_line(site, lines, cuts) -> None:
    session = Session("pop3", site, EASY, cuts)
    for line, end in lines:
        if line.strip().upper() == b"QUIT":
            continue  # it would remove what the next example wants to read
        session.feed(line + end)
        session.heard()
        if session.bare.closed:
            return
    session.feed(b"half a li")
    assert session.silent()
    session.feed(b"ne\r\n")
    session.heard()
    session.feed(b"CAPA\r\n")
    capabilities = session.heard()
    assert capabilities.startswith(b"+OK")
    assert b"\r\nUIDL\r\n" in capabilities
    session.feed(b"NOOP\r\n")
    session.heard()


@settings(max_examples=100, deadline=None)
@given(lines=commands(GOOD_SMTP), cut_off=st.booleans())
def test_a_client_that_leaves_hears_every_reply(site, lines, cut_off) -> None:
    """A half-close after any garbage ends the session; an Enter key of CR alone is told so."""
    bare = Session("smtp", site, EASY, Random(0)).bare
    for line, end in lines:
        bare.run(bare.machine.receive(line + end))
    bare.said = b""
    if not bare.closed and not cut_off:
        bare.run(bare.machine.receive(b"HELO\r"))
        bare.clock.now = bare.machine.wake_at
        bare.run(bare.machine.wake(bare.clock.now))
        check_smtp(bare.said.replace(TIMING_ANSWER, b""))
        bare.run(bare.machine.receive(b"NOOP\r\n"))
        assert b"control character" not in bare.said, "what was answered is still there"
    bare.run(bare.machine.end_of_input())
    assert bare.closed
    assert bare.machine.wake_at is None
