"""What was worked out for a list, kept for whoever asks next.

The rule it guards: a list may have 30,000 members, every RCPT asks about it, and the thread that
asks serves everybody. So the work is done once, until the tables change: a refresh of the directory
puts a new value in the place of every list, those that have not changed as well, and so a list that
is still the same object has the same members, and they have theirs.
"""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from tpmailserver.store.lists import MailingList

Result = TypeVar("Result")

# A list of 30,000 takes megabytes.
_LISTS_AT_MOST = 16


class Remembered(Generic[Result]):
    """The results of `work`, which reads the tables and nothing else, for the lists asked last."""

    def __init__(self, work: Callable[[MailingList], Result]) -> None:
        self._work = work
        self._done: OrderedDict[str, tuple[MailingList, Result]] = OrderedDict()
        self._busy = Lock()

    def __call__(self, mailing_list: MailingList) -> Result:
        """The result for a list, worked out now if it is not known."""
        name = mailing_list.name
        with self._busy:
            done = self._done.get(name)
            if done is not None and done[0] is mailing_list:
                self._done.move_to_end(name)
                return done[1]
        result = self._work(mailing_list)
        with self._busy:
            self._done[name] = (mailing_list, result)
            self._done.move_to_end(name)
            if len(self._done) > _LISTS_AT_MOST:
                self._done.popitem(last=False)
        return result
