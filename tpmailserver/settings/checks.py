"""What a key of `tpmail.toml` may hold: each check returns the value or says what the key takes.

The rule it guards: whoever wrote the file is told, in one line, which key is wrong and what to
write there.
"""

from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches


class SettingsError(ValueError):
    """A setting that cannot be used; its text is one line for the person who wrote it."""


Check = Callable[[str, object], object]
TextCheck = Callable[[str, object], str]


def checked(
    table: Mapping[str, object], checks: Mapping[str, Check], prefix: str
) -> dict[str, object]:
    """The values of a table, each as its check returns it; `prefix` goes before its keys."""
    values: dict[str, object] = {}
    for key, value in table.items():
        if key not in checks:
            raise SettingsError(f"{prefix}{key} is no setting{_nearest(key, checks, prefix)}")
        values[key] = checks[key](prefix + key, value)
    return values


def _nearest(key: str, known: Collection[str], prefix: str) -> str:
    close = get_close_matches(key, known, n=1, cutoff=0.5)
    if close:
        return f", did you mean {prefix}{close[0]}?"
    return f"; known are {', '.join(known)}"


def table(key: str, value: object) -> Mapping[str, object]:
    """A table of TOML."""
    if not isinstance(value, Mapping):
        raise SettingsError(f"{key} is a table: write [{key}] on a line of its own")
    return value


def text(key: str, value: object) -> str:
    """A text, empty perhaps."""
    if not isinstance(value, str):
        raise SettingsError(f'{key} takes a text in quotes, such as {key} = "..."')
    return value


def one_of(*choices: str) -> TextCheck:
    """One of a few texts."""

    def check(key: str, value: object) -> str:
        if value not in choices:
            raise SettingsError(f"{key} takes {' or '.join(map(repr, choices))}, not {value!r}")
        return str(value)

    return check


def whole(key: str, value: object) -> int:
    """A whole number, 0 for no limit."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise SettingsError(f"{key} takes a whole number, 0 for no limit, not {value!r}")
    return value


def seconds(key: str, value: object) -> float:
    """A number of seconds, 0 for no limit."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise SettingsError(f"{key} takes a number of seconds, 0 for no limit, not {value!r}")
    return value
