"""What the recipients of a message come to: mailboxes, each with the way that leads there.

The rule it guards: a list is expanded in one transaction, and either all of it receives the message
or nobody does and the sender keeps it. A list that the message has come through before is a loop,
and is refused with its way; what a hook says passes the same isolation as any recipient, and a
hook that fails is our trouble, not the sender's.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from tpmailserver.model import Address, Envelope, Reason, Refusal, name_of
from tpmailserver.store.lists import MailingList
from tpmailserver.store.spool import Draft

from .answers import Answer, HookFailed
from .expander import Declined, Held, Members, Post
from .header import Header
from .hooks import Hooks
from .posting import Writer
from .recipients import Found, Recipients
from .runaways import in_words
from .stamps import list_id, owner_of
from .threads import Threads
from .troubles import Troubles
from .walk import Stop, Walk


@dataclass(frozen=True, slots=True)
class Whole:
    """A message that is whole: who wrote it, its header and its draft."""

    envelope: Envelope
    writer: Writer
    header: Header
    draft: Draft


@dataclass(slots=True)
class Destination:
    """Where a message goes: copies to mailboxes, and the lists on which it waits for approval."""

    walk: Walk
    held: list[Stop]
    taken: bool = False
    """Whether a hook has taken the message without naming anybody."""


_MEMBERS = Members()


class Expansions:
    """Expands the lists of a site."""

    def __init__(
        self,
        recipients: Recipients,
        domain: str,
        hooks: Hooks,
        troubles: Troubles,
        threads: Threads,
    ) -> None:
        self._recipients = recipients
        self._domain = domain
        self._hooks = hooks
        self._troubles = troubles
        self._threads = threads

    def has_hook(self, mailing_list: MailingList) -> bool:
        """Whether nobody knows beforehand to whom a list's messages go."""
        return mailing_list.name in self._hooks

    def by_tables(self, recipients: Iterable[tuple[Address, Found]]) -> Walk:
        """The walk as far as it needs no hook."""
        walk = Walk()
        walk.begin(recipients)
        while stop := walk.next():
            if not self.has_hook(stop.mailing_list):
                walk.take(stop, self._members(stop.mailing_list))
        return walk

    def reach(self, mailing_list: MailingList) -> Collection[str]:
        """The mailboxes of all members that a list is known to have, hook or not."""
        walk = Walk()
        walk.begin([(self._address(mailing_list.name), mailing_list)])
        while stop := walk.next():
            walk.take(stop, self._members(stop.mailing_list))
        return frozenset(walk.mailboxes)

    async def destination(
        self, recipients: Iterable[tuple[Address, Found]], message: Whole
    ) -> Destination | Refusal:
        """Where a whole message goes."""
        destination = Destination(Walk(), [])
        walk = destination.walk
        walk.begin(recipients)
        while stop := walk.next():
            refusal = self._refusal(stop, message)
            if refusal is None:
                refusal = await self._expand(stop, message, destination)
            if refusal is not None:
                return refusal
        return destination

    def _refusal(self, stop: Stop, message: Whole) -> Refusal | None:
        name = stop.mailing_list.name
        if list_id(name, self._domain) in message.header.list_ids:
            return Refusal(Reason.LIST_LOOP, (self._way_of_loop(stop, message),))
        if stop.mailing_list.suspended:
            return Refusal(Reason.LIST_SUSPENDED, (name, stop.mailing_list.suspended))
        return None

    async def _expand(self, stop: Stop, message: Whole, destination: Destination) -> Refusal | None:
        name = stop.mailing_list.name
        try:
            said = await self._ask(stop, message)
            if isinstance(said, Declined):
                return Refusal(Reason.DECLINED, (name, said.why))
            if isinstance(said, Held):
                destination.held.append(stop)
                return None
            members = self._members_named(stop, said)
        except HookFailed as failure:
            await self._troubles.note(name, str(failure))
            return Refusal(Reason.NOT_EXPANDED, (name,))
        destination.taken |= self.has_hook(stop.mailing_list) and not members
        destination.walk.take(stop, members)
        return None

    async def _ask(self, stop: Stop, message: Whole) -> Answer:
        name = stop.mailing_list.name
        if name not in self._hooks:
            return _MEMBERS.expand(self._post(stop, message))  # which only reads memory
        # A hook reads it as a file.
        await self._threads.disk(message.draft.spill)
        return await self._hooks.ask(name, self._post(stop, message), self._threads)

    def _members_named(self, stop: Stop, addresses: Iterable[Address]) -> list[Found]:
        """Whose the addresses are that an expander named: nobody beyond this site."""
        members = []
        for address in addresses:
            found = self._recipients.find(address)
            if not isinstance(found, Refusal):
                members.append(found)
            elif self.has_hook(stop.mailing_list):
                raise HookFailed(f"it named {address}, and there is no such mailbox or list here")
            # Else it is a member that was removed at this moment.
        return members

    def _post(self, stop: Stop, message: Whole) -> Post:
        mailing_list, draft = stop.mailing_list, message.draft
        is_named = len(stop.way) == 1
        return Post(
            stop.recipient if is_named else self._address(mailing_list.name),
            message.envelope,
            owner_of(mailing_list, self._domain) if mailing_list.owner else None,
            tuple(map(self._address, mailing_list.members)),
            draft.stored,
            draft.open,
        )

    def _members(self, mailing_list: MailingList) -> list[Found]:
        """Whose the members of a list are; one that was removed at this moment is nobody's."""
        found = map(self._recipients.named, mailing_list.members)
        return [each for each in found if each is not None]

    def _way_of_loop(self, stop: Stop, message: Whole) -> str:
        """From this list's last time, over the lists and the writer since, back to this list."""
        ids = message.header.list_ids
        last = len(ids) - 1 - ids[::-1].index(list_id(stop.mailing_list.name, self._domain))
        lists = (each.removesuffix("." + self._domain) for each in ids[last:])
        way = [name for name in lists if name_of(name) is not None]
        for name in (str(message.writer), *stop.way):
            if name != way[-1]:
                way.append(name)
        return in_words(way)

    def _address(self, name: str) -> Address:
        return Address(name, self._domain)
