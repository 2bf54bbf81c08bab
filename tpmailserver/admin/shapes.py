"""Reads a value that came as JSON into the typed value it stands for.

The rule it guards: what comes over the control socket is checked once, here, against the type that
an action declares; behind this page nobody asks again. `dataclasses.asdict` is the way back.
"""

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints


class WrongShape(ValueError):
    """A value that is not what its type says; its text names the place."""


def read_as(shape: Any, value: object, place: str = "value") -> Any:
    """The value as `shape`: str, int, float, bool, None, a union, tuple[X, ...] or a dataclass."""
    if is_dataclass(shape) and isinstance(shape, type):
        return shape(**read_fields(shape, value, place))
    if isinstance(shape, types.UnionType):
        return _read_union(get_args(shape), value, place)
    if get_origin(shape) is tuple:
        if not isinstance(value, list | tuple):
            raise WrongShape(f"{place} takes a list")
        item = get_args(shape)[0]
        return tuple(read_as(item, each, f"{place}[{at}]") for at, each in enumerate(value))
    if shape is float and type(value) is int:
        return float(value)
    # `type() is` and not isinstance: True is an int to Python and to nobody else.
    if type(value) is not shape:
        raise WrongShape(f"{place} takes {getattr(shape, '__name__', shape)}")
    return value


def read_fields(record: Any, value: object, place: str) -> dict[str, Any]:
    """The fields of a dataclass, each read as its type; none unknown, none missing."""
    hints, required = _form(record)
    return read_table(hints, required, value, place)


def read_table(
    hints: Mapping[str, Any], required: frozenset[str], value: object, place: str
) -> dict[str, Any]:
    """A JSON object with these keys, each value read as its type."""
    if not isinstance(value, Mapping):
        raise WrongShape(f"{place} takes an object")
    for key in value:
        if key not in hints:
            raise WrongShape(f"{place} knows no {key!r}")
    for key in sorted(required - value.keys()):
        raise WrongShape(f"{place} lacks {key!r}")
    return {key: read_as(hints[key], each, f"{place}.{key}") for key, each in value.items()}


# A roster brings the same record 30,000 times, and to read its annotations takes long.
@cache
def _form(record: Any) -> tuple[Mapping[str, Any], frozenset[str]]:
    required = frozenset(
        each.name
        for each in fields(record)
        if each.default is MISSING and each.default_factory is MISSING
    )
    return get_type_hints(record), required


def _read_union(choices: tuple[Any, ...], value: object, place: str) -> Any:
    if value is None and types.NoneType in choices:
        return None
    (shape,) = (each for each in choices if each is not types.NoneType)
    return read_as(shape, value, place)
