"""The last step of reading a roster: from rows to students.

The rule it guards: a roster is taken whole or not at all. Every line that cannot be used is named
with its number, so that one correction is enough; no line is passed over in silence.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tpmailserver.store.namespace import RESERVED

from ..numbers import BadNumber, shown
from .cells import group_name, groups_in, number_in
from .columns import Layout
from .lines import Fault, Row

Follow = Callable[[Sequence[Row]], Iterable[Row]]
"""Gives the same rows, and may watch them go by."""

LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Student:
    """One line of a roster; `groups` are as written there, and each fits by `group_name`."""

    line: int
    number: str
    groups: tuple[str, ...]
    name: str


def students_in(layout: Layout, follow: Follow) -> tuple[list[Student], list[Fault]]:
    """The students of a table, and the lines that are none."""
    students, faults = [], []
    for row in follow(layout.rows):
        try:
            students.append(_student(layout, row))
        except BadNumber as error:
            faults.append(Fault(row.line, str(error)))
    return students, faults


def _student(layout: Layout, row: Row) -> Student:
    number = number_in(layout.number.cell(row))
    groups = tuple(each for column in layout.groups for each in groups_in(column.cell(row)))
    for name, whose in ((number, number), *((group_name(each), each) for each in groups)):
        if name in RESERVED:
            raise BadNumber(f"{shown(whose)}: the name {name} is reserved")
    return Student(row.line, number, groups, _name(layout, row))


def _name(layout: Layout, row: Row) -> str:
    words = " ".join(column.cell(row) for column in layout.names).split()
    return "".join(filter(str.isprintable, " ".join(words)))[:LONGEST_NAME]
