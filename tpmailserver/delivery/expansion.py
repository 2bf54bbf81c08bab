"""What the recipients of a message come to: mailboxes, each with the way that leads there.

The rule it guards: a list is expanded in one transaction, and either all of it receives the message
or nobody does and the sender keeps it. A list that the message has come through before is a loop,
and is refused with its way; what a hook says passes the same isolation as any recipient, and a
hook that fails is our trouble, not the sender's.
"""

from collections.abc import Iterable, Set
from dataclasses import dataclass

from tpmailserver.model import Address, Envelope, Reason, Refusal, name_of
from tpmailserver.store.lists import MailingList
from tpmailserver.store.spool import Draft

from .answers import Answer, HookFailed, one_line
from .expander import Declined, Held, Members, Post
from .header import Header
from .hooks import Hooks
from .posting import Writer
from .recipients import Found, Recipients
from .remembered import Remembered
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
    asked: str = ""
    """The first list whose hook has named somebody."""

    @property
    def is_nowhere(self) -> bool:
        """Whether nobody would receive it, and nobody wanted that."""
        return not (self.walk.copies or self.held or self.taken)


@dataclass(frozen=True, slots=True)
class Foreseen:
    """The mailboxes that a list comes to by the tables, and whether a hook on the way adds some.

    `suspended` is the first list on the way that sends nothing on, if there is one.
    """

    mailboxes: tuple[str, ...]
    has_hook: bool
    suspended: MailingList | None


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
        self._members = Remembered(self._find_members)
        self._addresses = Remembered(self._address_members)
        self._foreseen = Remembered(self._foresee)
        self._reached = Remembered(self._reach)

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

    def foreseen(self, mailing_list: MailingList) -> Foreseen:
        """What is known of a list before a message is there."""
        return self._foreseen(mailing_list)

    def reach(self, mailing_list: MailingList) -> Set[str]:
        """The mailboxes of all members that a list is known to have, hook or not."""
        return self._reached(mailing_list)

    def addresses(self, mailing_list: MailingList) -> tuple[Address, ...]:
        """The addresses of a list's members, as they are kept."""
        return self._addresses(mailing_list)

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
        if destination.is_nowhere and destination.asked:
            # Its own list perhaps, or one on which nobody is.
            failure = HookFailed("it named nothing but lists that come to nobody")
            return await self._not_expanded(destination.asked, failure)
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
        post = self._post(stop, message)
        try:
            said = await self._ask(name, post, message.draft)
            if isinstance(said, Declined):
                return Refusal(Reason.DECLINED, (name, said.why))
            if isinstance(said, Held):
                destination.held.append(stop)
                return None
            if said is post.members:
                members = self._members(stop.mailing_list)
            else:  # a hook may name a hundred thousand
                members = await self._threads.disk(self._found, said)
        except HookFailed as failure:
            return await self._not_expanded(name, failure)
        if self.has_hook(stop.mailing_list):
            destination.taken |= not members
            destination.asked = destination.asked or name
        destination.walk.take(stop, members)
        return None

    async def _not_expanded(self, name: str, failure: HookFailed) -> Refusal:
        await self._troubles.note(name, str(failure))
        return Refusal(Reason.NOT_EXPANDED, (name,))

    async def _ask(self, name: str, post: Post, draft: Draft) -> Answer:
        if name not in self._hooks:
            return _MEMBERS.expand(post)  # which only reads memory
        # A hook reads it as a file.
        await self._threads.disk(draft.spill)
        return await self._hooks.ask(name, post, self._threads)

    def _found(self, addresses: Iterable[Address]) -> tuple[Found, ...]:
        """Whose the addresses are that a hook has named: nobody beyond this site."""
        members = []
        for address in addresses:
            found = self._recipients.find(address)
            if isinstance(found, Refusal):
                named = one_line(str(address))
                raise HookFailed(f"it named {named}, and there is no such mailbox or list here")
            members.append(found)
        return tuple(members)

    def _post(self, stop: Stop, message: Whole) -> Post:
        mailing_list, draft = stop.mailing_list, message.draft
        is_named = len(stop.way) == 1
        return Post(
            stop.recipient if is_named else self._address(mailing_list.name),
            message.envelope,
            owner_of(mailing_list, self._domain) if mailing_list.owner else None,
            self._addresses(mailing_list),
            draft.stored,
            draft.open,
        )

    # What is worked out once for all who ask.

    def _find_members(self, mailing_list: MailingList) -> tuple[Found, ...]:
        """Whose the members of a list are; one that was removed at this moment is nobody's."""
        found = map(self._recipients.named, mailing_list.members)
        return tuple(each for each in found if each is not None)

    def _address_members(self, mailing_list: MailingList) -> tuple[Address, ...]:
        return tuple(map(self._address, mailing_list.members))

    def _foresee(self, mailing_list: MailingList) -> Foreseen:
        walk = self.by_tables([(self._address(mailing_list.name), mailing_list)])
        suspended = (each for each in walk.lists.values() if each.suspended)
        has_hook = any(name in self._hooks for name in walk.lists)
        return Foreseen(walk.mailboxes, has_hook, next(suspended, None))

    def _reach(self, mailing_list: MailingList) -> Set[str]:
        walk = Walk()
        walk.begin([(self._address(mailing_list.name), mailing_list)])
        while stop := walk.next():
            walk.take(stop, self._members(stop.mailing_list))
        return frozenset(walk.mailboxes)

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
