"""One message on its way in, from 354 to the final dot.

The rule it guards: a message is taken whole or refused in one line. Where it grows past its size,
a line ends as it may not, or the final dot never comes, what was taken is discarded.
"""

from enum import Enum, auto

from .content import IncomingContent
from .contract import Content, Discard, Output
from .lines import LineEnd

_NAMES = {ord("\r"): "CR", ord("\n"): "LF", 0: "NUL"}
_ESCAPES = {ord("\r"): r"\r", ord("\n"): r"\n", 0: r"\0"}


class Verdict(Enum):
    """What became of a message whose final dot has come."""

    WHOLE = auto()
    TOO_LARGE = auto()
    BARE_LF = auto()


class IncomingMessage:
    """The message that a session is taking in; octets are counted as on the wire (RFC 1870 §3)."""

    def __init__(self, command_end: LineEnd, size_limit: int, *, strict: bool) -> None:
        self._content = IncomingContent(command_end, strict=strict)
        self._size_limit = size_limit
        self._octets = 0

    def receive(self, octets: bytes) -> list[Output]:
        """Takes octets in; past the size limit nothing more of the content comes out."""
        found = self._content.receive(octets)
        was_good = not self._is_too_large()
        self._octets += len(found) + found.count(b"\n")
        if not self._is_too_large():
            return [Content(found)] if found else []
        return [Discard()] if was_good else []

    @property
    def verdict(self) -> Verdict | None:
        """None until the final dot has come."""
        if not self._content.ended:
            return None
        if self._is_too_large():
            return Verdict.TOO_LARGE
        return Verdict.BARE_LF if self._content.bare_lf else Verdict.WHOLE

    @property
    def rest(self) -> bytes:
        """The octets behind the final dot's line."""
        return self._content.rest

    @property
    def has_bare_lf(self) -> bool:
        """Whether a line has ended in LF alone, where that is not allowed."""
        return self._content.bare_lf

    def has_wrong_dot(self) -> bool:
        """Whether the student may think that the message has ended, and it has not."""
        return self._content.has_wrong_dot()

    def end_in_words(self) -> tuple[str, str]:
        """How this message's lines end: ("CR LF", r"\\r\\n")."""
        end = self._content.line_end
        return (
            " ".join(_NAMES[octet] for octet in end),
            "".join(_ESCAPES[octet] for octet in end),
        )

    def _is_too_large(self) -> bool:
        return 0 < self._size_limit < self._octets
