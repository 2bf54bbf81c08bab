"""The `[hooks.LIST]` tables of `tpmail.toml`: what expands a list in the place of its members.

The rule it guards: a program is named by its whole path and gets its arguments as they stand, and
no hook is without bounds.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tpmailserver.model import name_of

from .checks import Check, SettingsError, checked, table, text

HOOKS_FOLDER = "hooks"
"""The folder of the site in which the modules of Python hooks are looked for first."""

_DOORS = ("program", "python", "plugin")
_OF_A_PROGRAM = ("memory", "output", "processes", "user")

# A module of Python, a colon, and an object of that module.
_NAME = r"[^\W\d]\w*"
_PYTHON = re.compile(rf"{_NAME}(\.{_NAME})*:{_NAME}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Hook:
    """What says, in the place of its members, to whom the messages of the list `name` go.

    Either `program` (an argument vector), `python` ("module:object") or `plugin` (a name) is
    there; seconds and octets. What is below `seconds` bounds a program only; `memory` is that of
    all its processes together, and `user` is "" for the default.
    """

    name: str
    program: tuple[str, ...] = ()
    python: str = ""
    plugin: str = ""
    seconds: float = 10
    memory: int = 256 * 1024 * 1024
    output: int = 1024 * 1024
    processes: int = 16
    user: str = ""


def read_hooks(key: str, value: object) -> tuple[Hook, ...]:
    """The hooks of the lists that have one."""
    if not isinstance(value, Mapping):
        raise SettingsError(f"{key} are tables: write [{key}.LIST] with the name of a list")
    found: dict[str, Hook] = {}
    for written, each in value.items():
        name = name_of(written)
        if name is None:
            raise SettingsError(f"{key}: {written!r} is no name that a list can have")
        if name in found:
            raise SettingsError(f"{key}.{written}: {name} has a hook already")
        found[name] = _hook(f"{key}.{written}", name, each)
    return tuple(found.values())


def _hook(key: str, name: str, value: object) -> Hook:
    values = checked(table(key, value), _CHECKS, f"{key}.")
    doors = sum(each in values for each in _DOORS)
    if doors != 1:
        raise SettingsError(f"{key} takes one of program, python and plugin; here are {doors}")
    for each in _OF_A_PROGRAM:
        if each in values and "program" not in values:
            raise SettingsError(f"{key}.{each} is for a program only")
    return Hook(name, **values)  # type: ignore[arg-type]


def _program(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise SettingsError(f'{key} takes a list of texts, such as ["/srv/hooks/poll", "--fast"]')
    if not value or not value[0].startswith("/"):
        raise SettingsError(f'{key} begins with a whole path, such as ["/srv/hooks/poll"]')
    if "\0" in "".join(value):
        raise SettingsError(f"{key}: NUL cannot be in an argument of a program")
    return tuple(value)


def _python(key: str, value: object) -> str:
    if not _PYTHON.fullmatch(text(key, value)):
        raise SettingsError(
            f'{key} takes "module:object", such as "moderated:Moderated", not {value!r}'
        )
    return text(key, value)


def _name(key: str, value: object) -> str:
    if not text(key, value):
        raise SettingsError(f"{key} is empty")
    return text(key, value)


def _whole(key: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise SettingsError(f"{key} takes a whole number from 1 on, not {value!r}")
    return value


def _seconds(key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise SettingsError(f"{key} takes a number of seconds above 0, not {value!r}")
    return value


_CHECKS: Mapping[str, Check] = {
    "program": _program,
    "python": _python,
    "plugin": _name,
    "seconds": _seconds,
    "memory": _whole,
    "output": _whole,
    "processes": _whole,
    "user": _name,
}
