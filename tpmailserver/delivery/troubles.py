"""What went wrong with a list, kept for the instructor.

The rule it guards: a sender only hears that it went wrong; why is for whoever keeps the list, in
`tpmail list show`. What cannot be written down is no further trouble.
"""

from collections.abc import Callable
from contextlib import suppress

from tpmailserver.store.lists import Lists

from .threads import Threads


class Troubles:
    """The last trouble of each list."""

    def __init__(self, lists: Lists, clock: Callable[[], float], threads: Threads) -> None:
        self._lists = lists
        self._clock = clock
        self._threads = threads

    async def note(self, name: str, what: str) -> None:
        """Notes that a list's hook has failed."""
        with suppress(OSError):
            await self._threads.disk(self._lists.note_trouble, name, what, self._clock())
