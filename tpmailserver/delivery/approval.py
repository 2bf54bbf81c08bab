"""Messages that wait on a list until somebody approves or rejects them.

The rule it guards: a message that waits was acknowledged, so nothing here loses it. It is removed
only when every member has it, and a rejected one is set aside, not erased. Approval is the last
word: it goes to all members that the tables know, and no hook is asked again. Of two who decide at
once the second waits, and finds it decided: nobody gets a message twice.
"""

import os
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock

from tpmailserver.model import Address, Client, Envelope, Message
from tpmailserver.store.lists import MailingList
from tpmailserver.store.maildir import deliver_all

from .expansion import Expansions
from .header import Header, words
from .held import waiting_on
from .reception import Places, stamp_of
from .stamps import Stamps

_HEAD = 64 * 1024
_PIECE = 256 * 1024
_PATH = b"Return-Path: "


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that waits: who wrote it (its envelope sender), what about, and since when."""

    identity: str
    sender: str
    subject: str
    octets: int
    since: float


class Approval:
    """What waits on the lists of a site."""

    def __init__(
        self, domain: str, expansions: Expansions, places: Places, clock: Callable[[], float]
    ) -> None:
        self._domain = domain
        self._expansions = expansions
        self._places = places
        self._clock = clock
        self._deciding = Lock()

    def reach(self, mailing_list: MailingList) -> Collection[str]:
        """The mailboxes that an approved message goes to."""
        return self._expansions.reach(mailing_list)

    def waiting(self, mailing_list: MailingList) -> tuple[Waiting, ...]:
        """What waits on a list, the oldest first."""
        found = []
        for each in waiting_on(self._places.held, mailing_list.name):
            with suppress(FileNotFoundError):  # somebody has decided at this moment
                found.append(self._described(mailing_list.name, each))
        return tuple(found)

    def count(self, mailing_list: MailingList) -> int:
        """How many messages wait on a list; opens none of them that the server has stored."""
        return len(waiting_on(self._places.held, mailing_list.name))

    def approve(self, mailing_list: MailingList, identity: str) -> int:
        """Sends a message on to all members of its list; returns how many mailboxes have it.

        Where nobody is on the list that is 0, and the message waits on.
        """
        with self._deciding:
            message = self._message(mailing_list, identity)
            mailboxes = self._send_on(mailing_list, message)
            if mailboxes and self._places.held.remove(mailing_list.name, [message]):
                raise OSError(f"{identity} is sent on, but cannot be removed and waits still")
        return mailboxes

    def reject(self, mailing_list: MailingList, identity: str) -> None:
        """Sets a message aside, into the `cur` of those that waited."""
        with self._deciding:
            message = self._message(mailing_list, identity)
            self._places.held.put_away(mailing_list.name, message)

    def _send_on(self, mailing_list: MailingList, message: Message) -> int:
        name = mailing_list.name
        address = Address(name, self._domain)
        envelope = Envelope(None, (address,), Client(None, session="approved"), "tpmail", "local")
        stamps = Stamps(envelope, self._domain, self._clock)
        copies = self._expansions.by_tables([(address, mailing_list)]).copies
        drafts = []
        try:
            for each in copies:
                draft = self._places.spool.draft(stamp_of(stamps, each.stop))
                drafts.append(draft)
                with os.fdopen(self._places.held.open(name, message), "rb") as file:
                    # Its return path was the writer's; from here on it is the list owner's.
                    if not (line := file.readline()).startswith(_PATH):
                        draft.write(line)
                    while piece := file.read(_PIECE):
                        draft.write(piece)
                        draft.spill()
            approved = [(draft, each.mailboxes) for draft, each in zip(drafts, copies, strict=True)]
            deliver_all([(self._places.mailboxes, approved)])
        finally:
            for draft in drafts:
                draft.discard()
        return sum(len(each.mailboxes) for each in copies)

    def _message(self, mailing_list: MailingList, identity: str) -> Message:
        """The message of that name; FileNotFoundError when it waits no more."""
        for each in waiting_on(self._places.held, mailing_list.name):
            if each.uidl == identity:
                return each
        raise FileNotFoundError(f"{identity} does not wait on {mailing_list.name}")

    def _described(self, name: str, message: Message) -> Waiting:
        with os.fdopen(self._places.held.open(name, message), "rb") as file:
            since = os.fstat(file.fileno()).st_mtime
            header = Header(file.read(_HEAD))
        # An address is no text: what looks like an encoded word in it was typed so.
        sender = header.first("Return-Path").strip("<>")
        subject = words(header.first("Subject"))
        return Waiting(message.uidl, sender, subject, message.octets, since)
