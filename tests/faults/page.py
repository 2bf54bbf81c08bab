"""Writes docs/promises.md: each promise, what holds it, and what was measured last.

    python -m tests.faults.page FIGURES

takes in what the tests wrote to the file FIGURES; a test that was not run keeps its last figures,
which are kept in tests/faults/figures.jsonl.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from . import ROOT
from .figures import Figures, read
from .promises import CHAPTERS, Promise

PAGE = ROOT / "docs" / "promises.md"
KEPT = Path(__file__).with_name("figures.jsonl")

_TOP = """# What the server promises

Each promise stands beside the tests that break when it is broken, and beside what they measured \
last. This page is written by `make faults`, which takes some minutes, kills the server many times \
and floods it; the same tests, shorter, are part of `make test`.

*lost*, *altered*, *half*, *doubled*, *strange* (in a mailbox that it was not sent to), *came \
back* (from an acknowledged deletion) and *changed uidl* count copies of messages, and are 0. \
*Peak memory* is the server's share of the memory (PSS), *growth* how much of it came during the \
test. *Worst round trip* is the longest that healthy sessions waited for an answer meanwhile: \
`NOOP` and `RSET`, and a whole login with `STAT`.
"""


def page(figures: Mapping[str, Figures]) -> str:
    """The page with these figures."""
    return _TOP + "".join(
        f"\n## {chapter.title}\n" + "".join(_paragraphs(chapter.promises, figures))
        for chapter in CHAPTERS
    )


def _paragraphs(promises: Sequence[Promise], figures: Mapping[str, Figures]) -> Iterator[str]:
    for promise in promises:
        yield f"\n{promise.words}\n\n"
        for test in promise.tests:
            file, _, name = test.partition("::")
            yield f"- [{name.removeprefix('test_').replace('_', ' ')}](../tests/{file})\n"
            for measured in _of(test, figures):
                yield f"  - {_line(measured)}\n"


def _of(test: str, figures: Mapping[str, Figures]) -> list[Figures]:
    """The figures of a test, of each of its parameters."""
    return [
        each for name, each in sorted(figures.items()) if name.partition("[")[0] == f"tests/{test}"
    ]


def _line(measured: Figures) -> str:
    parameter = measured.test.partition("[")[2].removesuffix("]")
    said = [
        f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}"
        for name, value in measured.values.items()
        if value != 0
    ]
    none = [name for name, value in measured.values.items() if value == 0]
    if none:
        said.append(f"0 {', '.join(none[:-1])} and {none[-1]}" if none[1:] else f"0 {none[0]}")
    values = ", ".join(said)
    return f"{parameter}: {values} ({measured.day})" if parameter else f"{values} ({measured.day})"


def kept() -> dict[str, Figures]:
    """The last figures of each test."""
    return read(KEPT.read_text().splitlines())


def main(measured: Path) -> None:
    """Takes figures in and writes the page again."""
    figures = kept() | read(measured.read_text().splitlines())
    promises = (promise for chapter in CHAPTERS for promise in chapter.promises)
    promised = {f"tests/{test}" for promise in promises for test in promise.tests}
    lines = [
        json.dumps(asdict(figures[name])) + "\n"
        for name in sorted(figures)
        if name.partition("[")[0] in promised
    ]
    KEPT.write_text("".join(lines))
    PAGE.write_text(page(kept()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
