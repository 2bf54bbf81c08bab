"""What goes over the control socket: one JSON object in a line each way, then the end.

    → {"action": "reset", "arguments": {"who": {"group": "tp1"}}}
    ← {"report": {"numbers": ["22000001"], ...}}
    ← {"error": "no group tp1; nothing is done (groups: tp2)"}

The rule it guards: a line holds no more than `LONGEST_REQUEST` octets, which is room for a roster
of half a million, and what is not such an object gets an error line, never silence.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SOCKET_NAME = "control.socket"

LONGEST_REQUEST = 16 * 1024 * 1024


class BadLine(ValueError):
    """A line that is not what this page describes; its text says so."""


@dataclass(frozen=True, slots=True)
class Request:
    """An action's name and its arguments, not yet checked against its signature."""

    action: str
    arguments: dict[str, Any]


def request_line(request: Request) -> bytes:
    """A request as it goes over the socket."""
    return _line({"action": request.action, "arguments": request.arguments})


def report_line(report: Mapping[str, object]) -> bytes:
    """A report as it goes over the socket."""
    return _line({"report": report})


def error_line(text: str) -> bytes:
    """A refusal as it goes over the socket."""
    return _line({"error": text})


def read_request(line: bytes) -> Request:
    """The request in a line."""
    table = _table(line)
    action, arguments = table.get("action"), table.get("arguments")
    if table.keys() != {"action", "arguments"} or not isinstance(action, str):
        raise BadLine('a request is {"action": "NAME", "arguments": {...}}')
    if not isinstance(arguments, dict):
        raise BadLine("the arguments of a request are an object")
    return Request(action, arguments)


def read_answer(line: bytes) -> dict[str, Any] | str:
    """The report in a line, or the text of the error."""
    table = _table(line)
    match table:
        case {"report": dict(report)}:
            return report
        case {"error": str(error)}:
            return error
    raise BadLine('an answer is {"report": {...}} or {"error": "..."}')


def _line(table: Mapping[str, object]) -> bytes:
    return json.dumps(table, separators=(",", ":")).encode("ascii") + b"\n"


def _table(line: bytes) -> dict[str, Any]:
    try:
        table = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadLine("the line is not JSON") from error
    if not isinstance(table, dict):
        raise BadLine("the line is not a JSON object")
    return table
