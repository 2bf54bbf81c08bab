"""A template: a mail with fields that are filled in for each student.

The rule it guards: a template is octets. What stands between its fields comes out as it went in,
in any charset; the same student gets the same octets every time, on every machine; and what looks
like a field and is none is named with its line, so that no mail with a hole in it is delivered.

A brace opens a field, `{{` stands for a brace, and a closing brace outside a field is itself.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from itertools import count

from .numbers import shown

LARGEST_FILLER = 16 * 1024 * 1024

_OPENED = re.compile(rb"\{\{|\{([^{}\r\n]*)(\}?)")

# Beyond 60 digits the 256 bits that are drawn would show.
_DIGITS = rb"([1-9]|[1-5][0-9]|60)(:[a-z0-9]+)?"


@dataclass(frozen=True, slots=True)
class Slip:
    """What is wrong in a line of a file, counted from 1; line 0 is the file as a whole."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class Student:
    """For whom a template is filled in."""

    number: str
    group: str
    neighbour: str


@dataclass(frozen=True, slots=True)
class Occasion:
    """What is the same for all students: which mail of which pack this is, where and when."""

    pack: str
    file: str
    n: int
    """The mail's place in the pack, from 1."""
    domain: str
    date: str
    identity: str = ""
    """The unique name of the message."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field as it is written: `{name}` or `{name:argument}`."""

    name: str
    argument: bytes = b""


@dataclass(frozen=True, slots=True)
class _Form:
    """How a field is written: an example, and what its argument may be."""

    example: str
    argument: re.Pattern[bytes]
    is_own: bool
    """Whether two students may get different octets."""


_NOTHING = re.compile(rb"")

_FORMS: Mapping[str, _Form] = {
    "number": _Form("{number}", _NOTHING, True),
    "group": _Form("{group}", _NOTHING, True),
    "neighbour": _Form("{neighbour}", _NOTHING, True),
    "domain": _Form("{domain}", _NOTHING, False),
    "date": _Form("{date}", _NOTHING, False),
    "id": _Form("{id}", _NOTHING, False),
    "n": _Form("{n}", _NOTHING, False),
    "random": _Form("{random:6} for six digits, at most 60", re.compile(_DIGITS), True),
    "pick": _Form("{pick:one|another}", re.compile(rb"[^|]*(\|[^|]*)+"), True),
    "filler": _Form(
        f"{{filler:1000}} for so many octets, at most {LARGEST_FILLER:,}",
        re.compile(rb"[1-9][0-9]{0,7}"),
        False,
    ),
}


@dataclass(frozen=True, slots=True)
class Template:
    """Octets and fields, one after the other."""

    parts: tuple[bytes | Field, ...]

    def own(self, student: Student, occasion: Occasion) -> tuple[bytes, ...]:
        """What is this student's: those for whom it is the same get the same octets."""
        return tuple(
            _value(each, student, occasion)
            for each in self.parts
            if isinstance(each, Field) and _FORMS[each.name].is_own
        )

    def fill(self, student: Student, occasion: Occasion) -> bytes:
        """The octets with every field filled in."""
        return b"".join(
            _value(each, student, occasion) if isinstance(each, Field) else each
            for each in self.parts
        )


def parse(octets: bytes, first_line: int = 1) -> tuple[Template, tuple[Slip, ...]]:
    """The template that octets are, and what in it is no field; `first_line` is their number."""
    parts: list[bytes | Field] = []
    slips = []
    at = 0
    for opened in _OPENED.finditer(octets):
        parts.append(octets[at : opened.start()])
        at = opened.end()
        if opened[0] == b"{{":
            parts.append(b"{")
            continue
        field = _field(opened)
        if isinstance(field, Field):
            parts.append(field)
        else:
            slips.append(Slip(first_line + octets.count(b"\n", 0, opened.start()), field))
    parts.append(octets[at:])
    return Template(tuple(each for each in parts if each)), tuple(slips)


def filler(octets: int) -> bytes:
    """Numbered lines of 64 octets, so many octets in all: a reader sees where a piece is gone."""
    return b"".join(_filler_lines(octets))


def _filler_lines(octets: int) -> Iterator[bytes]:
    for line in count(1):
        if octets <= 0:
            return
        yield (b"%08d " % line).ljust(63, b".")[: octets - 1] + b"\n"
        octets -= 64


def _field(opened: re.Match[bytes]) -> Field | str:
    """The field that a brace opens, or why it is none."""
    if not opened[2]:
        return 'a field begins here and is not closed with "}"; a brace alone is written "{{"'
    name, _, argument = opened[1].partition(b":")
    word = name.decode("ascii", "backslashreplace")
    written = shown(opened[0].decode("utf-8", "backslashreplace"))
    if word not in _FORMS:
        near = get_close_matches(word, _FORMS, n=1)
        hint = f", did you mean {{{near[0]}}}?" if near else f": fields are {', '.join(_FORMS)}"
        return f'{written} is no field (a brace alone is written "{{{{"){hint}'
    form = _FORMS[word]
    fits = form.argument.fullmatch(argument) and (b":" in opened[1]) == bool(argument)
    if not fits or (word == "filler" and int(argument) > LARGEST_FILLER):
        return f"{written} is not how this field is written: {form.example}"
    return Field(word, argument)


def _value(field: Field, student: Student, occasion: Occasion) -> bytes:
    match field.name:
        case "number" | "group" | "neighbour":
            value = str(getattr(student, field.name)).encode()
        case "domain" | "date" | "n":
            value = str(getattr(occasion, field.name)).encode()
        case "id":
            value = occasion.identity.encode()
        case "random":
            digits = int(field.argument.partition(b":")[0])
            value = b"%0*d" % (digits, _drawn(field, student, occasion) % 10**digits)
        case "pick":
            choices = field.argument.split(b"|")
            value = choices[_drawn(field, student, occasion) % len(choices)]
        case _:
            value = filler(int(field.argument))
    return value


def _drawn(field: Field, student: Student, occasion: Occasion) -> int:
    # A hash and not Python's `random`: it has to come out the same on the next machine, too.
    facts = (student.number, occasion.pack, occasion.file, field.name)
    return int.from_bytes(
        sha256(
            "\0".join(facts).encode("utf-8", "surrogateescape") + b"\0" + field.argument
        ).digest()
    )
