r"""A message that goes out, against a slow reading of RFC 1939 §3 and §7, line by line."""

from collections.abc import Iterator

from hypothesis import example, given
from hypothesis import strategies as st

from tpmailserver.wire.outgoing import OutgoingContent

CRUMBS = (
    *(b"\n", b"\n\n", b".", b"..", b"\n.\n", b"\n..\n", b"a", b"Subject: x\n", b" ", b"\r"),
    *(b"\r\n", b"\r\n.\r\n", b"\0", b"\xe9", b"\xc3\xa9", b"\xff"),
)
messages = st.lists(st.sampled_from(CRUMBS), max_size=30).map(b"".join) | st.binary(max_size=60)
cuts = st.lists(st.integers(0, 40), max_size=12)


def lines_of(stored: bytes) -> list[bytes]:
    """The lines of a stored message, without their ends; an unended last line is one too."""
    return stored.removesuffix(b"\n").split(b"\n") if stored else []


def sent_by_line(lines: list[bytes]) -> bytes:
    """The reference for §3: each line by CRLF, one dot more before a dot, then the lone dot."""
    stuffed = [b"." + line if line.startswith(b".") else line for line in lines]
    return b"".join(line + b"\r\n" for line in [*stuffed, b"."])


def top_by_line(stored: bytes, wanted: int) -> list[bytes]:
    """The reference for §7: the header, the empty line behind it, so many lines of the body."""
    lines = lines_of(stored)
    if b"" not in lines:
        return lines
    return lines[: lines.index(b"") + 1 + wanted]


def sent(pieces: Iterator[bytes], body_lines: int | None = None) -> bytes:
    content = OutgoingContent(body_lines)
    return b"".join(content.send(piece) for piece in pieces) + content.end()


def cut(octets: bytes, sizes: list[int]) -> Iterator[bytes]:
    for size in sizes:
        yield octets[:size]
        octets = octets[size:]
    yield octets


def one_by_one(octets: bytes) -> Iterator[bytes]:
    return (octets[at : at + 1] for at in range(len(octets)))


@given(messages, cuts)
@example(b"", [])
@example(b".", [0, 1])
@example(b"\n.", [1, 0, 1])
def test_a_whole_message_cut_anywhere(stored: bytes, sizes: list[int]) -> None:
    wanted = sent_by_line(lines_of(stored))
    assert sent(iter([stored])) == wanted
    assert sent(cut(stored, sizes)) == wanted
    assert sent(one_by_one(stored)) == wanted


@given(messages, st.integers(0, 8), cuts)
@example(b"\nbody\n", 0, [])
@example(b"no body", 3, [])
@example(b"a: b\n\n", 1, [5])
def test_top_cut_anywhere(stored: bytes, body_lines: int, sizes: list[int]) -> None:
    wanted = sent_by_line(top_by_line(stored, body_lines))
    assert sent(iter([stored]), body_lines) == wanted
    assert sent(cut(stored, sizes), body_lines) == wanted
    assert sent(one_by_one(stored), body_lines) == wanted


@given(messages, st.integers(0, 8), cuts)
def test_top_says_when_it_has_enough(stored: bytes, body_lines: int, sizes: list[int]) -> None:
    """A carrier that stops reading then sends the same octets."""
    content = OutgoingContent(body_lines)
    heard = b""
    for piece in cut(stored, sizes):
        heard += content.send(piece)
        if content.is_complete:
            break
    assert heard + content.end() == sent(iter([stored]), body_lines)


def test_top_of_a_large_message_stops_early() -> None:
    content = OutgoingContent(1)
    content.send(b"Subject: x\n\nfirst\n")
    assert content.is_complete


@given(messages)
def test_a_client_gets_back_what_was_stored(stored: bytes) -> None:
    """Unstuffed as a client does it (§3), and with the octets that LIST has announced (§11)."""
    response = sent(iter([stored]))
    assert response.endswith(b".\r\n")
    lines = response.removesuffix(b".\r\n").split(b"\r\n")[:-1] if len(response) > 3 else []
    got = b"".join(line.removeprefix(b".") + b"\n" for line in rejoined(lines))
    wanted = stored if stored.endswith(b"\n") or not stored else stored + b"\n"
    assert got == wanted


def rejoined(lines: list[bytes]) -> list[bytes]:
    """The client's lines; none of them may be a lone dot, which would have ended the response."""
    assert b"." not in lines
    return lines
