"""What policy needs of whoever runs it: threads for what blocks, and time that passes.

The rule it guards: nothing in this room blocks. It awaits, and does not know whether a Twisted
reactor or a plain test runs the work.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, Protocol, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Threads(Protocol):
    """Where blocking work is done."""

    async def disk(
        self, work: Callable[Arguments, Result], *args: Arguments.args, **kw: Arguments.kwargs
    ) -> Result:
        """Does work that reads or writes files."""

    async def hashing(
        self, work: Callable[Arguments, Result], *args: Arguments.args, **kw: Arguments.kwargs
    ) -> Result:
        """Does work that costs processor time, on threads of its own."""

    async def pause(self, seconds: float) -> None:
        """Lets that much time pass."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Threads, the time of day for dates, and a clock that never jumps for waiting and counting."""

    threads: Threads
    wall: Callable[[], float]
    steady: Callable[[], float]
