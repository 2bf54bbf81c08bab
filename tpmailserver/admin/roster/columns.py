"""The third step of reading a roster: which column says what.

The rule it guards: a heading counts before what stands below it. Where there is none, a column is
what its cells look like; what is still not known is not used. All three are said, so that nobody
has to trust a guess.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .cells import groups_in, looks_like_number
from .encoding import NoRoster
from .headings import IDENTIFYING, NAMING, Role, Shape, role_of, shape_of
from .lines import Row, usual_width

# No roster has more; what stands behind them is a broken file's.
_MOST_COLUMNS = 200

_HEADER_AMONG = 20  # rows: some offices write a title and a date above it


@dataclass(frozen=True, slots=True)
class Column:
    """A column by its place, counted from 0, and its heading, "" where there is none."""

    at: int
    heading: str

    def __str__(self) -> str:
        heading = " ".join("".join(filter(str.isprintable, self.heading)).split())
        short = heading if len(heading) <= 40 else heading[:37] + "..."
        return short or f"column {self.at + 1}"

    def cell(self, row: Row) -> str:
        """What a row has in this column; "" in a row that ends before it."""
        return row.cells[self.at] if self.at < len(row.cells) else ""


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column of a table says what; `header` is the line of the headings, 0 without any."""

    shape: Shape
    header: int
    number: Column
    groups: tuple[Column, ...]
    names: tuple[Column, ...]
    unused: tuple[Column, ...]
    width: int
    """Cells in a row; in one that has more, a separator was meant as text."""
    rows: tuple[Row, ...]
    """The rows of students: those below the headings."""
    is_guess: bool = False
    """Whether the heading above the numbers says nothing of them."""


def layout_of(rows: Sequence[Row]) -> Layout:
    """Which column says what; raises NoRoster where none has numbers."""
    above = _header_at(rows)
    below = tuple(rows if above is None else rows[above + 1 :])
    if not below:
        raise NoRoster("there is nobody in it")
    return _without_headings(below) if above is None else _with_headings(rows[above], below)


def _header_at(rows: Sequence[Row]) -> int | None:
    """Which row has the headings; no row of a student is taken for them."""
    among = _HEADER_AMONG if _width(rows) > 1 else 1
    for at, row in enumerate(rows[:among]):
        if any(looks_like_number(cell) for cell in row.cells):
            break
        if any(role_of(cell) in IDENTIFYING for cell in row.cells):
            return at
    if rows and _are_unknown_headings(rows):
        return 0
    return None


def _width(rows: Sequence[Row]) -> int:
    return min(max((len(row.cells) for row in rows), default=0), _MOST_COLUMNS)


def _are_unknown_headings(rows: Sequence[Row]) -> bool:
    """Whether the first row has words above a column of numbers, and not one digit."""
    first = rows[0].cells
    if len(first) < 2 or any(letter.isdigit() for cell in first for letter in cell):
        return False
    return any(
        _share(rows[1:], Column(at, ""), looks_like_number) >= 0.5 for at in range(len(first))
    )


def _with_headings(header: Row, rows: tuple[Row, ...]) -> Layout:
    columns = [Column(at, cell.strip()) for at, cell in enumerate(header.cells[:_MOST_COLUMNS])]
    number = _number_column(rows, _having(columns, IDENTIFYING), columns)
    groups = _having(columns, (Role.GROUP,))
    # A column that has the whole name makes those that have its parts superfluous.
    names = _having(columns, (Role.FULL_NAME,))[:1] or _having(columns, NAMING)
    used = {number, *groups, *names}
    unused = tuple(each for each in columns if each not in used and _filled(rows, each))
    width = len(columns)
    shape = shape_of(column.heading for column in columns)
    guess = _is_guess(number)
    return Layout(shape, header.line, number, groups, names, unused, width, rows, guess)


