"""The second step of reading a roster: from text to rows of cells, each with its line number.

The rule it guards: a row is named by the line on which it begins, as an editor counts lines,
however many lines its quoted cells have. Blank rows and lines that start with a # are skipped;
behind a number a # begins a comment only where the file has no separator, for a cell may hold one.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from .cells import looks_like_number


class Separator(Enum):
    """What stands between two cells, in the order in which they are tried."""

    NONE = "\x1f"
    """A control character: it is in no text that was decoded, so each line is one cell."""
    SEMICOLON = ";"
    TAB = "\t"
    COMMA = ","


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of a row, and the line where it begins, counted from 1."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """A line of a roster that cannot be used, counted from 1, and why."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class Table:
    """A text as rows, and the lines that are none."""

    separator: Separator
    rows: tuple[Row, ...]
    faults: tuple[Fault, ...]


_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_COMMENT = re.compile(r"(?:^|\s)#.*")

# Excel's own first line, which names the separator.
_DECLARED = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)

_TRIED_ROWS = 300

_UNCLOSED = "a quotation mark opens here and is never closed"


def table_in(text: str) -> Table:
    """The rows of a text, cells apart by the separator under which numbers stand in a column."""
    lines = _LINE.findall(text)
    skip = 0
    choice = tuple(Separator)
    declared = _DECLARED.fullmatch(lines[0]) if lines else None
    if declared:
        skip = 1
        choice = tuple(each for each in choice if each.value == declared[1]) or choice
    best = max(choice, key=lambda each: _merit(_Reader(lines, skip, each)))
    reader = _Reader(lines, skip, best)
    rows = tuple(reader.rows())
    return Table(best, rows, tuple(reader.faults))


def _merit(reader: "_Reader") -> tuple[int, float, int]:
    """How well a separator does: numbers in one column, rows of one width, that width."""
    rows = [row for row, _ in zip(reader.rows(), range(_TRIED_ROWS), strict=False)]
    numbers = Counter(
        at for row in rows for at, cell in enumerate(row.cells) if looks_like_number(cell)
    )
    width, share = usual_width(rows)
    return max(numbers.values(), default=0), share, width


def usual_width(rows: Sequence[Row]) -> tuple[int, float]:
    """The number of cells that most rows have, and the part of the rows that have it."""
    if not rows:
        return 0, 0.0
    width, times = Counter(len(row.cells) for row in rows).most_common(1)[0]
    return width, times / len(rows)


class _Reader:
    """Reads rows once; the faults are known at the end."""

    def __init__(self, lines: Sequence[str], skip: int, separator: Separator) -> None:
        self.faults: list[Fault] = []
        self._lines = lines
        self._at = skip
        self._separator = separator
        self._begun = 0

    def rows(self) -> Iterator[Row]:
        """The rows that have anything in them."""
        reader = csv.reader(self._supply(), delimiter=self._separator.value, strict=True)
        while True:
            self._begun = 0
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                self._note(error)
                continue
            if any(cell.strip() for cell in cells):
                yield Row(self._begun, tuple(cells))

    def _supply(self) -> Iterator[str]:
        """The lines for the csv module, which asks for as many as a row has."""
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            if not self._begun:
                line = self._uncommented(line)
                if not line.strip():
                    continue
                self._begun = self._at
            yield line

    def _uncommented(self, line: str) -> str:
        if self._separator is Separator.NONE:
            return _COMMENT.sub("", line)
        return "" if line.lstrip().startswith("#") else line

    def _note(self, error: csv.Error) -> None:
        """The csv module goes on at the next line, but not behind an open quotation mark."""
        if "expected after" in str(error):
            why = "text stands behind a closing quotation mark"
        else:
            why = _UNCLOSED
            self._at = len(self._lines)
        self.faults.append(Fault(self._begun, why))
