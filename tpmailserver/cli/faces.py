"""The two faces of `tpmail`: words for a person, one JSON object for a program.

The rule it guards: with `--json` exactly one object goes to standard output, an error too; without
it results go to standard output and errors, one line each, to standard error.
"""

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Protocol

# Each registers its pages.
from . import class_pages, doctor_pages, list_pages, reset_pages  # noqa: F401
from .pages import page, whole
from .phrases import plain
from .sheets import Part, put


class Face(Protocol):
    """How a command speaks to whoever started it."""

    def show(self, report: Any) -> None:
        """Says what was done."""

    def show_whole(self, report: Any) -> None:
        """Says it with nothing left out for the sake of the screen."""

    def add(self, parts: Iterable[Part]) -> None:
        """Says what only a person wants to know besides."""

    def error(self, text: str) -> None:
        """Says why something was not done; `text` may have several lines."""


class Words:
    """Lines and tables for a person."""

    def show(self, report: Any) -> None:
        put(page(report))

    def show_whole(self, report: Any) -> None:
        put(whole(report))

    def add(self, parts: Iterable[Part]) -> None:
        put(parts)

    def error(self, text: str) -> None:
        sys.stdout.flush()
        for line in text.splitlines():
            sys.stderr.write(f"tpmail: {plain(line)}\n")


class Json:
    """One JSON object for a program."""

    def show(self, report: Any) -> None:
        sys.stdout.write(json.dumps(asdict(report)) + "\n")

    show_whole = show

    def add(self, parts: Iterable[Part]) -> None:
        """Nothing: the object is all that a program gets."""

    def error(self, text: str) -> None:
        sys.stdout.write(json.dumps({"error": text}) + "\n")
