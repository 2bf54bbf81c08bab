"""How many messages may come from one source in ten minutes.

The rule it guards: a script that runs away stops itself, not the class. Only accepted messages
count: per account, or per client address and envelope sender where nobody logged in; and per list.
"""

import time
from collections.abc import Callable

from tpmailserver.model import Address, Client

_WINDOW = 600.0
_TIDY_EVERY = 60.0


class Budget:
    """The messages of each source in its current ten minutes; a limit of 0 is none."""

    def __init__(self, limit: int, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._windows: dict[str, tuple[float, int]] = {}
        self._tidied = clock()

    def is_spent(self, source: str) -> bool:
        """Whether a source may not have one more message now."""
        return 0 < self._limit <= self._window(source)[1]

    def in_words(self, source: str) -> tuple[str, str]:
        """The limit, and the time of day when a source may go on."""
        left = self._window(source)[0] + _WINDOW - self._clock()
        return str(self._limit), time.strftime("%H:%M:%S", time.localtime(time.time() + left))

    def count(self, source: str) -> None:
        """Notes an accepted message."""
        if self._limit:
            begun, count = self._window(source)
            self._windows[source] = (begun, count + 1)
            self._tidy()

    def forgive(self, source: str) -> None:
        """Begins a source's ten minutes anew."""
        self._windows.pop(source, None)

    def _window(self, source: str) -> tuple[float, int]:
        now = self._clock()
        begun, count = self._windows.get(source, (now, 0))
        return (begun, count) if now - begun < _WINDOW else (now, 0)

    def _tidy(self) -> None:
        now = self._clock()
        if now - self._tidied >= _TIDY_EVERY:
            self._tidied = now
            current = self._windows.items()
            self._windows = {key: each for key, each in current if now - each[0] < _WINDOW}


def source_of(client: Client, sender: Address | None, login: str) -> str:
    """Whose budget a message counts against."""
    return f"account {login}" if login else f"{client} {str(sender).lower()}"
