"""Turns an exception into a refusal, with one line in the log.

The rule it guards: our own trouble is temporary. A full disk is 452, everything else 451, never
5xx, never a silent close; and one fault that strikes a thousand sessions writes a line a second,
not a thousand.
"""

import errno
from collections import Counter
from collections.abc import Callable

from twisted.logger import Logger
from twisted.python.failure import Failure

from tpmailserver.delivery.trouble import reason_of
from tpmailserver.model import Refusal

_log = Logger()
_APART = 1.0


class Faults:
    """The faults of one server."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last: dict[str, float] = {}
        self._unsaid: Counter[str] = Counter()

    def refusal(self, error: Exception, doing: str) -> Refusal:
        """The refusal for an error that struck while `doing` something."""
        self._log(error, doing)
        return Refusal(reason_of(error))

    def _log(self, error: Exception, doing: str) -> None:
        if isinstance(error, OSError):
            kind = errno.errorcode.get(error.errno or 0, type(error).__name__)
        else:
            kind = type(error).__name__
        now = self._clock()
        if now - self._last.get(kind, -_APART) < _APART:
            self._unsaid[kind] += 1
            return
        self._last[kind] = now
        unsaid = self._unsaid.pop(kind, 0)
        more = f" ({unsaid} more like it before)" if unsaid else ""
        if isinstance(error, OSError):
            _log.error("{doing}: {error!s}{more}", doing=doing, error=error, more=more)
        else:
            # A bug: this one place in the server shows where.
            _log.failure("{doing}: a bug{more}", Failure(error), doing=doing, more=more)
