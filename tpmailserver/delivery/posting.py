"""Who may write to a list.

The rule it guards: a list is asked at RCPT, so that its refusal is about that recipient alone. Who
writes is the account that is logged in, else the envelope sender: without a login that is what
anybody may claim to be, and the `Received:` field shows it.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from tpmailserver.model import Accepted, Address, Reason, Refusal
from tpmailserver.store.lists import MailingList, MayPost

from .budgets import Budget
from .recipients import Recipients


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes: the account, or "" where it is none of this site's; and the envelope sender."""

    account: str
    sender: Address | None

    def __str__(self) -> str:
        return self.account or str(self.sender or "")


class Posting:
    """The rules of all lists; `reach` says which mailboxes a list comes to."""

    def __init__(
        self,
        recipients: Recipients,
        reach: Callable[[MailingList], Collection[str]],
        budget: Budget,
    ) -> None:
        self._recipients = recipients
        self._reach = reach
        self._budget = budget

    def writer(self, sender: Address | None, login: str) -> Writer:
        """Who writes a message."""
        return Writer(login or self._recipients.account_of(sender), sender)

    def check(self, mailing_list: MailingList, writer: Writer) -> Accepted | Refusal:
        """Whether somebody may write to a list now."""
        name = mailing_list.name
        if writer.sender is None:
            # A notice about some trouble, which must not make more of it (RFC 5321 §4.5.5).
            return Refusal(Reason.NULL_SENDER_TO_LIST, (name,))
        if mailing_list.suspended:
            return Refusal(Reason.LIST_SUSPENDED, (name, mailing_list.suspended))
        if not self._is_entitled(mailing_list, writer.account):
            return Refusal(Reason.NOT_FOR_YOU_TO_POST, (name, mailing_list.may_post.value))
        if self._budget.is_spent(name):
            return Refusal(Reason.LIST_BUDGET_SPENT, (name, *self._budget.in_words(name)))
        return Accepted()

    def count(self, mailing_list: MailingList) -> None:
        """Notes a message that a list has sent on."""
        self._budget.count(mailing_list.name)

    def _is_entitled(self, mailing_list: MailingList, account: str) -> bool:
        if mailing_list.may_post is MayPost.EVERYONE:
            return True
        if account and account == mailing_list.owner:
            return True
        return mailing_list.may_post is MayPost.MEMBERS and account in self._reach(mailing_list)
