"""Who may receive: the isolation of the site.

The rule it guards: the only way to a mailbox is a name in the table of accounts. What was typed
never becomes a path; a domain that is not ours, in any spelling, is refused at RCPT, so no bounce
is ever made and nothing leaves.
"""

from tpmailserver.model import Accepted, Address, Reason, Refusal, name_of
from tpmailserver.settings import Settings
from tpmailserver.store.directory import Directory
from tpmailserver.store.maildir import Mailboxes
from tpmailserver.store.tally import Tally

from .threads import Threads

POSTMASTER = "postmaster"


class Recipients:
    """Finds the mailbox of an address, and whether it has room."""

    def __init__(
        self, settings: Settings, directory: Directory, mailboxes: Mailboxes, threads: Threads
    ) -> None:
        self._settings = settings
        self._directory = directory
        self._mailboxes = mailboxes
        self._threads = threads

    async def resolve(self, address: Address, octets: int) -> str | Refusal:
        """The mailbox that takes `octets` more for this address; reads memory once it is known."""
        mailbox = self.mailbox_of(address)
        if isinstance(mailbox, Refusal):
            return mailbox
        tally = self._mailboxes.known_tally(mailbox)
        if tally is None or self._is_full(tally, octets):
            # Full as far as this process knows; somebody else may have made room.
            tally = await self._threads.disk(self._mailboxes.tally, mailbox)
        if self._is_full(tally, octets):
            return Refusal(Reason.MAILBOX_FULL, (str(address),))
        return mailbox

    def mailbox_of(self, address: Address) -> str | Refusal:
        """The mailbox of an address by the table of accounts."""
        if address.domain.lower() != self._settings.domain:
            return Refusal(Reason.FOREIGN_RECIPIENT, (str(address), self._settings.domain))
        # `number+anything` reaches `number`, as mail systems have it (RFC 5233).
        name = name_of(address.local.partition("+")[0])
        if name == POSTMASTER:
            # RFC 5321 §4.5.1: postmaster always has a mailbox.
            name = self._settings.postmaster or POSTMASTER
            if self._directory.account(name) is None:
                return POSTMASTER
        if name is None or self._directory.account(name) is None:
            return Refusal(Reason.UNKNOWN_RECIPIENT, (str(address),))
        return name

    def are_still_here(self, mailboxes: tuple[str, ...]) -> Accepted | Refusal:
        """Whether no account was removed while a message for it came in."""
        for name in mailboxes:
            if name != POSTMASTER and self._directory.account(name) is None:
                address = f"{name}@{self._settings.domain}"
                return Refusal(Reason.UNKNOWN_RECIPIENT, (address,))
        return Accepted()

    def _is_full(self, tally: Tally, octets: int) -> bool:
        limits = self._settings.limits
        too_many = 0 < limits.mailbox_messages <= tally.messages
        return too_many or 0 < limits.mailbox_size < tally.octets + max(octets, 1)
