"""All of the site's policy, put together: what a session of either protocol asks."""

import time
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

from .logins import Logins
from .maildrops import Maildrops
from .networks import Admission
from .reception import Reception
from .recipients import Recipients
from .sightings import Sightings
from .threads import Surroundings


@dataclass(frozen=True, slots=True)
class Stores:
    """What is on disk, as policy uses it."""

    database: Database
    directory: Directory
    mailboxes: Mailboxes
    spool: Spool
    locks: MaildropLocks


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may connect, log in, send, receive and read."""

    admission: Admission
    logins: Logins
    reception: Reception
    maildrops: Maildrops
    sightings: Sightings


def policy_of(settings: Settings, stores: Stores, surroundings: Surroundings) -> Policy:
    """The policy of a site."""
    threads = surroundings.threads
    recipients = Recipients(settings, stores.directory, stores.mailboxes, threads)
    return Policy(
        Admission(settings, surroundings.steady),
        Logins(settings, stores.directory, surroundings, partial(_open_account, stores)),
        Reception(settings, recipients, stores.mailboxes, stores.spool, surroundings),
        Maildrops(stores.mailboxes, stores.locks, surroundings, settings.maildrop),
        Sightings(stores.database, surroundings.wall, threads),
    )


def _open_account(stores: Stores, number: str) -> None:
    with suppress(NameTaken):  # a group's or list's name, or postmaster: no account can have it
        stores.database.add([number], None, time.time())
    stores.directory.refresh()
