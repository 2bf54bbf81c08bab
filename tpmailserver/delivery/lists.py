"""The lists of a site, as the way of a message meets them: at RCPT, at DATA and at the final dot.

The rule it guards: what can be known at RCPT is said at RCPT, about that list alone. What only the
whole message shows (it has gone round, a program wrote it, a hook does not want it) is said at the
final dot, and then nobody receives it.
"""

from collections.abc import Iterable, Sequence
from itertools import chain, filterfalse

from tpmailserver.model import Accepted, Address, Envelope, Reason, Refusal
from tpmailserver.store.lists import MailingList
from tpmailserver.store.spool import Draft

from .expansion import Destination, Expansions, Whole
from .header import Header
from .posting import Posting, Writer
from .recipients import Found, Recipients
from .runaways import Runaways
from .walk import Stop

Recipient = tuple[Address, Found]


class MailingLists:
    """All lists of a site."""

    def __init__(
        self, recipients: Recipients, expansions: Expansions, posting: Posting, runaways: Runaways
    ) -> None:
        self._recipients = recipients
        self._expansions = expansions
        self._posting = posting
        self._runaways = runaways

    def may_receive(
        self, mailing_list: MailingList, sender: Address | None, login: str
    ) -> tuple[str, ...] | Refusal:
        """The mailboxes that a list comes to, as far as that is known at RCPT."""
        checked = self._posting.check(mailing_list, self._posting.writer(sender, login))
        if isinstance(checked, Refusal):
            return checked
        foreseen = self._expansions.foreseen(mailing_list)
        if foreseen.suspended is not None:
            stopped = foreseen.suspended
            return Refusal(Reason.LIST_SUSPENDED, (stopped.name, stopped.suspended))
        if not foreseen.mailboxes and not foreseen.has_hook:
            return Refusal(Reason.LIST_EMPTY, (mailing_list.name,))
        return foreseen.mailboxes

    def first_stop(self, recipients: Sequence[Recipient]) -> Stop | None:
        """The list that a message most likely goes through first, None for directly."""
        lists = [found for _, found in recipients if isinstance(found, MailingList)]
        if len(lists) < len(recipients):
            return None
        if any(map(self._asks, lists)):
            # A hook reads the message as it came: without the fields of a list.
            return None
        return Stop(lists[0], recipients[0][0], (lists[0].name,))

    async def destination(
        self, recipients: Sequence[Recipient], envelope: Envelope, header: Header, draft: Draft
    ) -> Destination | Refusal:
        """Where a whole message goes."""
        writer = self._posting.writer(envelope.sender, envelope.login)
        lists = _lists_among(recipients)
        refusal = await self._refusal(lists, writer, header)
        if refusal is not None:
            return refusal
        # Whatever a hook answers, it may have written mails itself: a program that writes to its
        # own list and then fails is a loop too.
        self._count(filter(self._asks, lists), writer)
        message = Whole(envelope, writer, header, draft)
        destination = await self._expansions.destination(recipients, message)
        if isinstance(destination, Refusal):
            return destination
        through = [each.mailboxes for each in destination.walk.copies if each.stop is not None]
        room = await self._recipients.have_room(tuple(chain(*through)), draft.stored)
        if isinstance(room, Refusal):
            return room
        if destination.is_nowhere:
            return Refusal(Reason.LIST_EMPTY, (lists[0].name,))
        return destination

    def count(self, recipients: Sequence[Recipient], envelope: Envelope) -> None:
        """Notes a message that was delivered; one that a hook was asked about is noted already."""
        writer = self._posting.writer(envelope.sender, envelope.login)
        self._count(filterfalse(self._asks, _lists_among(recipients)), writer)

    def _asks(self, mailing_list: MailingList) -> bool:
        """Whether a hook is asked for a list, or for one on the way from it."""
        return self._expansions.foreseen(mailing_list).has_hook

    def _count(self, lists: Iterable[MailingList], writer: Writer) -> None:
        for each in lists:
            self._posting.count(each)
            self._runaways.count(each, writer)

    async def _refusal(
        self, lists: Sequence[MailingList], writer: Writer, header: Header
    ) -> Refusal | None:
        if lists and header.is_automatic:
            return Refusal(Reason.AUTOMATIC_TO_LIST, (lists[0].name,))
        for each in lists:
            checked = self._posting.check(each, writer)
            if isinstance(checked, Accepted):
                # Only a message that it would have taken says anything about a list.
                checked = await self._runaways.check(each, writer)
            if isinstance(checked, Refusal):
                return checked
        return None


def _lists_among(recipients: Sequence[Recipient]) -> list[MailingList]:
    """The lists that were named, each once: `td1+a` and `td1+b` are one list, and one message."""
    lists = {found.name: found for _, found in recipients if isinstance(found, MailingList)}
    return list(lists.values())
