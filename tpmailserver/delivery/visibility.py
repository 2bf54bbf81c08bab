"""What VRFY and EXPN tell, and to whom.

The rule it guards: who is on a list is told as far as the site wants it (`lists_visible`): to
everybody, to the members of that list, or to nobody. Without a policy for it the answer to VRFY is
the 252 of RFC 5321 §7.3: it neither confirms nor denies. RCPT tells whether a name is known anyway.
"""

from tpmailserver.model import Address, Known, Reason, Refusal
from tpmailserver.settings import Settings
from tpmailserver.store.lists import MailingList

from .expansion import Expansions
from .recipients import Found, Recipients


class Visibility:
    """Answers questions about names."""

    def __init__(self, settings: Settings, recipients: Recipients, expansions: Expansions) -> None:
        self._domain = settings.domain
        self._policy = settings.lists_visible
        self._recipients = recipients
        self._expansions = expansions
        self._told: dict[str, tuple[MailingList, Known]] = {}

    def verify(self, name: str, login: str) -> Known | Refusal:
        """Whether there is a mailbox or a list of that name (RFC 5321 §3.5)."""
        if self._policy == "closed":
            return Refusal(Reason.NOT_VERIFIED, (name,))
        found = self._find(name)
        if self._policy == "open":
            return found if isinstance(found, Refusal) else self._known(found)
        if isinstance(found, MailingList) and self._may_see(found, login):
            return self._known(found)
        return Refusal(Reason.NOT_VERIFIED, (name,))

    def expand(self, name: str, login: str) -> Known | Refusal:
        """Who is on a list (RFC 5321 §3.5): its members as they are kept, lists not expanded."""
        if self._policy == "closed":
            return Refusal(Reason.NOT_VERIFIED, (name,))
        found = self._find(name)
        if not isinstance(found, MailingList):
            return Refusal(Reason.NO_LIST, (name,))
        if not self._may_see(found, login):
            return Refusal(Reason.LIST_HIDDEN, (name,))
        if self._expansions.has_hook(found):
            return Refusal(Reason.EXPANDED_BY_PROGRAM, (name,))
        if not found.members:
            return Refusal(Reason.LIST_EMPTY, (found.name,))
        return self._members(found)

    def _members(self, mailing_list: MailingList) -> Known:
        """The addresses of a list's members, made once for all who ask: there may be 30,000."""
        standing, known = self._told.get(mailing_list.name, (None, None))
        if known is None or standing is not mailing_list:
            known = Known(tuple(Address(each, self._domain) for each in mailing_list.members))
            self._told[mailing_list.name] = (mailing_list, known)
        return known

    def _find(self, name: str) -> Found | Refusal:
        local, at, domain = name.rpartition("@")
        address = Address(local, domain) if at else Address(name, self._domain)
        return self._recipients.find(address)

    def _may_see(self, mailing_list: MailingList, login: str) -> bool:
        if self._policy == "open":
            return True
        return bool(login) and (
            login == mailing_list.owner or login in self._expansions.reach(mailing_list)
        )

    def _known(self, found: Found) -> Known:
        name = found.name if isinstance(found, MailingList) else found
        return Known((Address(name, self._domain),))
