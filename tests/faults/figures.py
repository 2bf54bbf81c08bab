"""The figures that the tests measure, a line of JSON for each test.

They are written to the file that TPMAIL_FIGURES names, and nowhere without it; `make faults` makes
docs/promises.md of them.
"""

import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

_VARIABLE = "TPMAIL_FIGURES"

Values = Mapping[str, int | str]


@dataclass(frozen=True, slots=True)
class Figures:
    """What a test has measured, and on which day."""

    test: str
    day: str
    values: Values


def write(test: str, values: Values) -> None:
    """Adds what a test has measured; `test` is its file and name, as pytest says them."""
    file = os.environ.get(_VARIABLE)
    if file and values:
        line = {"test": test, "day": time.strftime("%Y-%m-%d"), "values": dict(values)}
        with Path(file).open("a") as out:  # several processes write, each line at once
            out.write(json.dumps(line) + "\n")


def read(lines: Iterable[str]) -> dict[str, Figures]:
    """The last figures of each test."""
    each = (json.loads(line) for line in lines if line.strip())
    return {one["test"]: Figures(one["test"], one["day"], one["values"]) for one in each}
