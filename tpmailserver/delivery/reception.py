"""The way of a message in: may it be sent, to whom, and when is it safe.

The rule it guards: `Delivered` means on disk in every mailbox (the order of writing is
`store.maildir`'s); whatever fails before that is a refusal, and the sender keeps the message.
"""

from dataclasses import dataclass

from tpmailserver.model import Accepted, Address, Client, Delivered, Envelope, Refusal
from tpmailserver.settings import Settings
from tpmailserver.store.maildir import Mailboxes
from tpmailserver.store.spool import HELD_AT_MOST, Draft, Spool

from .budgets import Budgets
from .recipients import Recipients
from .stamps import check_loop, stamp
from .threads import Surroundings

_BETWEEN_TRIES = 0.05
_RESET_TRIES = 100


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message that is coming in: what was said around it, and its draft."""

    envelope: Envelope
    draft: Draft


class Reception:
    """Takes messages in for one site."""

    def __init__(
        self,
        settings: Settings,
        recipients: Recipients,
        mailboxes: Mailboxes,
        spool: Spool,
        surroundings: Surroundings,
    ) -> None:
        self._settings = settings
        self._mailboxes = mailboxes
        self._spool = spool
        self._recipients = recipients
        self._threads = surroundings.threads
        self._wall = surroundings.wall
        self._budgets = Budgets(settings.limits.budget, surroundings.steady)
        self.delivered = 0
        """Messages accepted since the start."""

    def may_send(self, client: Client, sender: Address | None, login: str) -> Accepted | Refusal:
        """Whether this sender may send a message now; any address may, within its budget."""
        return self._budgets.check(client, sender, login)

    async def may_receive(self, recipient: Address, octets: int) -> Accepted | Refusal:
        """Whether this recipient has a mailbox here with room for that many octets."""
        found = await self._recipients.resolve(recipient, octets)
        return found if isinstance(found, Refusal) else Accepted()

    def mailboxes_of(self, recipients: tuple[Address, ...]) -> tuple[str, ...] | Refusal:
        """The mailboxes of recipients, each once; a Refusal where one is gone since RCPT."""
        found: dict[str, None] = {}
        for recipient in recipients:
            mailbox = self._recipients.mailbox_of(recipient)
            if isinstance(mailbox, Refusal):
                return mailbox
            found[mailbox] = None
        return tuple(found)

    def begin(self, envelope: Envelope) -> Incoming:
        """Starts to take a message in; it is in memory for now."""
        stamped = stamp(envelope, self._settings.domain, self._wall)
        return Incoming(envelope, self._spool.draft(stamped))

    async def take(self, incoming: Incoming, content: bytes) -> None:
        """Adds content to a message; what memory is not meant to hold goes to the spool."""
        incoming.draft.write(content)
        if incoming.draft.held > HELD_AT_MOST:
            await self._threads.disk(incoming.draft.spill)

    async def deliver(self, incoming: Incoming) -> Delivered | Refusal:
        """Delivers a whole message, or refuses it and keeps nothing of it."""
        envelope, draft = incoming.envelope, incoming.draft
        checks = (
            check_loop(draft.head),
            self._recipients.are_still_here(envelope.mailboxes),
            self._budgets.check(envelope.client, envelope.sender, envelope.login),
        )
        for check in checks:
            if isinstance(check, Refusal):
                await self.discard(incoming)
                return check
        await self._resets_of(envelope.mailboxes)
        await self._threads.disk(self._mailboxes.deliver, draft, envelope.mailboxes)
        self._budgets.count(envelope.client, envelope.sender, envelope.login)
        self.delivered += 1
        return Delivered(len(envelope.mailboxes), draft.identity)

    async def _resets_of(self, mailboxes: tuple[str, ...]) -> None:
        """Lets a reset of these mailboxes pass, on no thread: others have work for the threads."""
        for _ in range(_RESET_TRIES):
            if self._mailboxes.gate.is_open(mailboxes):
                return
            await self._threads.pause(_BETWEEN_TRIES)

    async def discard(self, incoming: Incoming) -> None:
        """Throws a message away that was not delivered."""
        await self._threads.disk(incoming.draft.discard)
