"""The last step of a delivery: drafts, safe in the spool already, become every recipient's.

The rule it guards is the order of the promise behind `250`: every recipient's `new` is opened
first, so that a broken mailbox is found before anything is delivered; then each file is linked into
the mailboxes that it is for and moved into the last; then each folder is synced. One file and one
sync of it serve all recipients with the same stamp. Where the disk cannot link, the file is copied
by way of `tmp`.

A failure after the first link leaves what is linked: the client tries again, and a duplicate is
better than a loss.
"""

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress

from .disk import opened, sync_folder
from .folders import MailboxFolders
from .names import file_name
from .spool import Draft
from .tally import Tallies

# Another file system, one that knows no links, or a file that has all the links it may have.
_NO_LINK = frozenset(
    {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
)

# So many folders of a delivery are held open from the check to the sync. Of more, each is opened
# when it is needed: a thousand recipients must not use up the files of a process.
_HELD_OPEN = 32


@contextmanager
def arriving(
    copies: Sequence[tuple[Draft, Sequence[str]]], folders: MailboxFolders, tallies: Tallies
) -> Iterator[list["Arrival"]]:
    """Settled drafts, each on its way into the mailboxes named with it; none is named twice."""
    with closing(_Inboxes(folders)) as inboxes:
        yield [Arrival(draft, names, inboxes, tallies) for draft, names in copies]


def arrive(arrivals: Sequence["Arrival"]) -> None:
    """Delivers all of them; the OSError of a failure names the mailbox in its `filename`."""
    for act in (Arrival.check, Arrival.deliver, Arrival.sync):
        for each in arrivals:
            act(each)


class _Inboxes:
    """The folders `new` of all mailboxes of a delivery."""

    def __init__(self, folders: MailboxFolders) -> None:
        self.folders = folders
        self._held: dict[str, int] = {}

    @contextmanager
    def open(self, name: str) -> Iterator[int]:
        """The open folder of a mailbox, which is made first if it is missing."""
        if name in self._held:
            yield self._held[name]
        elif len(self._held) < _HELD_OPEN:
            self._held[name] = self.folders.open_made(name, "new")
            yield self._held[name]
        else:
            with opened(self.folders.open_made(name, "new")) as new:
                yield new

    def close(self) -> None:
        """Closes what is open."""
        for fd in self._held.values():
            os.close(fd)
        self._held.clear()


class Arrival:
    """One settled draft on its way into the mailboxes `names`, each named once."""

    def __init__(
        self, draft: Draft, names: Sequence[str], inboxes: _Inboxes, tallies: Tallies
    ) -> None:
        self._draft = draft
        self._names = names
        self._inboxes = inboxes
        self._tallies = tallies
        self._file = file_name(draft.identity, draft.stored, draft.wire)
        self._octets = draft.stored

    def check(self) -> None:
        """Opens every mailbox, and delivers to none."""
        self._each(self._names, lambda _name, _new: None)

    def deliver(self) -> None:
        """Gives the draft its name in every mailbox."""
        with self._tallies.changing(self._names):
            self._each(self._names[:-1], self._link)
            self._each(self._names[-1:], self._move)

    def sync(self) -> None:
        """Makes the new names safe against a power cut."""
        self._each(self._names, lambda _name, new: sync_folder(new))
        self._inboxes.folders.sync_made(self._names)

    def _each(self, names: Sequence[str], act: Callable[[str, int], None]) -> None:
        for name in names:
            try:
                with self._inboxes.open(name) as new:
                    act(name, new)
            except OSError as error:
                self._tallies.forget(name)
                error.filename = f"{name}/new"
                raise

    def _link(self, name: str, new: int) -> None:
        try:
            self._draft.link_into(new, self._file)
        except OSError as error:
            if error.errno not in _NO_LINK:
                raise
            self._copy(name, new)
        self._tallies.add(name, 1, self._octets)

    def _move(self, name: str, new: int) -> None:
        try:
            self._draft.move_into(new, self._file)
        except OSError as error:
            if error.errno not in _NO_LINK:
                raise
            self._copy(name, new)
        self._tallies.add(name, 1, self._octets)

    def _copy(self, name: str, new: int) -> None:
        with opened(self._inboxes.folders.open_made(name, "tmp")) as tmp:
            try:
                self._draft.copy_into(tmp, self._file)
                os.rename(self._file, self._file, src_dir_fd=tmp, dst_dir_fd=new)
            except OSError:
                with suppress(OSError):
                    os.unlink(self._file, dir_fd=tmp)
                raise
