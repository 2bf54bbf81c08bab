"""How student numbers are written: one by one, in ranges, and folded.

The rule it guards: leading zeros stay, so both ends of a range have the same width, and nothing
that is not a name gets past this page. `22000001-22000040` means forty numbers; any other word
is a name of its own, so that `jean-paul` is one account. A range that is written in another way is
refused with the right one: as a name, `22000001..22000009` would be one account and not nine.
"""

import re
from collections.abc import Iterable, Sequence

from tpmailserver.model import name_of

WHAT_A_NAME_IS = "a name is 1 to 64 of a-z 0-9 . _ -, a letter or digit first"

LONGEST_RANGE = 100_000

_RANGE = re.compile(r"([0-9]+)-([0-9]+)", re.ASCII)

# How ranges are written elsewhere: in shells, in a text processor, in mathematics.
_NEARLY_RANGE = re.compile(
    r"([0-9]{1,64})(?:\.{2,}|…|[\u2010-\u2015\u2212]|:|--+)([0-9]{1,64})", re.ASCII
)

# As many are named one by one; where there are more, neighbours become ranges.
_NAMED_SINGLY = 20


class BadNumber(ValueError):
    """A word that is neither a name nor a range; its text is one line."""


def is_range(word: str) -> bool:
    """Whether a word is written as a range, be it a good one or not."""
    return any(form.fullmatch(word) for form in (_RANGE, _NEARLY_RANGE))


def name(word: str) -> str:
    """The one name that a word spells, in lower case."""
    found = name_of(word)
    if found is None:
        raise BadNumber(f"{shown(word)} is no name: {WHAT_A_NAME_IS}")
    return found


def expand(words: Iterable[str]) -> tuple[str, ...]:
    """Every name that the words spell, each once, in their order."""
    names: dict[str, None] = {}
    for word in words:
        names.update(dict.fromkeys(_expand_one(word)))
    return tuple(names)


def shown(word: str) -> str:
    """A word as one line may show it: quoted, not too long, what is not printable escaped."""
    return repr(word if len(word) <= 40 else word[:37] + "...")


def compact(names: Iterable[str]) -> str:
    """The names in one line, neighbouring numbers as ranges: `22000001-22000005, anna`."""
    runs: list[list[str]] = []
    for each in sorted(names):
        if runs and _follows(runs[-1][-1], each):
            runs[-1] = [runs[-1][0], each]
        else:
            runs.append([each])
    return ", ".join("-".join(run) for run in runs)


def listed(names: Sequence[str]) -> str:
    """The names in one line for an error: one by one while they are few."""
    return ", ".join(names) if len(names) <= _NAMED_SINGLY else compact(names)


def _expand_one(word: str) -> Iterable[str]:
    nearly = _NEARLY_RANGE.fullmatch(word)
    if nearly is not None:
        raise BadNumber(f"{shown(word)} is no range: write {'-'.join(nearly.groups())}")
    ends = _RANGE.fullmatch(word)
    if ends is None:
        return [name(word)]
    first, last = ends.groups()
    if len(first) != len(last) or len(first) > 64:
        raise BadNumber(f"{shown(word)}: both ends of a range have the same number of digits")
    if int(first) > int(last):
        raise BadNumber(f"{shown(word)}: a range goes up, so it is {last}-{first}")
    if int(last) - int(first) >= LONGEST_RANGE:
        raise BadNumber(f"{shown(word)}: a range holds at most {LONGEST_RANGE:,} numbers")
    return [f"{each:0{len(first)}}" for each in range(int(first), int(last) + 1)]


def _follows(earlier: str, later: str) -> bool:
    return (
        len(earlier) == len(later)
        and earlier.isdigit()
        and later.isdigit()
        and int(later) == int(earlier) + 1
    )
