"""What the server reads of a message's own header, and nothing more: has it gone round?

The rule it guards: a loop ends. Each hop puts its fields on top, so a loop's are always within the
first 64 KiB, which is all that is looked at; whatever stands there, nothing fails.
"""

import re
from email.errors import MessageError
from email.header import decode_header, make_header

# RFC 5322 §2.2: a field, and §2.2.3: the lines that continue it begin with a blank.
_FIELD = re.compile(rb"^([!-9;-~]+)[ \t]*:(.*(?:\n[ \t].*)*)", re.MULTILINE)
_BRACKETED = re.compile(r"<([^<>]*)>")


def words(value: str) -> str:
    """A field's value on one line, its encoded words decoded (RFC 2047), as far as that goes."""
    value = " ".join(value.split())
    try:
        return str(make_header(decode_header(value)))
    except (ValueError, LookupError, MessageError):
        return value


class Header:
    """The fields of a message that begins with `head`."""

    def __init__(self, head: bytes) -> None:
        # A message without a header begins with the empty line.
        header = b"" if head.startswith(b"\n") else head.partition(b"\n\n")[0]
        self._fields: dict[bytes, list[str]] = {}
        for name, value in _FIELD.findall(header):
            self._fields.setdefault(name.lower(), []).append(value.decode("utf-8", "replace"))
        found = (_BRACKETED.findall(value) for value in self._fields.get(b"list-id", ()))
        # Some programs fold a long field where they like, within the brackets as well.
        self.list_ids = tuple("".join(each[-1].split()).lower() for each in found if each)[::-1]
        """The lists that it came through, the first one first (RFC 2919), in small letters."""

    def first(self, name: str) -> str:
        """The first field of that name as it stands, or ""."""
        return self._fields.get(name.lower().encode(), [""])[0].strip()

    @property
    def hops(self) -> int:
        """How many servers have taken the message in (RFC 5321 §6.3)."""
        return len(self._fields.get(b"received", ()))

    @property
    def is_automatic(self) -> bool:
        """Whether a program wrote it of itself (RFC 3834 §5: anything but "no")."""
        return any(
            _keyword(value).lower() not in ("no", "")
            for value in self._fields.get(b"auto-submitted", ())
        )


def _keyword(value: str) -> str:
    """The first word of a structured field: comments may stand before it, a parameter behind."""
    depth = 0  # comments may hold comments (RFC 5322 §3.2.2)
    for place, character in enumerate(value):
        if character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        elif depth <= 0 and not character.isspace():
            return re.split(r"[\s;(]", value[place:], maxsplit=1)[0]
    return ""
