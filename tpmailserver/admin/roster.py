"""Reads a roster: a plain file with one student number a line.

The rule it guards: a roster is taken whole or not at all. Every line that cannot be used is named
with its number, so that one correction is enough. Blank lines and what follows a `#` are skipped;
UTF-8 with or without a byte order mark and any line end are taken, for the file comes from
whatever the registrar's office has.
"""

import codecs
import re
from dataclasses import dataclass

from .numbers import WHAT_A_NAME_IS, BadNumber, is_range, name, shown

_LINE_END = re.compile(rb"\r\n|\n|\r")

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Fault:
    """A line of a roster that cannot be used, counted from 1, and why."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class Roster:
    """The names of a roster, each once, in the file's order, and the lines that are none."""

    numbers: tuple[str, ...]
    faults: tuple[Fault, ...]


def read(octets: bytes) -> Roster:
    """The roster that a file's octets hold."""
    if octets.startswith(_UTF_16):
        return Roster((), (Fault(1, "the file is UTF-16: save it as UTF-8 or plain text"),))
    numbers: dict[str, None] = {}
    faults = []
    lines = _LINE_END.split(octets.removeprefix(codecs.BOM_UTF8))
    for count, line in enumerate(lines, start=1):
        # The comment goes before decoding: a Latin-1 name in it harms nobody.
        word = line.partition(b"#")[0].strip().decode("utf-8", "backslashreplace")
        if not word:
            continue
        try:
            numbers[_number(word)] = None
        except BadNumber as error:
            faults.append(Fault(count, str(error)))
    return Roster(tuple(numbers), tuple(faults))


def _number(word: str) -> str:
    # As a name `22000001-22000040` would be legal, and forty students would miss their account.
    if is_range(word):
        raise BadNumber(f"{shown(word)} is a range: a roster has one number a line")
    if len(word.split()) > 1:
        raise BadNumber(f"{shown(word)} is more than a number: {WHAT_A_NAME_IS}")
    return name(word)
