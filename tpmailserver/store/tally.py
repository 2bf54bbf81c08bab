"""How full each mailbox is, known without looking.

The rule it guards: RCPT asks "is there room?" for every recipient and must not read a disk for the
answer. A tally is counted once from a listing and then kept up by what is delivered and removed; a
listing that was read while something changed replaces nothing, for it may have seen the change or
not.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock


@dataclass(frozen=True, slots=True)
class Tally:
    """How many messages a mailbox holds, and their stored octets."""

    messages: int
    octets: int

    def is_beyond(self, most: "Tally") -> bool:
        """Whether it is more than `most`, in one way or the other."""
        return self.messages > most.messages or self.octets > most.octets


class Tallies:
    """The tallies of all mailboxes, in memory."""

    def __init__(self) -> None:
        self._known: dict[str, Tally] = {}
        self._changes: Counter[str] = Counter()
        self._under_way: Counter[str] = Counter()
        self._lock = Lock()

    def known(self, name: str) -> Tally | None:
        """The tally of a mailbox, or None where it must be counted first."""
        return self._known.get(name)

    def perhaps_beyond(self, most: Tally, names: Iterable[str]) -> list[str]:
        """Those of the mailboxes that are beyond `most`, or must be counted first."""
        # All of a university may be on a list: no call for each of them.
        known, messages, octets = self._known.get, most.messages, most.octets
        return [
            name
            for name in names
            if (tally := known(name)) is None or tally.messages > messages or tally.octets > octets
        ]

    @contextmanager
    def changing(self, names: Sequence[str]) -> Iterator[None]:
        """Says that messages come or go in the mailboxes `names`, each named once."""
        with self._lock:
            self._under_way.update(names)
        try:
            yield
        finally:
            with self._lock:
                for name in names:
                    self._changes[name] += 1
                    self._under_way[name] -= 1
                    if not self._under_way[name]:
                        del self._under_way[name]

    def add(self, name: str, messages: int, octets: int) -> None:
        """Adds to a tally that is known; negative numbers take away."""
        with self._lock:
            tally = self._known.get(name)
            if tally is not None:
                total = Tally(tally.messages + messages, tally.octets + octets)
                self._known[name] = total

    def mark(self, name: str) -> int:
        """A mark to set before a mailbox is listed, for `replace`."""
        return self._changes[name]

    def replace(self, name: str, mark: int, tally: Tally) -> None:
        """Takes a tally counted since `mark`, unless the mailbox was changing meanwhile."""
        with self._lock:
            if self._changes[name] == mark and name not in self._under_way:
                self._known[name] = tally

    def forget(self, name: str) -> None:
        """Drops a tally: the next one is counted from the disk."""
        with self._lock:
            self._changes[name] += 1
            self._known.pop(name, None)
