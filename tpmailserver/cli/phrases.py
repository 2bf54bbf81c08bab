"""How counts, names, sizes and times are said to a person."""

import time
from collections.abc import Sequence

from tpmailserver.admin.numbers import compact

_KIB = 1024.0

_NAMED = 10


def count(number: int, thing: str) -> str:
    """A number of things: `1 account`, `1,200 accounts`; `thing` takes a plain s."""
    if thing.endswith("x"):
        return f"{number:,} {thing if number == 1 else thing + 'es'}"
    return f"{number:,} {thing if number == 1 else thing + 's'}"


def ranges(numbers: tuple[str, ...]) -> str:
    """`: 22000001-22000005, anna` behind a count; "" for none and for more than a line holds."""
    # A long list helps nobody here: `tpmail accounts` and `--json` have it.
    text = compact(numbers)
    return f": {text}" if text and len(text) <= 200 else ""


def first_of(texts: Sequence[str]) -> str:
    """`tp1 20, tp2 19`: the first ten of them, and how many more there are."""
    more = f" and {len(texts) - _NAMED:,} more" if len(texts) > _NAMED else ""
    return ", ".join(texts[:_NAMED]) + more


def plain(text: str) -> str:
    """A text of somebody else's on one line: what would move the cursor is shown as its code."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii")
        for each in text
    )


def short(text: str, width: int) -> str:
    """A text of somebody else's in at most `width` characters."""
    shown = plain(text)
    return shown if len(shown) <= width else shown[: width - 3] + "..."


def size(octets: int) -> str:
    """A size in the largest unit that leaves it above one: `812 B`, `12.3 KiB`."""
    if octets < _KIB:
        return f"{octets} B"
    amount = float(octets)
    for unit in ("KiB", "MiB"):
        amount /= _KIB
        if amount < _KIB:
            return f"{amount:.1f} {unit}"
    return f"{amount / _KIB:.1f} GiB"


def moment(at: float | None) -> str:
    """A moment to the minute in local time, or a dash for never."""
    return "-" if at is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def day(at: float | None, now: float) -> str:
    """A moment to the minute where it is today's, else its date, or a dash for never."""
    if at is None:
        return "-"
    then, today = time.localtime(at), time.localtime(now)
    return time.strftime("today %H:%M" if then[:3] == today[:3] else "%Y-%m-%d", then)


def clock_time(at: float, now: float) -> str:
    """A moment to the second; its date only where that is not today's."""
    then, today = time.localtime(at), time.localtime(now)
    same_day = then[:3] == today[:3]
    return time.strftime("%H:%M:%S" if same_day else "%Y-%m-%d %H:%M", then)
