"""What policy needs of whoever runs it: threads for what blocks, and time that passes.

The rule it guards: nothing in this room blocks. It awaits, and does not know whether a Twisted
reactor or a plain test runs the work.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread
from typing import ParamSpec, Protocol, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

HOOKS_AT_ONCE = 16


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

    async def hook(
        self,
        seconds: float,
        work: Callable[Arguments, Result],
        *args: Arguments.args,
        **kw: Arguments.kwargs,
    ) -> Result:
        """Does the work of a hook on a daemon thread of its own; TimeoutError past its seconds.

        At most HOOKS_AT_ONCE are at work, and one that hangs keeps its place until it ends. Where
        no place is free, one is waited for as long as for the work; then there is a HookFailed.
        """

    async def pause(self, seconds: float) -> None:
        """Lets that much time pass."""


class Inline:
    """`Threads` of a command line, which has nothing else to do: it waits for all work."""

    async def disk(
        self, work: Callable[Arguments, Result], *args: Arguments.args, **kw: Arguments.kwargs
    ) -> Result:
        """Does the work."""
        return work(*args, **kw)

    async def hashing(
        self, work: Callable[Arguments, Result], *args: Arguments.args, **kw: Arguments.kwargs
    ) -> Result:
        """Does the work."""
        return work(*args, **kw)

    async def hook(
        self,
        seconds: float,
        work: Callable[Arguments, Result],
        *args: Arguments.args,
        **kw: Arguments.kwargs,
    ) -> Result:
        """Waits for the work, and goes on without it past its seconds."""
        return apart(work, *args, **kw).result(seconds)

    async def pause(self, seconds: float) -> None:
        """Sleeps."""
        time.sleep(max(0.0, seconds))


def apart(
    work: Callable[Arguments, Result], *args: Arguments.args, **kw: Arguments.kwargs
) -> "Future[Result]":
    """Does work on a daemon thread of its own, which the end of the process does not wait for."""
    outcome: Future[Result] = Future()

    def carry() -> None:
        try:
            outcome.set_result(work(*args, **kw))
        except BaseException as error:  # noqa: BLE001 - raised where the outcome is asked for
            outcome.set_exception(error)

    try:
        Thread(target=carry, name="hook", daemon=True).start()
    except RuntimeError as error:  # the system has no thread left
        outcome.set_exception(error)
    return outcome


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Threads, the time of day for dates, and a clock that never jumps for waiting and counting."""

    threads: Threads
    wall: Callable[[], float]
    steady: Callable[[], float]
