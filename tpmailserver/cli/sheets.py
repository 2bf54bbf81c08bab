"""Puts what is to be said on a terminal, or plainly where there is none.

The rule it guards: nothing is said by colour alone, and what a program reads is plain: columns of
text, not cut off at any width.
"""

import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

# Beyond this nobody reads a drawn table, and drawing it takes seconds.
_DRAWN_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table: its headings, its rows, and which columns hold numbers."""

    headings: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    numeric: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Hanging:
    """A line whose further lines, where a terminal is narrow, begin `indent` columns in."""

    text: str
    indent: int


@dataclass(frozen=True, slots=True)
class Verbatim:
    """A line that is copied from the screen, a command: it is never broken."""

    text: str


Part = str | Sheet | Hanging | Verbatim


def put(parts: Iterable[Part]) -> None:
    """Writes lines and tables to standard output."""
    terminal = sys.stdout.isatty()
    for part in parts:
        if isinstance(part, str):
            _put_line(part, terminal)
        elif isinstance(part, Hanging):
            sys.stdout.writelines(f"{line}\n" for line in _hung(part, terminal))
        elif isinstance(part, Verbatim):
            sys.stdout.write(f"{part.text}\n")
        elif terminal and len(part.rows) <= _DRAWN_ROWS:
            Console(highlight=False).print(_drawn(part))
        else:
            sys.stdout.writelines(f"{line}\n" for line in _plain(part))


def _put_line(line: str, terminal: bool) -> None:
    if terminal:
        Console(highlight=False).print(Text(line))
    else:
        sys.stdout.write(f"{line}\n")


def _hung(part: Hanging, terminal: bool) -> Sequence[str]:
    if not terminal:
        return [part.text]
    width = shutil.get_terminal_size().columns
    indent = " " * part.indent
    return textwrap.wrap(part.text, width, subsequent_indent=indent, break_on_hyphens=False)


def _drawn(sheet: Sheet) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for at, heading in enumerate(sheet.headings):
        right = at in sheet.numeric
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    for row in sheet.rows:
        table.add_row(*map(Text, row))
    return table


def _plain(sheet: Sheet) -> Iterable[str]:
    rows = [sheet.headings, *sheet.rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            cell.rjust(width) if at in sheet.numeric else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()
