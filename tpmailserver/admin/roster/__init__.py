"""Reads a roster, whatever program or office has written it: octets in, students out.

The rule it guards: nothing is guessed in silence. What was understood of the file, in which
encoding, with which separator, which column is the number, is part of the result, so that a person
sees it before anything is written; what looks wrong is named, and so is every line that cannot be
used. It goes in steps, each a page of its own:

    octets -> encoding -> lines -> columns -> students -> doubts

No step opens a file or knows a site.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tpmailserver.store.enrolment import Entry

from .cells import group_name
from .columns import layout_of
from .doubts import doubts_about, remarks_on
from .encoding import NoRoster, decode
from .lines import Fault, Row, Separator, table_in
from .students import Follow, Student, students_in

__all__ = ["Fault", "Follow", "NoRoster", "Roster", "Row", "Understood", "read"]

_SEPARATORS = {
    Separator.NONE: "none",
    Separator.SEMICOLON: "semicolons",
    Separator.TAB: "tabs",
    Separator.COMMA: "commas",
}


@dataclass(frozen=True, slots=True)
class Understood:
    """How a file was read: columns are named by their headings, or as `column 2`."""

    shape: str
    encoding: str
    separator: str
    header: int
    """The line of the headings, counted from 1; 0 where there are none."""
    number: str
    groups: tuple[str, ...]
    names: tuple[str, ...]
    unused: tuple[str, ...]
    lines: int
    """The lines of students, those that cannot be used among them."""


@dataclass(frozen=True, slots=True)
class Roster:
    """The students of a roster, each once, in the file's order, and what is to be said of it."""

    understood: Understood
    entries: tuple[Entry, ...]
    faults: tuple[Fault, ...]
    doubts: tuple[str, ...]
    """What looks wrong."""
    remarks: tuple[str, ...]
    """What was changed or left out."""


def read(octets: bytes, follow: Follow = iter) -> Roster:
    """The roster that a file's octets hold; raises NoRoster where the file is none at all."""
    decoded = decode(octets)
    table = table_in(decoded.text)
    layout = layout_of(table.rows)
    students, unusable = students_in(layout, follow)
    faults = sorted([*table.faults, *unusable], key=lambda fault: fault.line)
    understood = Understood(
        layout.shape.value,
        decoded.encoding,
        _SEPARATORS[table.separator],
        layout.header,
        str(layout.number),
        tuple(map(str, layout.groups)),
        tuple(map(str, layout.names)),
        tuple(map(str, layout.unused)),
        len(layout.rows),
    )
    return Roster(
        understood,
        _entries(students),
        tuple(faults),
        doubts_about(layout, students),
        remarks_on(layout, students),
    )


def _entries(students: Iterable[Student]) -> tuple[Entry, ...]:
    """One entry a number: who has two lines is in the groups of both."""
    entries: dict[str, Entry] = {}
    for each in students:
        groups = tuple(map(group_name, each.groups))
        before = entries.get(each.number)
        if before is not None:
            groups = before.groups + groups
        name = each.name if before is None else before.name or each.name
        entries[each.number] = Entry(each.number, tuple(dict.fromkeys(groups)), (), name)
    return tuple(entries.values())
