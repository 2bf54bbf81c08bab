"""All of the site's policy, put together: what a session of either protocol asks."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from tpmailserver.settings import Settings
from tpmailserver.store.database import Database
from tpmailserver.store.directory import Directory
from tpmailserver.store.locks import MaildropLocks
from tpmailserver.store.maildir import Mailboxes
from tpmailserver.store.namespace import NameTaken
from tpmailserver.store.spool import Spool

from .approval import Approval
from .budgets import Budget
from .expansion import Expansions
from .hooks import Hooks
from .letters import Letters
from .lists import MailingLists
from .logins import Logins
from .maildrops import Maildrops
from .networks import Admission
from .posting import Posting
from .reception import Places, Reception
from .recipients import Recipients
from .runaways import Runaways
from .sightings import Sightings
from .suspensions import Suspensions
from .threads import Inline, Surroundings
from .troubles import Troubles
from .visibility import Visibility


@dataclass(frozen=True, slots=True)
class Stores:
    """What is on disk, as policy uses it."""

    database: Database
    directory: Directory
    mailboxes: Mailboxes
    held: Mailboxes
    """One for each list that holds messages for approval."""
    spool: Spool
    locks: MaildropLocks


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may connect, log in, send, receive and read."""

    admission: Admission
    logins: Logins
    reception: Reception
    maildrops: Maildrops
    visibility: Visibility
    hooks: Hooks
    sightings: Sightings


def policy_of(settings: Settings, stores: Stores, surroundings: Surroundings) -> Policy:
    """The policy of a site; its hooks are still to be loaded."""
    threads = surroundings.threads
    recipients = Recipients(settings, stores.directory, stores.mailboxes, threads)
    troubles = Troubles(stores.database.lists, surroundings.wall, threads)
    hooks = Hooks(settings.hooks)
    expansions = Expansions(recipients, settings.domain, hooks, troubles, threads)
    letters = Letters(settings.domain, stores.mailboxes, stores.spool, surroundings.wall)
    suspensions = Suspensions(
        settings, stores.database.lists, stores.directory, recipients, letters
    )
    limits, clock = settings.limits, surroundings.steady
    lists = MailingLists(
        recipients,
        expansions,
        Posting(recipients, expansions.reach, Budget(limits.list_budget, clock)),
        Runaways(
            stores.directory,
            expansions.reach,
            suspensions.suspend,
            Budget(limits.list_breaker, clock),
            threads,
        ),
    )
    places = Places(stores.mailboxes, stores.held, stores.spool)
    return Policy(
        Admission(settings, surroundings.steady),
        Logins(settings, stores.directory, surroundings, partial(_open_account, stores)),
        Reception(settings, recipients, lists, places, surroundings),
        Maildrops(stores.mailboxes, stores.locks, surroundings, settings.maildrop),
        Visibility(settings, recipients, expansions),
        hooks,
        Sightings(stores.database, surroundings.wall, threads),
    )


def approval_of(settings: Settings, stores: Stores, clock: Callable[[], float]) -> Approval:
    """What waits on the lists of a site, for an instructor."""
    threads = Inline()
    recipients = Recipients(settings, stores.directory, stores.mailboxes, threads)
    troubles = Troubles(stores.database.lists, clock, threads)
    expansions = Expansions(recipients, settings.domain, Hooks(()), troubles, threads)
    places = Places(stores.mailboxes, stores.held, stores.spool)
    return Approval(settings.domain, expansions, places, clock)


def _open_account(stores: Stores, number: str) -> None:
    with suppress(NameTaken):  # a group's or list's name, or postmaster: no account can have it
        stores.database.add([number], None, time.time())
    stores.directory.refresh()
