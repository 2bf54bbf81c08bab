r"""Turns a stored message into POP3's multi-line form, buffer by buffer (RFC 1939 §3).

The rule it guards: byte-stuffing is by line, never by chunk. Every LF becomes CRLF, a line that
begins with a dot gets one more, an unended last line is ended, and `.` CRLF closes the response. A
line may begin in one buffer and its dot in the next.
"""


class OutgoingContent:
    """One message on its way out; `body_lines` is None for all of it, else TOP's number (§7)."""

    def __init__(self, body_lines: int | None = None) -> None:
        self._lines_left = body_lines
        self._in_header = True
        self._line_begins = True
        self.is_complete = False
        """Whether TOP has all that it wants, and the rest of the file need not be read."""

    def send(self, stored: bytes) -> bytes:
        """The octets to send for the next octets of the file."""
        if self._lines_left is not None:
            stored = self._top_of(stored)
        if not stored:
            return b""
        stuffing = b"." if self._line_begins and stored.startswith(b".") else b""
        self._line_begins = stored.endswith(b"\n")
        # An attachment in base64 has no dot: four times as fast as to look for a line with one.
        if b"." in stored:
            stored = stored.replace(b"\n.", b"\n..")
        return stuffing + stored.replace(b"\n", b"\r\n")

    def end(self) -> bytes:
        """The octets that close the response."""
        return b".\r\n" if self._line_begins else b"\r\n.\r\n"

    def _top_of(self, stored: bytes) -> bytes:
        """What TOP still wants of these octets: the header, the empty line, so many lines."""
        start = 0
        if self._in_header:
            # The line end before the empty line may have come with the last buffer.
            before = b"\n" if self._line_begins else b"\r"
            found = (before + stored).find(b"\n\n")
            if found < 0:
                return stored
            self._in_header = False
            start = found + 1
        return stored[: self._end_of_lines(stored, start)]

    def _end_of_lines(self, stored: bytes, start: int) -> int:
        assert self._lines_left is not None
        ends = stored.count(b"\n", start)
        if ends < self._lines_left:
            self._lines_left -= ends
            return len(stored)
        for _ in range(self._lines_left):
            start = stored.index(b"\n", start) + 1
        self._lines_left = 0
        self.is_complete = True
        return start
