"""Which of the inputs that a fuzz has made are worth playing again: those that took a new way.

A way is a step from one line of the code to the next; short inputs are asked first, after all
seeds.
"""

import sys
from collections.abc import Callable, Iterable
from types import CodeType, FrameType

_Way = tuple[CodeType, int, int]
_OURS = "/tpmailserver/"


def worth_keeping(
    target: Callable[[bytes], None], seeds: Iterable[bytes], inputs: Iterable[bytes]
) -> list[bytes]:
    """Those of the inputs that reach what neither a seed nor a shorter input reaches."""
    known: set[_Way] = set()
    for each in seeds:
        known |= ways(target, each)
    kept = []
    for each in sorted(inputs, key=lambda octets: (len(octets), octets)):
        found = ways(target, each)
        if found - known:
            known |= found
            kept.append(each)
    return kept


def ways(target: Callable[[bytes], None], octets: bytes) -> set[_Way]:
    """Every step between two lines of our code that an input makes it take."""
    found: set[_Way] = set()

    def on_call(frame: FrameType, _event: str, _argument: object) -> object:
        if _OURS not in frame.f_code.co_filename:
            return None
        last = 0

        def on_line(frame: FrameType, event: str, _argument: object) -> object:
            nonlocal last
            if event == "line":
                found.add((frame.f_code, last, frame.f_lineno))
                last = frame.f_lineno
            return on_line

        return on_line

    before = sys.gettrace()
    sys.settrace(on_call)  # type: ignore[arg-type]
    try:
        target(octets)
    finally:
        sys.settrace(before)
    return found
