r"""Finds the end of a message's content, and undoes what SMTP did to its lines.

The rule it guards: *the DATA command and the first line of the message decide* how the message's
lines end, and only a lone dot in that manner ends it. Where both ended in CRLF, only
`CRLF . CRLF` does (RFC 5321 §4.1.1.4), so a relay's message can smuggle nothing. Where one of
them ended in a bare LF, it is an LF message, and `.` with either line end closes it: that is
`cat message` in a student's script. A first line in telnet's manner (`CR NUL CR LF`) or a
script's (`CR CR LF`) asks for a dot in the same manner.

Content comes out with LF line ends, dots unstuffed where a line starts in the message's own
manner (§4.5.2). The work is done on whole buffers: what might be the beginning of the end mark
stays behind until the next octets tell.
"""

import re

from .lines import LineEnd, line_end_of

_FIRST_LINE_HELD = 4096
_LINE_END_AT_MOST = 8
_RECENT = 1000
_LONE_DOT = re.compile(rb"\n\.(?:\r\0?)*\n")
_LF_END = re.compile(rb"\n\.\r?\n")
_CRLF = re.compile(rb"\r\n")
_LF_MARKS = (b"\r\n.\r\n", b"\r\n.\n", b"\n.\r\n", b"\n.\n")


def _with_line_feeds(content: bytes) -> bytes:
    """The same with LF for every CR LF; a CR that stands alone stays."""
    lines = content.splitlines()
    is_whole = content.endswith(b"\n")
    if len(lines) == content.count(b"\n") + (not is_whole) and not content.endswith(b"\r"):
        # No CR alone, at which splitlines would have split too. Twice as fast as replacing.
        return b"\n".join(lines) + (b"\n" if is_whole else b"")
    return content.replace(b"\r\n", b"\n")


class IncomingContent:
    """The content of one message on its way in.

    `receive` gives the content found so far and `ended` says when the final dot has come; what
    follows the dot is then in `rest`. `bare_lf` tells whether a line ended in LF alone.
    """

    def __init__(self, command_end: LineEnd, *, strict: bool) -> None:
        self.ended = False
        self.rest = b""
        self.bare_lf = False
        self._strict = strict
        self._command_end = command_end
        self._line_end = b""
        """How this message's lines end; empty until the first line has ended."""
        self._marks: tuple[bytes, ...] = ()
        self._ends = _CRLF
        self._held = b""
        self._begun = False
        self._recent = b"\n"

    def receive(self, octets: bytes) -> bytes:
        """Takes octets in and gives back the content that they complete."""
        self._recent = (self._recent + octets[-_RECENT:])[-_RECENT:]
        data = self._held + octets
        if self._line_end:
            return self._decode(data)
        first_end = data.find(b"\n")
        if first_end < 0:
            return self._part_of_first_line(data)
        # No more of it than `_part_of_first_line` holds, wherever the network cuts.
        self._decide(line_end_of(data[max(0, first_end + 1 - _LINE_END_AT_MOST) : first_end + 1]))
        if self._begun:
            return self._decode(data)
        # A message starts where a line starts, so the line end before it is supplied, then taken
        # off: a dot at the very beginning needs no rule of its own.
        self._begun = True
        return self._decode(self._line_end + data)[1:]

    @property
    def line_end(self) -> bytes:
        """How this message's lines end, and so the lone dot's."""
        return self._line_end or b"\r\n"

    def has_wrong_dot(self) -> bool:
        """Whether a lone dot stands among the latest octets, with a line end that is not ours."""
        return b"\n." in self._recent and _LONE_DOT.search(self._recent) is not None

    def _decide(self, first_end: bytes) -> None:
        if self._strict:
            self._line_end = b"\r\n"
        elif b"\n" in (first_end, self._command_end.value):
            self._line_end = b"\n"
        else:
            self._line_end = first_end
        mark = self._line_end + b"." + self._line_end
        self._marks = _LF_MARKS if self._line_end == b"\n" else (mark,)
        self._ends = re.compile(re.escape(self._line_end) + rb"|\r\n")

    def _part_of_first_line(self, data: bytes) -> bytes:
        """Lets an endless first line through, but for the octets that may be its end."""
        if len(data) <= _FIRST_LINE_HELD:
            self._held = data
            return b""
        content, self._held = data[:-_LINE_END_AT_MOST], data[-_LINE_END_AT_MOST:]
        if not self._begun:
            self._begun = True
            return content.removeprefix(b".")
        return content

    def _decode(self, data: bytes) -> bytes:
        # One look for both: the final dot and a stuffed one begin a line, and most lines do not.
        dot = self._line_end + b"."
        has_dots = b"." in data and dot in data
        start, stop = self._find_end(data) if has_dots else (0, 0)
        if stop:
            self.ended = True
            self.rest = data[stop:]
            self._held = b""
            content = data[:start] + self._line_end
        else:
            held = self._possible_mark(data)
            self._held = data[len(data) - held :]
            content = data[: len(data) - held]
        if self._strict and not self.bare_lf:
            self.bare_lf = content.count(b"\n") > content.count(b"\r\n")
        if has_dots:
            content = content.replace(dot, self._line_end)
        if self._line_end in (b"\n", b"\r\n"):
            return _with_line_feeds(content)
        # In one go: a second replacement would find line ends that the first has made.
        return self._ends.sub(b"\n", content)

    def _find_end(self, data: bytes) -> tuple[int, int]:
        """Where the end mark starts and stops in `data`; (0, 0) where there is none."""
        if self._line_end == b"\n":
            found = _LF_END.search(data)
            return found.span() if found else (0, 0)
        start = data.find(self._marks[0])
        return (start, start + len(self._marks[0])) if start >= 0 else (0, 0)

    def _possible_mark(self, data: bytes) -> int:
        """The length of the longest end of `data` that may be the beginning of the end mark."""
        for length in range(min(len(self._marks[0]) - 1, len(data)), 0, -1):
            tail = data[-length:]
            if any(len(mark) > length and mark.startswith(tail) for mark in self._marks):
                return length
        return 0
