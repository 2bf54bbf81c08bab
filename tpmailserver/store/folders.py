"""The folders of the mailboxes: found by name, made when missing, safe against a power cut.

The rule it guards: a mailbox's path is made of the one name space of accounts and of nothing that
a client has typed. The folders are opened one below the other, so that no link leads elsewhere.

A message is not safe in a folder whose own name is not: a mailbox that was made here stays marked
until a delivery has synced the folders above `new`.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from tpmailserver.model import NAME

from .disk import descend, make_folder_in, open_folder, open_made_folder, opened, sync_folder

_PARTS = ("tmp", "new", "cur")


def checked(name: str) -> str:
    """Returns a name that may be a mailbox's; anything else is a bug of the caller's."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a mailbox")
    return name


class MailboxFolders:
    """The folders below `maildirs/`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._unsynced: set[str] = set()

    def open(self, name: str, *below: str) -> int:
        """Opens a mailbox's folder, or one below it; FileNotFoundError when there is none."""
        return descend(self._root, checked(name), *below)

    def open_made(self, name: str, part: str) -> int:
        """Opens "new" or "tmp" of a mailbox, which is made first if it is missing."""
        try:
            return self.open(name, part)
        except FileNotFoundError:
            self.prepare(name)
            return self.open(name, part)

    def prepare(self, name: str) -> None:
        """Makes what is missing of a mailbox's folders."""
        with opened(open_made_folder(self._root)) as root:
            # Marked before it is made: whoever finds the folder finds the mark.
            self._unsynced.add(checked(name))
            make_folder_in(root, name)
            with opened(open_folder(name, root)) as mailbox:
                for part in _PARTS:
                    make_folder_in(mailbox, part)

    def erase(self, name: str) -> None:
        """Removes a mailbox's folders and the files in them; FileNotFoundError when it is gone."""
        with opened(open_folder(self._root)) as root:
            with opened(open_folder(checked(name), root)) as mailbox:
                for part in os.listdir(mailbox):
                    _erase_part(mailbox, part)
            os.rmdir(name, dir_fd=root)
            sync_folder(root)

    def sync_made(self, names: Iterable[str]) -> None:
        """Makes those of the mailboxes that were made here safe against a power cut."""
        made = self._unsynced.intersection(names)
        if not made:
            return
        for name in made:
            with opened(self.open(name)) as mailbox:
                sync_folder(mailbox)
        with opened(open_folder(self._root)) as root, opened(open_folder("..", root)) as site:
            sync_folder(root)
            sync_folder(site)
        self._unsynced -= made


def _erase_part(mailbox: int, part: str) -> None:
    try:
        folder = open_folder(part, mailbox)
    except NotADirectoryError:
        os.unlink(part, dir_fd=mailbox)
        return
    with opened(folder):
        for file in os.listdir(folder):
            os.unlink(file, dir_fd=folder)
    os.rmdir(part, dir_fd=mailbox)