def _having(columns: Iterable[Column], roles: Iterable[Role]) -> tuple[Column, ...]:
    """The columns whose headings say one of these, in the order of the roles."""
    return tuple(each for role in roles for each in columns if role_of(each.heading) is role)


def _number_column(
    rows: Sequence[Row], named: Sequence[Column], columns: Sequence[Column]
) -> Column:
    """The first column with such a heading that has numbers; without any, one that has them."""
    for column in named:
        if _share(rows, column, looks_like_number) >= 0.5:
            return column
    # Words are logins where the heading says so; INEs are better than nobody, mail addresses not.
    guesses = [column for column in columns if _is_guess(column)]
    for candidates, is_good in (
        (_having(named, (Role.NUMBER, Role.LOGIN)), bool),
        (guesses, looks_like_number),
        (_having(named, (Role.INE,)), bool),
    ):
        for column in candidates:
            if _share(rows, column, is_good) >= 0.5:
                return column
    raise NoRoster("no column has student numbers in it")


def _is_guess(column: Column) -> bool:
    return role_of(column.heading) is None


def _without_headings(rows: tuple[Row, ...]) -> Layout:
    columns = [Column(at, "") for at in range(_width(rows))]
    numbers = [each for each in columns if _share(rows, each, looks_like_number) >= 0.5]
    if len(columns) == 1 and any(row.cells[0].strip().isdigit() for row in rows):
        numbers = columns
    if not numbers:
        raise NoRoster(
            "no column has student numbers in it; logins need a heading, such as login,group"
        )
    if len(columns) == 1:
        return Layout(Shape.NUMBERS, 0, columns[0], (), (), (), 1, rows)
    # Of two columns of numbers the one in which fewest are the same: no postal codes.
    number = max(numbers, key=lambda each: len({each.cell(row) for row in rows}))
    others = [each for each in columns if each != number]
    look = _is_group_beside_number if len(others) == 1 else _is_group_by_its_look
    groups = tuple(each for each in others if look(rows, each))
    names = tuple(each for each in others if each not in groups and _share(rows, each, _word) > 0.9)
    unused = tuple(each for each in others if each not in groups and each not in names)
    shape = Shape.NUMBERS_AND_GROUPS if groups and len(others) == 1 else Shape.BARE
    width, _ = usual_width(rows)
    return Layout(shape, 0, number, groups, names, unused, width, rows)


def _is_group_by_its_look(rows: Sequence[Row], column: Column) -> bool:
    return _share(_filled(rows, column), column, _like_a_group) >= 0.8


def _is_group_beside_number(rows: Sequence[Row], column: Column) -> bool:
    """The one word beside a number is a group where others have it too, and a name where not."""
    filled = _filled(rows, column)
    kinds = {column.cell(row) for row in filled}
    return _share(filled, column, _like_a_group) >= 0.5 or 0 < len(kinds) * 2 <= len(filled)


# "TP 1", "td2b", "3": a few letters, and at most three digits at a time.
_GROUP_LOOK = re.compile(r"(?!.*[0-9]{4})(?=.*[0-9])[^\W_][\w .-]{0,20}")
_DECIMAL = re.compile(r"[0-9]+[.,][0-9]+")


def _like_a_group(cell: str) -> bool:
    words = groups_in(cell)
    return bool(words) and all(
        _GROUP_LOOK.fullmatch(each) and not _DECIMAL.fullmatch(each) for each in words
    )


def _word(cell: str) -> bool:
    return any(each.isalpha() for each in cell) and not any(
        each.isdigit() or each in "@/" for each in cell
    )


def _filled(rows: Sequence[Row], column: Column) -> list[Row]:
    return [row for row in rows if column.cell(row).strip()]


def _share(rows: Sequence[Row], column: Column, is_so: Callable[[str], bool]) -> float:
    """The part of the rows whose cell in this column is so."""
    if not rows:
        return 0.0
    return sum(is_so(column.cell(row).strip()) for row in rows) / len(rows)
