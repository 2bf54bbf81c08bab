"""The way of a message in: may it be sent, to whom, and when is it safe.

The rule it guards: `Delivered` means on disk in every mailbox (the order of writing is
`store.maildir`'s); whatever fails before that is a refusal, and the sender keeps the message.
"""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from tpmailserver.model import Accepted, Address, Client, Delivered, Envelope, Reason, Refusal
from tpmailserver.settings import Settings
from tpmailserver.store.lists import MailingList
from tpmailserver.store.maildir import Mailboxes, deliver_all
from tpmailserver.store.spool import HELD_AT_MOST, Draft, Spool
from tpmailserver.store.tally import Tally

from .budgets import Budget, source_of
from .expansion import Destination
from .header import Header
from .held import waiting_on
from .lists import MailingLists, Recipient
from .recipients import Recipients
from .stamps import Stamps
from .threads import Surroundings
from .walk import Stop

_BETWEEN_TRIES = 0.05
_RESET_TRIES = 100
_HOPS_AT_MOST = 50


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message that is coming in: what was said around it, its stamps and its draft."""

    envelope: Envelope
    stamps: Stamps
    draft: Draft


@dataclass(frozen=True, slots=True)
class Places:
    """Where messages are put: the mailboxes, those of the lists that hold mail, the spool."""

    mailboxes: Mailboxes
    held: Mailboxes
    spool: Spool


class Reception:
    """Takes messages in for one site."""

    def __init__(
        self,
        settings: Settings,
        recipients: Recipients,
        lists: MailingLists,
        places: Places,
        surroundings: Surroundings,
    ) -> None:
        self._domain = settings.domain
        self._recipients = recipients
        self._lists = lists
        self._places = places
        self._threads = surroundings.threads
        self._wall = surroundings.wall
        self._budget = Budget(settings.limits.budget, surroundings.steady)
        self.delivered = 0
        """Messages accepted since the start."""

    def may_send(self, client: Client, sender: Address | None, login: str) -> Accepted | Refusal:
        """Whether this sender may send a message now; any address may, within its budget."""
        source = source_of(client, sender, login)
        if self._budget.is_spent(source):
            return Refusal(Reason.BUDGET_SPENT, self._budget.in_words(source))
        return Accepted()

    async def may_receive(
        self, recipient: Address, octets: int, sender: Address | None, login: str
    ) -> Accepted | Refusal:
        """Whether this recipient is here, wants mail of this sender and has room for it."""
        found = self._recipients.find(recipient)
        if isinstance(found, Refusal):
            return found
        if isinstance(found, MailingList):
            answer = self._lists.may_receive(found, sender, login)
            if isinstance(answer, Refusal):
                return answer
            return await self._recipients.have_room(answer, octets)
        return await self._recipients.have_room((found,), octets)

    def begin(self, envelope: Envelope) -> Incoming | Refusal:
        """Starts to take a message in, in memory for now; a Refusal where a recipient has gone."""
        recipients = self._found(envelope)
        if isinstance(recipients, Refusal):
            return recipients
        stamps = Stamps(envelope, self._domain, self._wall)
        # With the stamp that it most likely goes out with: then nothing has to be written twice.
        stamp = stamp_of(stamps, self._lists.first_stop(recipients))
        return Incoming(envelope, stamps, self._places.spool.draft(stamp))

    async def take(self, incoming: Incoming, content: bytes) -> None:
        """Adds content to a message; what memory is not meant to hold goes to the spool."""
        incoming.draft.write(content)
        if incoming.draft.held > HELD_AT_MOST:
            await self._threads.disk(incoming.draft.spill)

    async def deliver(self, incoming: Incoming) -> Delivered | Refusal:
        """Delivers a whole message, or refuses it and keeps nothing of it."""
        try:
            revision = self._recipients.revision
            recipients = self._found(incoming.envelope)
            if isinstance(recipients, Refusal):
                return recipients
            destination = await self._destination(incoming, recipients)
            if isinstance(destination, Refusal):
                return destination
            await self._resets_of(destination.walk.mailboxes)
            if revision != self._recipients.revision:
                # Hooks and resets take their time: no 250 for what nobody will read.
                gone = self._gone(incoming.envelope, destination)
                if gone is not None:
                    return gone
            delivered = await self._deliver(incoming, destination)
            self._count(incoming.envelope, recipients)
            return delivered
        finally:
            await self.discard(incoming)

    async def discard(self, incoming: Incoming) -> None:
        """Throws away what is left of a message."""
        if not incoming.draft.is_gone:
            await self._threads.disk(incoming.draft.discard)

    async def _destination(
        self, incoming: Incoming, recipients: Sequence[Recipient]
    ) -> Destination | Refusal:
        envelope, draft = incoming.envelope, incoming.draft
        header = Header(draft.head)
        if header.hops > _HOPS_AT_MOST:
            way = (str(envelope.sender or "<>"), str(envelope.recipients[0]))
            return Refusal(Reason.LOOP, (str(header.hops), *way))
        may_send = self.may_send(envelope.client, envelope.sender, envelope.login)
        if isinstance(may_send, Refusal):
            return may_send
        destination = await self._lists.destination(recipients, envelope, header, draft)
        if isinstance(destination, Destination) and destination.held:
            full = await self._threads.disk(self._first_full, destination.held, draft.stored)
            if full is not None:
                return Refusal(Reason.LIST_FULL, (full,))
        return destination

    def _first_full(self, held: Iterable[Stop], octets: int) -> str | None:
        """The first list on which no message of `octets` may wait any more; reads files."""
        most = self._recipients.most_before(octets)
        for stop in held:
            name = stop.mailing_list.name
            waiting = waiting_on(self._places.held, name)
            if Tally(len(waiting), sum(each.stored for each in waiting)).is_beyond(most):
                return name
        return None

    async def _deliver(self, incoming: Incoming, destination: Destination) -> Delivered:
        identity = await self._threads.disk(self._write, incoming, destination)
        held = tuple(stop.mailing_list.name for stop in destination.held)
        return Delivered(len(destination.walk.mailboxes), identity, held)

    def _write(self, incoming: Incoming, destination: Destination) -> str:
        """Puts every copy where it goes, each stamping written once; returns the message's name."""
        copies = destination.walk.copies
        stamps = [stamp_of(incoming.stamps, each.stop) for each in copies]
        stamps += [incoming.stamps.direct()] * len(destination.held)
        drafts: list[Draft] = []
        with ExitStack() as ending:
            for stamp in stamps:
                draft = incoming.draft
                if stamp != draft.stamp or draft in drafts:
                    draft = self._places.spool.restamped(incoming.draft, stamp)
                ending.callback(draft.discard)
                drafts.append(draft)
            each_draft = iter(drafts)
            to_deliver = [(next(each_draft), each.mailboxes) for each in copies]
            to_wait = [(next(each_draft), [stop.mailing_list.name]) for stop in destination.held]
            deliver_all([(self._places.mailboxes, to_deliver), (self._places.held, to_wait)])
        return (drafts or [incoming.draft])[0].identity

    def _count(self, envelope: Envelope, recipients: Sequence[Recipient]) -> None:
        self._budget.count(source_of(envelope.client, envelope.sender, envelope.login))
        self._lists.count(recipients, envelope)
        self.delivered += 1

    def _found(self, envelope: Envelope) -> list[Recipient] | Refusal:
        """Whose the recipients are; a Refusal where one is gone since RCPT."""
        recipients = []
        for address in envelope.recipients:
            found = self._recipients.find(address)
            if isinstance(found, Refusal):
                return found
            recipients.append((address, found))
        return recipients

    def _gone(self, envelope: Envelope, destination: Destination) -> Refusal | None:
        """A Refusal where one of those who are to receive the message is gone."""
        recipients = self._found(envelope)
        if isinstance(recipients, Refusal):
            return recipients
        if any(self._recipients.named(name) is None for name in destination.walk.mailboxes):
            # A member was removed: when the sender tries again, the list has others.
            return Refusal(Reason.TROUBLE)
        return None

    async def _resets_of(self, mailboxes: tuple[str, ...]) -> None:
        """Lets a reset of these mailboxes pass, on no thread: others have work for the threads."""
        for _ in range(_RESET_TRIES):
            if self._places.mailboxes.gate.is_open(mailboxes):
                return
            await self._threads.pause(_BETWEEN_TRIES)


def stamp_of(stamps: Stamps, stop: Stop | None) -> bytes:
    """The fields for copies that come from a list, or directly."""
    return stamps.direct() if stop is None else stamps.through(stop.mailing_list, stop.recipient)
