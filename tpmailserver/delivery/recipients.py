"""Who may receive: the isolation of the site.

The rule it guards: the only way to a mailbox is a name in the tables of accounts and lists. What
was typed never becomes a path; a domain that is not ours, in any spelling, is refused at RCPT, so
no bounce is ever made and nothing leaves.
"""

import sys
from collections.abc import Iterable, Sequence

from tpmailserver.model import Accepted, Address, Reason, Refusal, name_of
from tpmailserver.settings import Settings
from tpmailserver.store.directory import Directory
from tpmailserver.store.lists import MailingList
from tpmailserver.store.maildir import Mailboxes
from tpmailserver.store.namespace import POSTMASTER
from tpmailserver.store.tally import Tally

from .threads import Threads

Found = str | MailingList
"""Whose an address is: a mailbox's name, or a list."""


class Recipients:
    """Finds the mailbox or the list of an address, and whether there is room."""

    def __init__(
        self, settings: Settings, directory: Directory, mailboxes: Mailboxes, threads: Threads
    ) -> None:
        self._settings = settings
        self._directory = directory
        self._mailboxes = mailboxes
        self._threads = threads

    @property
    def revision(self) -> int | None:
        """Another number whenever somebody may have come or gone."""
        return self._directory.revision

    def find(self, address: Address) -> Found | Refusal:
        """Whose an address is, by the tables in memory."""
        if address.domain.lower() != self._settings.domain:
            return Refusal(Reason.FOREIGN_RECIPIENT, (str(address), self._settings.domain))
        if self._directory.account(address.local) is not None:
            return address.local
        # `number+anything` reaches `number`, as mail systems have it (RFC 5233).
        name = name_of(address.local.partition("+")[0])
        found = None if name is None else self.named(name)
        return Refusal(Reason.UNKNOWN_RECIPIENT, (str(address),)) if found is None else found

    def named(self, name: str) -> Found | None:
        """The mailbox or the list of that name, if there is one."""
        if name == POSTMASTER:
            # RFC 5321 §4.5.1: postmaster always has a mailbox.
            account = self._settings.postmaster
            return POSTMASTER if self._directory.account(account) is None else account
        if self._directory.account(name) is not None:
            return name
        return self._directory.mailing_list(name)

    def account_of(self, address: Address | None) -> str:
        """The account that an address belongs to, or ""."""
        found = "" if address is None else self.find(address)
        return found if isinstance(found, str) else ""

    async def have_room(self, mailboxes: Sequence[str], octets: int) -> Accepted | Refusal:
        """Whether each mailbox takes `octets` more; reads memory once they are known."""
        most = self.most_before(octets)
        # Full as far as this process knows: somebody else may have made room.
        unsure = self._mailboxes.perhaps_beyond(most, mailboxes)
        full = await self._threads.disk(self._first_beyond, most, unsure) if unsure else None
        if full is not None:
            return Refusal(Reason.MAILBOX_FULL, (f"{full}@{self._settings.domain}",))
        return Accepted()

    def most_before(self, octets: int) -> Tally:
        """The most that a mailbox may hold if it is to take a message of `octets`."""
        limits = self._settings.limits
        return Tally(
            limits.mailbox_messages - 1 if limits.mailbox_messages else sys.maxsize,
            limits.mailbox_size - max(octets, 1) if limits.mailbox_size else sys.maxsize,
        )

    def _first_beyond(self, most: Tally, mailboxes: Iterable[str]) -> str | None:
        """The first mailbox that holds more than `most`; counts on the disk."""
        for name in mailboxes:
            if self._mailboxes.tally(name).is_beyond(most):
                return name
        return None
