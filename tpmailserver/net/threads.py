"""The threads on which everything that blocks is done.

The rule it guards: the reactor never waits for a disk or a hash. Work that was begun is finished,
whoever has left meanwhile: a lock that a thread has taken must not be forgotten.
"""

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, ParamSpec, TypeVar

from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.defer import TimeoutError as DeferredTimeoutError
from twisted.internet.task import deferLater

from tpmailserver.delivery.answers import HookFailed
from tpmailserver.delivery.threads import HOOKS_AT_ONCE, apart

from .pool import Pool

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_DISK_THREADS = 10
_HASHING_THREADS = 2


class ReactorThreads:
    """`delivery.threads.Threads` on a Twisted reactor."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._disk = Pool(reactor, _DISK_THREADS, "disk")
        self._hashing = Pool(reactor, _HASHING_THREADS, "hashing")
        self._hooks = DeferredSemaphore(HOOKS_AT_ONCE)

    def stop(self) -> None:
        """Waits for what was begun and stops the pools; a hook is not waited for."""
        self._hashing.stop()
        self._disk.stop()

    async def disk(
        self, work: Callable[Arguments, Result], *args: Arguments.args, **kw: Arguments.kwargs
    ) -> Result:
        """Does work that reads or writes files."""
        return await self._disk.do(partial(work, *args, **kw))

    async def hashing(
        self, work: Callable[Arguments, Result], *args: Arguments.args, **kw: Arguments.kwargs
    ) -> Result:
        """Does work that costs processor time."""
        return await self._hashing.do(partial(work, *args, **kw))

    async def hook(
        self,
        seconds: float,
        work: Callable[Arguments, Result],
        *args: Arguments.args,
        **kw: Arguments.kwargs,
    ) -> Result:
        """Does the work of a hook on a daemon thread of its own; TimeoutError past its seconds.

        A place is waited for first, as long as for the work; HookFailed where none gets free.
        """
        try:
            await self._hooks.acquire().addTimeout(seconds, self._reactor)
        except DeferredTimeoutError:
            said = f"was not asked: {HOOKS_AT_ONCE} hooks are at work, and none got done in time"
            raise HookFailed(said) from None
        done: Deferred[Result] = Deferred()

        def end(outcome: Future[Result]) -> None:
            self._hooks.release()
            if error := outcome.exception():
                done.errback(error)
            else:
                done.callback(outcome.result())

        apart(work, *args, **kw).add_done_callback(
            lambda outcome: self._reactor.callFromThread(end, outcome)
        )
        try:
            return await done.addTimeout(seconds, self._reactor)
        except DeferredTimeoutError:
            raise TimeoutError from None

    async def pause(self, seconds: float) -> None:
        """Lets that much time pass."""
        if seconds > 0:
            await deferLater(self._reactor, seconds)

    async def others_turn(self) -> None:
        """Lets every other session do what it has to do at this moment."""
        await deferLater(self._reactor, 0)
