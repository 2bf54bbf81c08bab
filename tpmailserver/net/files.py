"""The files that a process may have open, of which every connection is one.

The rule it guards: a crowd does not take the last of them. Whoever is in needs more, to deliver a
message or to lock a maildrop; so from a mark on newcomers are told to come later, and past a second
one the connection is ended at once. The system gives the lowest free number to what is opened
next: the number of a new connection tells how many are taken.
"""

import resource

_OURS = 128
"""Kept for the disk threads, the database, the log, hooks, and what sessions open later."""


def is_short(number: int) -> bool:
    """Whether a connection with this file number is one too many."""
    limit = _limit()
    return number >= limit - min(_OURS, limit // 3)


def is_very_short(number: int) -> bool:
    """Whether not even a connection that was told to go may stay a moment."""
    limit = _limit()
    return number >= limit - min(_OURS, limit // 3) // 2


def _limit() -> int:
    usual, _highest = resource.getrlimit(resource.RLIMIT_NOFILE)
    return usual if usual != resource.RLIM_INFINITY else 1 << 30
