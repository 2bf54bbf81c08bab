"""The accounts, groups and lists as a server knows them: in memory.

The rule it guards: the answer to RCPT and to a login waits for no disk, and a reader never sees
half of a change. A new view is built aside and takes the place of the old one at once.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

from .database import Account, Database
from .lists import MailingList


@dataclass(frozen=True, slots=True)
class _View:
    revision: int | None
    accounts: Mapping[str, Account]
    groups: Mapping[str, tuple[str, ...]]
    lists: Mapping[str, MailingList]


class Directory:
    """All accounts, groups and lists of a site; empty until the first `refresh`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._view = _View(None, {}, {}, {})
        self._refreshing = Lock()
        self._guests: dict[str, Account] = {}

    def __len__(self) -> int:
        return len(self._view.accounts)

    @property
    def revision(self) -> int | None:
        """Another number whenever something has changed; None before the first `refresh`."""
        return self._view.revision

    def account(self, name: str) -> Account | None:
        """The account of that name, if there is one."""
        found = self._view.accounts.get(name)
        return self._guests.get(name) if found is None else found

    @contextmanager
    def guest(self, account: Account) -> Iterator[None]:
        """Knows one account more for the length of a `with` block.

        It may log in and receive like any other, and nothing is written down of it: it is on no
        list, in no group, in no count, and gone with the process.
        """
        self._guests[account.number] = account
        try:
            yield
        finally:
            del self._guests[account.number]

    def members(self, group: str) -> tuple[str, ...] | None:
        """The sorted members of a group, or None when there is no such group."""
        return self._view.groups.get(group)

    def group_names(self) -> tuple[str, ...]:
        """The names of all groups, sorted."""
        return tuple(self._view.groups)

    def mailing_list(self, name: str) -> MailingList | None:
        """The list of that name, if there is one; every group is one."""
        return self._view.lists.get(name)

    def list_names(self) -> tuple[str, ...]:
        """The names of all lists, those of the groups among them, sorted."""
        return tuple(self._view.lists)

    def refresh(self) -> bool:
        """Takes in what has changed in the database; returns whether anything had."""
        with self._refreshing:
            if self._database.revision() == self._view.revision:
                return False
            contents = self._database.load()
            accounts = {each.number: each for each in contents.accounts}
            self._view = _View(contents.revision, accounts, contents.groups, contents.lists)
            return True
