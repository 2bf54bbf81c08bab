"""The breaker: stops a list that somebody writes to again and again.

The rule it guards: a loop whose messages bear no trace of it ends as well. A script that sends on
what it reads, under a new header, cannot be told from a writer but by how much it writes: past the
bound the list is suspended until somebody has looked, and its owner is told once, in words: who
reads what from which list, and who writes it back.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Sequence

from tpmailserver.model import Accepted, Reason, Refusal
from tpmailserver.store.directory import Directory
from tpmailserver.store.lists import MailingList

from .budgets import Budget
from .posting import Writer
from .threads import Threads

_NAMED_AT_MOST = 10
# A reply is one line, of 512 octets, and has more to say than the way.
_LETTERS_AT_MOST = 400
_WRITERS_REMEMBERED = 1000


def in_words(way: Sequence[str]) -> str:
    """A way of names as people read it, a long one without its middle."""
    for named in range(_NAMED_AT_MOST, 0, -2):
        half = named // 2
        shown = way if len(way) <= named else [*way[:half], "...", *way[-half:]]
        words = " -> ".join(shown)
        if len(words) <= _LETTERS_AT_MOST:
            break
    return words


class Runaways:
    """The breakers of all lists; `reach` says which mailboxes a list comes to."""

    def __init__(
        self,
        directory: Directory,
        reach: Callable[[MailingList], Collection[str]],
        suspend: Callable[[MailingList, str, str], None],
        breaker: Budget,
        threads: Threads,
    ) -> None:
        self._directory = directory
        self._reach = reach
        self._suspend = suspend
        self._breaker = breaker
        self._threads = threads
        self._written: OrderedDict[str, dict[str, None]] = OrderedDict()
        self._being_suspended: set[str] = set()

    async def check(self, mailing_list: MailingList, writer: Writer) -> Accepted | Refusal:
        """Whether a list may send on one more message of this writer; suspends it if not."""
        name = mailing_list.name
        source = _source(mailing_list, writer)
        if not self._breaker.is_spent(source):
            return Accepted()
        way = self._way(mailing_list, writer)
        limit, _ = self._breaker.in_words(source)
        why = f"loop: {in_words(way)}" if way else f"{writer} wrote {limit} messages to it"
        if name not in self._being_suspended:
            self._being_suspended.add(name)
            try:
                await self._threads.disk(self._suspend, mailing_list, str(writer), why)
                # Once somebody resumes the list, its writers begin anew.
                self._breaker.forgive(source)
            finally:
                self._being_suspended.discard(name)
        if way:
            return Refusal(Reason.LIST_LOOP, (in_words(way),))
        return Refusal(Reason.LIST_SUSPENDED, (name, why))

    def count(self, mailing_list: MailingList, writer: Writer) -> None:
        """Notes a message that a list has sent on."""
        self._breaker.count(_source(mailing_list, writer))
        if writer.account:
            self._written.setdefault(writer.account, {})[mailing_list.name] = None
            self._written.move_to_end(writer.account)
            if len(self._written) > _WRITERS_REMEMBERED:
                self._written.popitem(last=False)

    def _way(self, mailing_list: MailingList, writer: Writer) -> tuple[str, ...]:
        """From a list over those who read it and write to another, back to it; () for no way."""
        start = mailing_list.name
        ways: deque[tuple[str, ...]] = deque([(start,)])
        seen = {start}
        while ways:
            way = ways.popleft()
            source = self._directory.mailing_list(way[-1])
            readers = self._reach(source) if source is not None else ()
            if writer.account in readers:
                return (*way, writer.account, start)
            for reader in self._written.keys() & set(readers):
                for name in self._written[reader]:
                    if name not in seen:
                        seen.add(name)
                        ways.append((*way, reader, name))
        return ()


def _source(mailing_list: MailingList, writer: Writer) -> str:
    return f"{mailing_list.name} {str(writer).lower()}"
