r"""The content of a message that comes in, against a slow reading of RFC 5321 §4.5.2, line by line.

The machine works on whole buffers, cut where the network cuts them. Here stands what it must come
to: a loop over the lines that anybody can check with the RFC beside it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tpmailserver.wire.content import IncomingContent
from tpmailserver.wire.lines import LineEnd

CRLF, LF, TELNET, SCRIPT = b"\r\n", b"\n", b"\r\0\r\n", b"\r\r\n"
MANNERS = (CRLF, LF, TELNET, SCRIPT)
LINE_END_AT_MOST = 8

CRUMBS = (
    *(b"", b".", b"..", b"a", b".a", b"Subject: x", b" ", b"\0", b"\r", b"\n", b"\xe9", b"\xff"),
    *(CRLF, LF, TELNET, SCRIPT, b"\r\0\n", b"\n\r", b"\r\r\r\n", b"\0\r\n"),
    *(b"\r\n.\r\n", b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r\n.\r\0\r\n", b"\r\r\n.\r\r\n"),
    *(b"\r\0\r\n.\r\0\r\n", b"\r\n.\r\r\n", b"\r\n..\r\n", b"QUIT\r\n"),
)
octets = st.lists(st.sampled_from(CRUMBS), max_size=30).map(b"".join) | st.binary(max_size=60)
command_ends = st.sampled_from(LineEnd)
cuts = st.lists(st.integers(0, 300), max_size=12)


@dataclass(frozen=True)
class Read:
    """What was made of some octets: stored content, whether the dot came, what follows it."""

    content: bytes
    ended: bool
    rest: bytes = b""


def read_by_line(octets: bytes, command_end: LineEnd, *, strict: bool = False) -> Read:
    """The reference: §4.5.2 over the lines, where a line ends as the message's lines do."""
    end = end_of_lines(octets, command_end, strict=strict)
    if not end:
        return Read(octets.removeprefix(b"."), ended=False)
    content = b""
    lines = octets.split(end)
    for number, line in enumerate(lines):
        if number == len(lines) - 1:
            return Read(content + stored(line.removeprefix(b"."), end), ended=False)
        if line == b"." or (end == LF and line == b".\r"):
            return Read(content, ended=True, rest=end.join(lines[number + 1 :]))
        content += stored(line.removeprefix(b".") + end, end)
    raise AssertionError("a split has a last part")


def end_of_lines(octets: bytes, command_end: LineEnd, *, strict: bool) -> bytes:
    """How the lines end: the DATA command and the first line decide (b"" before that)."""
    first, newline, _ = octets.partition(LF)
    if not newline:
        return b""
    tail = re.search(rb"(?:\r[\r\0]*)?\Z", first[-LINE_END_AT_MOST + 1 :])
    assert tail is not None
    if strict:
        return CRLF
    return LF if command_end is LineEnd.LF or not tail[0] else tail[0] + LF


def stored(line: bytes, end: bytes) -> bytes:
    """A line as it is kept: with LF, whether it ended as the others do or in a plain CRLF."""
    ended = line.endswith(end)
    inside = line.removesuffix(end) if ended else line
    if end == LF:
        return inside.removesuffix(b"\r") + LF if ended else inside
    return inside.replace(CRLF, LF) + (LF if ended else b"")


def taken_in(pieces: Iterator[bytes], command_end: LineEnd, *, strict: bool = False) -> Read:
    """What IncomingContent makes of these pieces; it is not fed beyond its final dot."""
    incoming = IncomingContent(command_end, strict=strict)
    content, rest = b"", b""
    for piece in pieces:
        if incoming.ended:
            rest += piece
        else:
            content += incoming.receive(piece)
    return Read(content, incoming.ended, incoming.rest + rest)


def cut(octets: bytes, sizes: list[int]) -> Iterator[bytes]:
    for size in sizes:
        yield octets[:size]
        octets = octets[size:]
    yield octets


def one_by_one(octets: bytes) -> Iterator[bytes]:
    return (octets[at : at + 1] for at in range(len(octets)))


def check(octets: bytes, command_end: LineEnd, pieces: Iterator[bytes], *, strict: bool) -> None:
    expected = read_by_line(octets, command_end, strict=strict)
    found = taken_in(pieces, command_end, strict=strict)
    assert found.ended == expected.ended
    assert found.rest == expected.rest
    if expected.ended:
        assert found.content == expected.content
    else:
        # What may yet become a line end or the final dot is held back, and no more than that.
        assert expected.content.startswith(found.content)


@given(octets, command_ends, cuts, st.booleans())
@example(b"x" * 5000 + b"\r" * 20 + LF + b".\r\r\r\r\r\r\r\n", LineEnd.CRLF, [5015, 1], False)
@example(b"a\r\r\nb\r\r\r\n.\r\r\n", LineEnd.CRLF, [9, 1], False)
def test_any_octets_cut_anywhere(
    octets: bytes, command_end: LineEnd, sizes: list[int], strict: bool
) -> None:
    check(octets, command_end, cut(octets, sizes), strict=strict)
    check(octets, command_end, one_by_one(octets), strict=strict)
    check(octets, command_end, iter([octets]), strict=strict)


