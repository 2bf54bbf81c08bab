"""Waits for an answer that may never come.

The rule it guards: a resolver, a file server or a program that hangs holds nobody up. What it was
asked goes on, on a thread that ends with the process.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

Answer = TypeVar("Answer")
Thing = TypeVar("Thing")

_A_WHILE = 5.0  # seconds


class ForAWhile(Iterable[Thing]):
    """Things that take long to come by: those of the first seconds, `is_all` where that is all."""

    def __init__(self, things: Iterable[Thing], seconds: float = _A_WHILE) -> None:
        self.is_all = False
        self._things = things
        self._seconds = seconds

    def __iter__(self) -> Iterator[Thing]:
        ends = time.monotonic() + self._seconds
        for each in self._things:
            if time.monotonic() >= ends:
                return
            yield each
        self.is_all = True


def within(seconds: float, work: Callable[[], Answer]) -> Answer:
    """What some work comes to, an exception of it too; TimeoutError when that takes longer."""
    answer: Future[Answer] = Future()

    def run() -> None:
        try:
            answer.set_result(work())
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is awaited
            answer.set_exception(error)

    Thread(target=run, daemon=True).start()
    return answer.result(seconds)
