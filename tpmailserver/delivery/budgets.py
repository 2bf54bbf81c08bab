"""How many messages one sender may send in ten minutes.

The rule it guards: a script that runs away stops itself, not the class. Only accepted messages
count, per account, or per client address and envelope sender where nobody logged in.
"""

import time
from collections.abc import Callable

from tpmailserver.model import Accepted, Address, Client, Reason, Refusal

_WINDOW = 600.0
_TIDY_EVERY = 60.0


class Budgets:
    """The messages accepted from each sender in its current ten minutes."""

    def __init__(self, limit: int, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._windows: dict[str, tuple[float, int]] = {}
        self._tidied = clock()

    def check(self, client: Client, sender: Address | None, login: str) -> Accepted | Refusal:
        """Whether this sender may send one more message now."""
        if not self._limit:
            return Accepted()
        begun, count = self._window(_key(client, sender, login))
        if count < self._limit:
            return Accepted()
        left = begun + _WINDOW - self._clock()
        at = time.strftime("%H:%M:%S", time.localtime(time.time() + left))
        return Refusal(Reason.BUDGET_SPENT, (str(self._limit), at))

    def count(self, client: Client, sender: Address | None, login: str) -> None:
        """Notes an accepted message."""
        if self._limit:
            key = _key(client, sender, login)
            begun, count = self._window(key)
            self._windows[key] = (begun, count + 1)
            self._tidy()

    def _window(self, key: str) -> tuple[float, int]:
        now = self._clock()
        begun, count = self._windows.get(key, (now, 0))
        return (begun, count) if now - begun < _WINDOW else (now, 0)

    def _tidy(self) -> None:
        now = self._clock()
        if now - self._tidied >= _TIDY_EVERY:
            self._tidied = now
            current = self._windows.items()
            self._windows = {key: each for key, each in current if now - each[0] < _WINDOW}


def _key(client: Client, sender: Address | None, login: str) -> str:
    return f"account {login}" if login else f"{client} {str(sender).lower()}"
