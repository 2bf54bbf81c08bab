"""However the octets are cut, by the network or a student's finger, the outcome is the same."""

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tpmailserver.settings import Settings
from tpmailserver.wire.content import IncomingContent
from tpmailserver.wire.lines import LineEnd
from tpmailserver.wire.outgoing import OutgoingContent

from .bare import BareSession
from .faults import Peer, serving, site_for
from .garbage import (
    ACCOUNTS,
    CRLF,
    EASY,
    EASY_LIMITS,
    ENDS,
    GOOD_POP3,
    GOOD_SMTP,
    IN_DATA,
    LF,
    SMALL,
    STRICT,
    conversations,
    furnish,
    garbage,
    masked,
    pieces,
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with two accounts and two messages in the first one's mailbox."""
    folder = site_for(tmp_path_factory.mktemp("cuts") / "site", ACCOUNTS)
    furnish(folder)
    return folder


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
