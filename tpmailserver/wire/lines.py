"""Cuts command lines out of the octets of a connection.

The rule it guards: a line is answered once, whatever stands in it, and never held without bound.
A command may end in CRLF, in LF, or in what telnet and a script make of CRLF (`CR NUL CR LF`,
`CR CR LF`). What a terminal mixes into the line is taken out as the student saw it: telnet
sequences (RFC 854) vanish and backspace edits. This is for commands only; the content of a message
is never touched by it (see `content`).
"""

import re
from dataclasses import dataclass
from enum import Enum

HELD_AT_MOST = 12288
"""Octets of one command line that are ever held: RFC 4954 §4 asks this much for AUTH."""
_KEPT_OF_OVERLONG = 16

_UTF8_AT_MOST = 4  # RFC 3629 §3
_IAC = 0xFF
# RFC 854: IAC IAC is a literal 255; WILL, WONT, DO and DONT take an option; SB runs to IAC SE.
# No CR or LF is ever taken with a sequence, so a broken one cannot swallow a line end. Within SB an
# IAC is doubled (RFC 855): thousands of broken ones are each given up where the next begins.
_TELNET = re.compile(
    rb"\xff(?:\xff|[\xfb-\xfe][^\r\n]|\xfa(?:[^\r\n\xff]|\xff\xff)*\xff\xf0|[\xf0-\xf9])", re.DOTALL
)
# RFC 8446 §5.1: a TLS client begins with a handshake record, of a version 3.something.
_TLS_HELLO = b"\x16\x03"
_DO_TIMING_MARK = b"\xff\xfd\x06"
_WONT_TIMING_MARK = b"\xff\xfc\x06"
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")

_CONTROL_NAMES = {0: "NUL", 13: "CR", 27: "ESC"}


class LineEnd(Enum):
    """How a line ended."""

    CRLF = b"\r\n"
    LF = b"\n"
    OTHER = b""
    """Telnet's or a script's rendering of CRLF."""


@dataclass(frozen=True, slots=True)
class Line:
    """One command line without its end; `length` counts every octet that was received for it.

    Of an overlong line only the beginning is left, where its verb stands.
    """

    text: bytes
    end: LineEnd
    length: int
    overlong: bool = False

    def control_character(self) -> str | None:
        """The name of the first control character in the line, tab excepted."""
        found = _CONTROL.search(self.text)
        if found is None:
            return None
        code = found.group()[0]
        return f"{_CONTROL_NAMES.get(code, 'control')} 0x{code:02x}"


def line_end_of(line: bytes) -> bytes:
    """The whole line end of `line`, whose last octet is its only LF."""
    content = len(line[:-1].rstrip(b"\r\0"))
    return line[content:].lstrip(b"\0")


class CommandLines:
    """The lines of one connection, taken one at a time; what is left over stays as it came."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._thrown_away = 0
        self._beginning = b""
        """Of the line that is being thrown away."""
        self._telnet = False

    def receive(self, octets: bytes) -> None:
        """Takes more octets in."""
        self._buffer += octets
        self._telnet = self._telnet or _IAC in octets

    def next_line(self) -> Line | None:
        """The next whole line; None while there is none."""
        end = self._buffer.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._buffer)
            if self._searched > HELD_AT_MOST:
                self._throw_away()
            return None
        raw = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        self._searched = 0
        length, self._thrown_away = self._thrown_away + len(raw), 0
        if length > HELD_AT_MOST:
            beginning, self._beginning = (self._beginning or raw)[:_KEPT_OF_OVERLONG], b""
            return Line(beginning, LineEnd.CRLF, length, overlong=True)
        return _clean(raw)

    def timing_marks(self) -> bytes:
        """The answers to the `IAC DO TIMING-MARK`s in the next line, finished or not.

        Linux telnet sends one with Ctrl-C and hides all output until it is answered, so this
        cannot wait for the line to end. What is answered is taken out.
        """
        if not self._telnet:
            return b""
        line, newline, rest = bytes(self._buffer).partition(b"\n")
        kept = _TELNET.sub(lambda found: _unless_timing_mark(found.group()), line)
        marks = (len(line) - len(kept)) // len(_DO_TIMING_MARK)
        if marks:
            self._buffer[:] = kept + newline + rest
            self._searched = 0
        self._telnet = _IAC in self._buffer
        return _WONT_TIMING_MARK * marks

    def unread(self) -> bytes:
        """All that was received and not yet taken; the caller takes it over."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        self._searched = 0
        return rest

    def begin_tls(self) -> bool:
        """Whether what comes next is no line, but a client that wants to speak TLS."""
        return self._buffer.startswith(_TLS_HELLO)

    def ends_in_bare_cr(self) -> bool:
        """Whether the unfinished line looks finished to someone whose Enter key sends CR alone."""
        return self._buffer.endswith((b"\r", b"\r\0"))

    def _throw_away(self) -> None:
        self._thrown_away += len(self._buffer)
        self._beginning = self._beginning or bytes(self._buffer[:_KEPT_OF_OVERLONG])
        self._buffer.clear()
        self._searched = 0


def _clean(raw: bytes) -> Line:
    end = line_end_of(raw)
    text = raw[: -len(end)]
    if _IAC in text:
        text = _without_telnet(text)
    if b"\x08" in text or b"\x7f" in text:
        text = _edited(text)
    try:
        kind = LineEnd(end)
    except ValueError:
        kind = LineEnd.OTHER
    return Line(text, kind, len(raw))


def _without_telnet(text: bytes) -> bytes:
    return _TELNET.sub(lambda found: b"\xff" if found.group() == b"\xff\xff" else b"", text)


def _unless_timing_mark(sequence: bytes) -> bytes:
    return b"" if sequence == _DO_TIMING_MARK else sequence


def _edited(text: bytes) -> bytes:
    """The line as backspace and delete left it on the student's screen."""
    kept = bytearray()
    for octet in text:
        if octet not in (0x08, 0x7F):
            kept.append(octet)
            continue
        del kept[_last_character(kept) :]
    return bytes(kept)


def _last_character(line: bytearray) -> int:
    """Where the last character begins: a UTF-8 sequence where there is one, else one octet."""
    start = len(line) - 1
    first = max(0, len(line) - _UTF8_AT_MOST)
    while start > first and 0x80 <= line[start] < 0xC0:
        start -= 1
    return start if line[start:] and line[start] >= 0xC0 else max(len(line) - 1, 0)
