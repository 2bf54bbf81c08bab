"""A site: one folder, and everything built on it that needs no network.

The rule it guards: the server and `tpmail` build a site in the same way, and an empty or missing
folder is a valid one. What is needed is made, private to its owner.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from secrets import token_bytes

from tpmailserver.admin.desk import Desk, Live
from tpmailserver.delivery.policy import Policy, Stores, approval_of, policy_of
from tpmailserver.delivery.threads import Surroundings
from tpmailserver.settings import FILE_NAME, Settings, SettingsError, machine_domain
from tpmailserver.store.database import DATABASE, Database
from tpmailserver.store.directory import Directory
from tpmailserver.store.disk import make_folder
from tpmailserver.store.locks import DeliveryGate, MaildropLocks
from tpmailserver.store.maildir import Mailboxes
from tpmailserver.store.names import UniqueNames
from tpmailserver.store.namespace import NameTaken
from tpmailserver.store.snapshots import Snapshots
from tpmailserver.store.spool import Spool


@dataclass(frozen=True, slots=True)
class Site:
    """An open site."""

    folder: Path
    settings: Settings
    stores: Stores

    def policy(self, surroundings: Surroundings) -> Policy:
        """The policy of this site, for a server; its hooks are still to be loaded."""
        return policy_of(self.settings, self.stores, surroundings)

    def desk(self, live: Live | None = None) -> Desk:
        """The instructor's desk on this site; `live` is the running server, if there is one."""
        stores = self.stores
        return Desk(
            self.folder,
            self.settings,
            stores.database,
            stores.directory,
            stores.mailboxes,
            stores.spool,
            approval_of(self.settings, stores, time.time),
            live,
        )

    def prepare(self) -> None:
        """Makes what is missing, and reads the accounts."""
        for name in ("", "maildirs", "spool", "locks"):
            make_folder(self.folder / name)
        self.stores.database.create()
        self.stores.directory.refresh()
        for hook in self.settings.hooks:
            if self.stores.directory.mailing_list(hook.name) is None:
                self._make_list(hook.name)

    def _make_list(self, name: str) -> None:
        """Makes the list that a hook of `tpmail.toml` is for."""
        try:
            self.stores.database.lists.put(name)
        except NameTaken as error:
            raise SettingsError(f"hooks.{name}: {error}, so it can be no list") from error
        self.stores.directory.refresh()

    def sweep(self, now: float) -> int:
        """Removes snapshots past their days, and what crashes left 36 hours ago and more.

        Returns how many files crashes had left.
        """
        stores = self.stores
        with stores.mailboxes.gate.moving():
            Snapshots(self.folder / "snapshots").sweep(now, self.settings.keep_snapshots)
        return sum(each.sweep(now) for each in (stores.spool, stores.mailboxes, stores.held))


def site_at(folder: Path, settings: Settings, names: UniqueNames | None = None) -> Site:
    """The site in a folder, which is not looked at yet; `names` are made here unless given."""
    names = names or UniqueNames(time.time, token_bytes, machine_domain())
    database = Database(folder / DATABASE)
    stores = Stores(
        database,
        Directory(database),
        Mailboxes(folder / "maildirs", DeliveryGate()),
        Mailboxes(folder / "held", DeliveryGate()),
        Spool(folder / "spool", names),
        MaildropLocks(folder / "locks"),
    )
    return Site(folder, settings, stores)


def open_site(folder: Path, settings: Settings, names: UniqueNames | None = None) -> Site:
    """The site in a folder, ready for use."""
    site = site_at(folder.absolute(), settings, names)
    site.prepare()
    return site


def is_site(folder: Path) -> bool:
    """Whether somebody has made a site in a folder; where none is, a server or `add` makes one."""
    return any(_stands(folder / name) for name in (FILE_NAME, DATABASE))


def become_owner(site: Path) -> None:
    """Turns a process of root's into one of the owner of the site's folder, for good.

    A site that does not exist yet has no owner: root makes it, and it is root's.
    """
    if os.geteuid() != 0:
        return
    try:
        folder = os.stat(site)
    except FileNotFoundError:
        return
    if folder.st_uid != 0:
        os.setgroups([])
        os.setgid(folder.st_gid)
        os.setuid(folder.st_uid)


def _stands(path: Path) -> bool:
    # Unlike Path.exists: a folder that may not be looked into is an error, and not an empty one.
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True