@given(octets, st.sampled_from(MANNERS), cuts, octets)
def test_a_message_in_each_manner_of_line_ends(
    body: bytes, end: bytes, sizes: list[int], behind: bytes
) -> None:
    """First line, any octets, the dot that belongs to it, and something behind it."""
    command_end = LineEnd.LF if end == LF else LineEnd.CRLF
    message = b"Subject: x" + end + body + end + b"." + end + behind
    assert taken_in(iter([message]), command_end).ended
    check(message, command_end, cut(message, sizes), strict=False)
    check(message, command_end, one_by_one(message), strict=False)


@given(st.lists(st.binary(max_size=20).map(lambda each: re.sub(rb"[\r\n\0]", b"", each))))
def test_lines_that_are_stuffed_come_out_as_they_were(lines: list[bytes]) -> None:
    """§4.5.2: what the client adds, the server takes away, and nothing else."""
    wanted = b"".join(line + LF for line in lines)
    for end in MANNERS:
        sent = b"".join((b"." if line.startswith(b".") else b"") + line + end for line in lines)
        command_end = LineEnd.LF if end == LF else LineEnd.CRLF
        found = taken_in(iter([b"x" + end + sent + b"." + end + b"QUIT\r\n"]), command_end)
        assert found == Read(b"x\n" + wanted, ended=True, rest=b"QUIT\r\n")


@pytest.mark.parametrize(
    ("command_end", "octets", "rest"),
    [
        # Nothing but the right dot ends a relay's message (§4.1.1.4).
        (LineEnd.CRLF, b"a\r\n.\nMAIL FROM:<x>\r\n.\r\n", b""),
        (LineEnd.CRLF, b"a\r\n\n.\r\nMAIL FROM:<x>\r\n.\r\n", b""),
        (LineEnd.CRLF, b"a\r\n\r.\r\n.\r\r\n.\r\0\r\n.\r\n", b""),
        # `cat message` in a script: either dot ends it, the first that comes.
        (LineEnd.CRLF, b"a\n.\r\nQUIT\r\n", b"QUIT\r\n"),
        (LineEnd.CRLF, b"a\nb\n.\nQUIT\r\n", b"QUIT\r\n"),
        (LineEnd.LF, b"a\r\n.\nQUIT\r\n", b"QUIT\r\n"),
        (LineEnd.LF, b"a\r\n.\r\nQUIT\r\n", b"QUIT\r\n"),
        # telnet's and a script's manner
        (LineEnd.OTHER, b"a\r\0\r\n.\r\n.\nb\r\0\r\n.\r\0\r\nQUIT\r\0\r\n", b"QUIT\r\0\r\n"),
        (LineEnd.OTHER, b"a\r\r\n.\r\n.\nb\r\r\n.\r\r\nQUIT\r\r\n", b"QUIT\r\r\n"),
        # a NUL in front of a line end belongs to the line
        (LineEnd.CRLF, b"a\0\r\n.\0\r\n.\r\nQUIT\r\n", b"QUIT\r\n"),
        # an empty message
        (LineEnd.CRLF, b".\r\nQUIT\r\n", b"QUIT\r\n"),
        (LineEnd.LF, b".\nQUIT\n", b"QUIT\n"),
        (LineEnd.OTHER, b".\r\0\r\n", b""),
    ],
)
def test_what_ends_a_message(command_end: LineEnd, octets: bytes, rest: bytes) -> None:
    assert taken_in(iter([octets]), command_end).rest == rest
    for at in range(len(octets) - len(rest)):
        unfinished = taken_in(iter([octets[:at]]), command_end)
        assert not unfinished.ended, octets[:at]
    assert taken_in(one_by_one(octets), command_end).ended


@given(octets, cuts)
def test_strict_tells_of_every_bare_lf(body: bytes, sizes: list[int]) -> None:
    message = b"Subject: x\r\n" + body + b"\r\n.\r\n"
    incoming = IncomingContent(LineEnd.CRLF, strict=True)
    taken = b""
    for piece in cut(message, sizes):
        if not incoming.ended:
            incoming.receive(piece)
            taken += piece
    content = taken.removesuffix(incoming.rest)
    assert incoming.bare_lf == (re.search(rb"(?<!\r)\n", content) is not None)


@given(octets, st.sampled_from(LineEnd), cuts)
def test_a_wrong_dot_is_seen_wherever_the_network_cuts(
    octets: bytes, command_end: LineEnd, sizes: list[int]
) -> None:
    """A line that is a single dot to the eye, and not the end of this message."""
    whole = IncomingContent(command_end, strict=False)
    whole.receive(octets)
    cut_up = IncomingContent(command_end, strict=False)
    for piece in cut(octets, sizes):
        if not cut_up.ended:
            cut_up.receive(piece)
    seen = any(re.fullmatch(rb"\.(?:\r\0?)*", line) for line in octets.split(LF)[:-1])
    if not whole.ended:
        assert whole.has_wrong_dot() == cut_up.has_wrong_dot() == seen


def test_a_first_line_without_end_is_let_through() -> None:
    """Nothing is held for long: 100,000 dots without a line end leave a few behind."""
    incoming = IncomingContent(LineEnd.CRLF, strict=False)
    passed = sum(len(incoming.receive(b"." * 1000)) for _ in range(100))
    assert passed > 99_000
    assert len(incoming.receive(CRLF + b".\r\n")) == 99_999 - passed + 1
    assert incoming.ended
