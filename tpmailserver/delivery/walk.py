"""The walk from the recipients of a message to the mailboxes that get a copy.

The rule it guards: one copy each, however many ways lead there. The walk is breadth first, so the
shortest way counts: a recipient who was named gets the message as it was sent to him, and not as a
list would; a list that was named comes before a list on a list; and a list that has been entered is
not entered again, so that lists which contain each other end here.

It knows no list's members. Whoever walks asks for the next list, has it expanded, and says what
came of it: so a program may take its time, and a plain list none.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from tpmailserver.model import Address
from tpmailserver.store.lists import MailingList

from .recipients import Found


@dataclass(frozen=True, slots=True)
class Stop:
    """A list on the way.

    `recipient` is the address that was named at first, `way` the lists' names from it to this one.
    """

    mailing_list: MailingList
    recipient: Address
    way: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Copies:
    """The mailboxes that get a message by one way: through a list, or directly (`stop` is None)."""

    stop: Stop | None
    mailboxes: tuple[str, ...]


class Walk:
    """One walk."""

    def __init__(self) -> None:
        self._reached: set[str] = set()
        self._waiting: deque[Stop] = deque()
        self.lists: dict[str, MailingList] = {}
        """The lists that it has come to, by their names."""
        self.copies: list[Copies] = []
        """What was found so far, each mailbox once."""

    def begin(self, recipients: Iterable[tuple[Address, Found]]) -> None:
        """Starts from the recipients of an envelope and whose they are."""
        direct = []
        for address, found in recipients:
            if isinstance(found, MailingList):
                self._enter(found, address, ())
            else:
                direct.append(found)
        self._add(None, direct)

    def next(self) -> Stop | None:
        """The next list to expand, or None at the end of the walk."""
        return self._waiting.popleft() if self._waiting else None

    def take(self, stop: Stop, members: Iterable[Found]) -> None:
        """Goes on from a list to what it came to."""
        mailboxes: list[str] = []
        for found in members:
            if isinstance(found, str):
                mailboxes.append(found)
            elif found.is_group:
                # A group on a list is so many accounts, and none of its stamps.
                mailboxes.extend(found.members)
            else:
                self._enter(found, stop.recipient, stop.way)
        self._add(stop, mailboxes)

    @property
    def mailboxes(self) -> tuple[str, ...]:
        """All mailboxes that were reached."""
        return tuple(name for each in self.copies for name in each.mailboxes)

    def _enter(self, mailing_list: MailingList, recipient: Address, way: tuple[str, ...]) -> None:
        name = mailing_list.name
        if name not in self.lists:
            self.lists[name] = mailing_list
            self._waiting.append(Stop(mailing_list, recipient, (*way, name)))

    def _add(self, stop: Stop | None, mailboxes: Iterable[str]) -> None:
        fresh = tuple(name for name in dict.fromkeys(mailboxes) if name not in self._reached)
        if fresh:
            self._reached.update(fresh)
            self.copies.append(Copies(stop, fresh))
