"""The folders of the mailboxes: found by name, made when missing, safe against a power cut.

The rule it guards: a mailbox's path is made of the one name space of accounts and of nothing that
a client has typed. The folders are opened one below the other, so that no link leads elsewhere.

A message is not safe in a folder whose own name is not: a mailbox that was made here stays marked
until a delivery has synced the folders above `new`.
"""

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

    @property
    def root(self) -> Path:
        """The folder that holds every mailbox."""
        return self._root

    def open(self, name: str, *below: str) -> int:
        """Opens a mailbox's folder, or one below it; FileNotFoundError when there is none."""
        return descend(self._root, checked(name), *below)

    def open_to_deliver(self, name: str, part: str) -> int:
        """Opens "new" or "tmp" of a mailbox, made and safe if it was missing."""
        try:
            folder = self.open(name, part)
        except FileNotFoundError:
            self.prepare(name)
            folder = self.open(name, part)
        if name in self._unsynced:
            try:
                self._sync(name)
            except OSError:
                with opened(folder):
                    raise
        return folder

    def prepare(self, name: str) -> None:
        """Makes what is missing of a mailbox's folders."""
        with opened(open_made_folder(self._root)) as root:
            # Marked before it is made: whoever finds the folder finds the mark.
            self._unsynced.add(checked(name))
            make_folder_in(root, name)
            with opened(open_folder(name, root)) as mailbox:
                for part in _PARTS:
                    make_folder_in(mailbox, part)

    def _sync(self, name: str) -> None:
        for path in (self._root / name, self._root):
            with opened(open_folder(path)) as folder:
                sync_folder(folder)
        self._unsynced.discard(name)
