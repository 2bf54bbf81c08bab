"""Whatever octets come: no exception, no silence, exactly one reply a command, still in step.

Garbage here is what beginners, telnet and scripts really mix: commands that are nearly right, every
line end, telnet sequences, control characters, half messages, all of it cut anywhere.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tpmailserver.settings import Limits, Settings
from tpmailserver.wire.content import IncomingContent
from tpmailserver.wire.lines import LineEnd
from tpmailserver.wire.outgoing import OutgoingContent

from .bare import BareSession
from .faults import DOMAIN, Peer, serving, site_for

ACCOUNTS = ("22000001", "22000002")
EASY_LIMITS = {"failed_login_delay": 0, "budget": 0}
EASY = Settings(maildrop="shared", limits=Limits(**EASY_LIMITS))
STRICT = Settings(maildrop="shared", line_ends="strict", limits=Limits(failed_login_delay=0))
SMALL = Settings(maildrop="shared", limits=Limits(failed_login_delay=0, message_size=300))

CRLF, LF, TELNET, SCRIPT = b"\r\n", b"\n", b"\r\0\r\n", b"\r\r\n"
TIMING_MARK = b"\xff\xfd\x06"
TIMING_ANSWER = b"\xff\xfc\x06"
GOOD_SMTP = (
    b"HELO pc",
    b"EHLO pc",
    f"MAIL FROM:<22000001@{DOMAIN}>".encode(),
    f"RCPT TO:<22000002@{DOMAIN}>".encode(),
    b"RCPT TO:22000002",
    b"DATA",
    b"RSET",
    b"AUTH LOGIN",
    b"AUTH PLAIN",
    b"AUTH PLAIN ADIyMDAwMDAxADIyMDAwMDAx",
    b"AUTH PLAIN AP8Acw==",  # a login that is no UTF-8
    b"6Q==",
    b"*",
    b"HELP",
    b"VRFY 22000001",
    b"QUIT",
)
GOOD_POP3 = (
    b"USER 22000001",
    b"PASS 22000001",
    b"PASS wrong",
    b"CAPA",
    b"AUTH",
    b"AUTH LOGIN",
    b"MjIwMDAwMDE=",
    b"6Q==",
    b"AUTH PLAIN AP8Acw==",
    b"*",
    b"STAT",
    b"LIST",
    b"LIST 1",
    b"UIDL",
    b"UIDL 2",
    b"RETR 1",
    b"TOP 2 1",
    b"DELE 1",
    b"RSET",
    b"LAST",
    b"HELP",
    b"QUIT",
)
CRUMBS = (
    *(b"HELO", b"MAIL", b"RCPT", b"MAIL FROM:", b"RCPT TO:", b"DATA x", b"VRFY", b"EXPN x"),
    *(b"STARTTLS", b"GET / HTTP/1.1", b"USER", b"PASS", b"RETR", b"TOP", b"DELE 0", b"LIST x"),
    *(b"<", b">", b"<>", b":", b"@", b'"', b"\\", b" ", b"  ", b"\t", b".", b"..", b"=", b"*"),
    *(b"a@b", b"[127.0.0.1]", b"[IPv6:::1]", b"SIZE=", b"SIZE=9" + b"9" * 19, b"BODY=8BITMIME"),
    *(b"SMTPUTF8", b"AUTH=<>", b"0", b"1", b"99999999999999999999", b"{0}", b"{host}", b"%s"),
    *(b"\0", b"\r", b"\x08", b"\x7f", b"\x1b[A", b"\x03", b"\x1a", b"\x80", b"\xe9", b"\xc3\xa9"),
    *(b"\xff", b"\xff\xf4" + TIMING_MARK, TIMING_MARK, b"\xff\xfb\x18", b"\xff\xfa\x18\0\xff\xf0"),
    *(b"\xff\xff", b"\xc2\x85", b"\xe2\x80\xa8", b"x" * 500, b"y" * 2100, b"z" * 13000),
)
ENDS = (CRLF, CRLF, LF, TELNET, SCRIPT)


def commands(good: tuple[bytes, ...]) -> st.SearchStrategy[list[tuple[bytes, bytes]]]:
    """Command lines and their ends, some right; too few to end a session by being wrong."""
    octets = st.binary(max_size=40).map(lambda each: each.replace(LF, b""))
    mixed = st.lists(st.sampled_from(CRUMBS) | octets, max_size=5).map(b"".join)
    spoilt = st.tuples(st.sampled_from(good), mixed).map(b"".join)
    line = st.sampled_from(good) | mixed | spoilt
    return st.lists(st.tuples(line, st.sampled_from(ENDS)), max_size=25)


def pieces(octets: bytes, cuts: Random) -> Iterator[bytes]:
    """The same octets as a network may cut them."""
    while octets:
        length = cuts.choice((1, 1, 2, 7, 100, len(octets)))
        yield octets[:length]
        octets = octets[length:]


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


def furnish(folder: Path) -> None:
    site = BareSession("pop3", folder, EASY).site
    for content in (b"Subject: one\n\n.\n..dots\nend", b"Subject: two\n\n" + b"long" * 400 + b"\n"):
        draft = site.stores.spool.draft(b"")
        draft.write(content)
        site.stores.mailboxes.deliver(draft, [ACCOUNTS[0]])


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


# A whole conversation, cut anywhere.

IN_DATA = (
    *(b"Subject: x", b"", b".", b"..", b".x", b"x.", b"\r.", b"\r\0", b"\0", b"\r", b"text\r"),
    *(TIMING_MARK, b"\xe9", b"x" * 150, b"y" * 5000, b"QUIT", b"NOOP"),
)


def conversations() -> st.SearchStrategy[bytes]:
    """Sessions with messages in them whose lines end in every manner, and the wrong dots."""
    opening = st.sampled_from(ENDS).map(
        lambda end: b"".join(line + end for line in (*GOOD_SMTP[:1], *GOOD_SMTP[2:4], b"DATA"))
    )
    line = st.tuples(st.sampled_from(IN_DATA), st.sampled_from(ENDS)).map(b"".join)
    message = st.lists(line, max_size=8).map(b"".join)
    tail = commands(GOOD_SMTP).map(lambda lines: b"".join(line + end for line, end in lines[:6]))
    return st.tuples(opening, message, st.sampled_from((b".\r\n", b".\n", b"")), tail).map(b"".join)


@settings(max_examples=100, deadline=None)
@given(
    octets=conversations(),
    terms=st.sampled_from((EASY, STRICT, SMALL)),
    cuts=st.randoms(use_true_random=False),
)
def test_a_conversation_cut_anywhere_is_the_same(site, octets, terms, cuts) -> None:
    whole = outcome_of(site, [octets], terms)
    assert outcome_of(site, pieces(octets, cuts), terms) == whole
    single = (octets[at : at + 1] for at in range(len(octets)))
    assert outcome_of(site, single, terms) == whole


def outcome_of(
    site: Path, octets: Iterable[bytes], terms: Settings
) -> tuple[bytes, list[bytes], bool]:
    """What was said, what came into the mailbox, and whether the session has ended."""
    before = set(site.rglob("new/*"))
    bare = BareSession("smtp", site, terms)
    bare.run(bare.machine.begin())
    for piece in octets:
        bare.run(bare.machine.receive(piece))
    bare.run(bare.machine.end_of_input())
    came = sorted(set(site.rglob("new/*")) - before)
    contents = [each.read_bytes() for each in came]
    for each in came:
        each.unlink()
    return masked(bare.said), contents, bare.closed


@settings(max_examples=300, deadline=None)
@given(
    octets=st.lists(st.sampled_from((*IN_DATA, *ENDS)), max_size=12).map(b"".join),
    end=st.sampled_from(LineEnd),
    strict=st.booleans(),
    cuts=st.randoms(use_true_random=False),
)
def test_content_cut_anywhere_is_the_same(octets, end, strict, cuts) -> None:
    assert taken_in(pieces(octets, cuts), end, strict) == taken_in([octets], end, strict)


def taken_in(
    octets: Iterable[bytes], end: LineEnd, strict: bool
) -> tuple[bytes, bytes, bool, bool]:
    content = IncomingContent(end, strict=strict)
    found, rest = b"", b""
    for piece in octets:
        if content.ended:
            rest += piece
        else:
            found += content.receive(piece)
    # What may be the beginning of the end stays behind while there is no end.
    return (found, content.rest + rest, content.ended, content.bare_lf)


@settings(max_examples=300, deadline=None)
@given(
    lines=st.lists(st.sampled_from((b"", b".", b"..", b".x", b"x.", b"\r", b"a\rb")) | st.binary()),
    end=st.sampled_from((CRLF, LF)),
    cuts=st.randoms(use_true_random=False),
)
def test_a_message_comes_back_as_it_was_sent(lines, end, cuts) -> None:
    """In by SMTP and out by POP3, an independent few lines doing and undoing the dots."""
    lines = [re.sub(rb"[\n\0]", b"", each).rstrip(b"\r") for each in lines]
    message = b"".join(line + end for line in lines)
    sent = re.sub(rb"(?m)^\.", b"..", message) + b"." + end
    incoming = IncomingContent(LineEnd(end), strict=False)
    stored = b"".join(incoming.receive(piece) for piece in pieces(sent, cuts))
    assert incoming.ended
    assert stored == message.replace(CRLF, LF)
    outgoing = OutgoingContent()
    said = b"".join(outgoing.send(piece) for piece in pieces(stored, cuts)) + outgoing.end()
    assert said.endswith(b".\r\n")
    received = re.sub(rb"(?m)^\.", b"", said.removesuffix(b".\r\n"))
    assert received == b"".join(line + CRLF for line in lines)


# The same over TCP.


def test_over_tcp_it_is_the_same_and_the_log_stays_clean(tmp_path: Path) -> None:
    site = site_for(tmp_path / "site", ACCOUNTS, 'maildrop = "shared"', **EASY_LIMITS)
    furnish(site)
    with serving(site) as server:

        @settings(max_examples=200, deadline=None)
        @given(
            case=st.tuples(st.just("smtp"), conversations() | garbage(GOOD_SMTP))
            | st.tuples(st.just("pop3"), garbage(GOOD_POP3)),
            cuts=st.randoms(use_true_random=False),
        )
        def play(case: tuple[str, bytes], cuts: Random) -> None:
            protocol, octets = case
            said = said_over_tcp(getattr(server, protocol), pieces(octets, cuts))
            assert masked(said) == masked(said_bare(protocol, site, octets))

        play()
        server.stop()
        assert "Traceback" not in server.log
        assert "bug" not in server.log


def garbage(good: tuple[bytes, ...]) -> st.SearchStrategy[bytes]:
    """Commands of any kind; none that removes what the next example wants to read."""
    return commands(good).map(
        lambda lines: b"".join(line + end for line, end in lines if b"QUIT" not in line.upper())
    )


def said_over_tcp(port: int, octets: Iterable[bytes]) -> bytes:
    with Peer(port) as peer:
        for piece in octets:
            try:
                peer.send(piece)
            except ConnectionError:
                break  # the server has said goodbye; what it said is there to read
        with suppress(OSError):
            peer.half_close()
        return peer.rest()


def said_bare(protocol: str, site: Path, octets: bytes) -> bytes:
    bare = BareSession(protocol, site, EASY)
    bare.run(bare.machine.begin())
    bare.run(bare.machine.receive(octets))
    bare.run(bare.machine.end_of_input())
    return bare.said


def masked(said: bytes) -> bytes:
    """Without what differs from one session to the next."""
    said = re.sub(rb"id=\S+", b"id=*", said.replace(TIMING_ANSWER, b""))
    return re.sub(rb"; \d+ deletions? of your last session[^\r]*", b"", said)
