"""The first step of reading a roster: what the file's octets are as text.

The rule it guards: a file is decoded whole, in one encoding that is named to whoever asked; and a
file that is no text is refused with what to do about it, for nobody can correct its lines.
"""

import codecs
import re
from dataclasses import dataclass


class NoRoster(Exception):
    """The whole file cannot be used; its text is one line that says why."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A file as text, and the name of the encoding in which it was."""

    text: str
    encoding: str


_HOW = "save it as CSV, with one line a student"

# What files begin with that are called a roster and are no text.
_ZIP = b"PK\x03\x04"
_SIGNATURES = (
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a gzip archive"),
)
# The names of what is in an archive are not compressed.
_IN_ZIP = (
    (b"xl/", "an Excel workbook (.xlsx)"),
    (b"opendocument.spreadsheet", "a LibreOffice spreadsheet (.ods)"),
)
# Some offices call a web page ".xls": a spreadsheet program opens it all the same.
_WEB_PAGE = re.compile(r"\s*<(?:!doctype|html|table|meta|\?xml)\b", re.IGNORECASE)

_NO_TEXT = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")

_END_OF_FILE = "\x1a"  # as CP/M and DOS ended texts


def decode(octets: bytes) -> Decoded:
    """The text that a file's octets are; raises NoRoster."""
    kind = _kind(octets)
    if kind:
        raise NoRoster(f"this is {kind}: open it and {_HOW}")
    decoded = _decode(octets)
    if _WEB_PAGE.match(decoded.text):
        raise NoRoster(f"this is a web page: open it in a spreadsheet program and {_HOW}")
    text = decoded.text.removesuffix(_END_OF_FILE)
    if _NO_TEXT.search(text):
        raise NoRoster(f"this is a binary file and no text: {_HOW}")
    return Decoded(text, decoded.encoding)


def _kind(octets: bytes) -> str:
    if octets.startswith(_ZIP):
        return next((name for part, name in _IN_ZIP if part in octets), "a ZIP archive")
    return next((name for start, name in _SIGNATURES if octets.startswith(start)), "")


def _decode(octets: bytes) -> Decoded:
    if octets.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        # Excel's "Unicode text", and what PowerShell writes.
        try:
            return Decoded(octets.decode("utf-16"), "UTF-16")
        except UnicodeDecodeError:
            raise NoRoster(f"this is a broken UTF-16 text: {_HOW} again") from None
    marked = octets.startswith(codecs.BOM_UTF8)
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Any octets are cp1252, but for five that mean nothing there; the numbers are ASCII.
        return Decoded(octets.decode("cp1252", "replace"), "cp1252 (Windows)")
    if marked:
        return Decoded(text, "UTF-8 with a byte order mark")
    return Decoded(text, "ASCII" if text.isascii() else "UTF-8")
