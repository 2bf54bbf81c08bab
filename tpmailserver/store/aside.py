"""Moves mailboxes into a snapshot and back: what a reset does instead of erasing.

The rule it guards: every mailbox is whole, either where it was or in a snapshot, at every moment;
and no delivery is lost, for each mailbox is moved while deliveries to it wait. Mailboxes are
renamed, not copied, so their size does not matter; a snapshot that stays is given out by links,
since a message's file never changes.
"""

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress

from .disk import make_folder_in, open_folder, open_made_folder, opened, sync_folder
from .folders import checked
from .maildir import Mailboxes
from .names import describe
from .snapshots import Snapshot, Snapshots

# Deliveries wait for one such handful of mailboxes, not for all the mailboxes of a site.
_AT_ONCE = 100

_STAGED = ".staged"
_PARTS = ("tmp", "new", "cur")
_WITH_MAIL = ("new", "cur")


class Aside:
    """Moves the mailboxes of a site into one snapshot, which has been begun, and out of others."""

    def __init__(self, mailboxes: Mailboxes, snapshots: Snapshots, snapshot: Snapshot) -> None:
        self._mailboxes = mailboxes
        self._snapshots = snapshots
        self._snapshot = snapshot

    def set_aside(self, names: Sequence[str]) -> None:
        """Moves mailboxes into the snapshot and makes them anew.

        After an OSError in the middle everything is back where it was, as far as that goes.
        """
        moved: list[str] = []
        made: list[str] = []

        def move(name: str, maildirs: int, aside: int) -> None:
            if self._move(name, maildirs, aside):
                moved.append(name)
            else:
                # An empty one: bringing it back takes away what the new one begins with.
                made.append(name)
                _make_mailbox(name, aside)
            self._mailboxes.prepare(name)

        try:
            self._each(names, move)
        except OSError:
            with suppress(OSError):
                self._each(moved, self._give_back)
                self._each(made, self._unmake)
            raise

    def give_back(self, names: Sequence[str]) -> None:
        """Moves mailboxes out of the snapshot again, with what has come to the new ones."""
        self._each(names, self._give_back)

    def take_away(self, names: Sequence[str]) -> None:
        """Moves mailboxes into the snapshot; where they were is nothing."""
        self._each(names, self._move)

    def bring_back(self, source: Snapshot, names: Sequence[str], put: Collection[str]) -> None:
        """Moves mailboxes into the snapshot, and those of an older one into their places.

        Mail that came since is kept: all but what is in the older mailbox already and the messages
        with the UIDLs `put`, with which the present ones began.
        """
        with self._snapshots.open(source) as older:

            def exchange(name: str, maildirs: int, aside: int) -> None:
                # One that was broken is broken again. To any other, what came since is added while
                # it is still aside: wherever this is cut off, doing it again goes on from there.
                if _is_mailbox(name, older):
                    _make_mailbox(name, older)
                    if _is_mailbox(name, maildirs):
                        _link_mail((name, maildirs), (name, older), put)
                self._replace(name, older, (maildirs, aside))

            try:
                self._each(names, exchange)
            finally:
                sync_folder(older)

    def put_copies(self, source: Snapshot, names: Sequence[str]) -> None:
        """Moves mailboxes into the snapshot, and copies of an older one's into their places."""
        with self._snapshots.open(source) as older, self._staging() as staged:
            for name in names:
                with _naming(name):
                    _copy(name, older, staged)

            def exchange(name: str, maildirs: int, aside: int) -> None:
                self._replace(name, staged, (maildirs, aside))

            self._each(names, exchange)

    def copy(self, names: Sequence[str]) -> None:
        """Copies mailboxes into the snapshot, by links; nothing happens to them."""
        with (
            opened(open_made_folder(self._mailboxes.folder)) as maildirs,
            self._snapshots.open(self._snapshot) as aside,
        ):
            for name in map(checked, names):
                with _naming(name):
                    try:
                        _copy(name, maildirs, aside)
                    except FileNotFoundError:
                        # Who has had no mail yet has none again when this is restored.
                        _make_mailbox(name, aside)
            sync_folder(aside)

    def _each(self, names: Sequence[str], act: Callable[[str, int, int], object]) -> None:
        """Acts on each mailbox while deliveries to it wait; what was done is then safe."""
        wanted = list(dict.fromkeys(map(checked, names)))
        with (
            opened(open_made_folder(self._mailboxes.folder)) as maildirs,
            self._snapshots.open(self._snapshot) as aside,
        ):
            try:
                for start in range(0, len(wanted), _AT_ONCE):
                    handful = wanted[start : start + _AT_ONCE]
                    with self._mailboxes.gate.resetting(handful):
                        for name in handful:
                            try:
                                with _naming(name):
                                    act(name, maildirs, aside)
                            finally:
                                self._mailboxes.forget(name)
            finally:
                sync_folder(aside)
                sync_folder(maildirs)

    def _move(self, name: str, maildirs: int, aside: int) -> bool:
        """Moves a mailbox into the snapshot; False where there is none."""
        try:
            os.rename(name, name, src_dir_fd=maildirs, dst_dir_fd=aside)
        except FileNotFoundError:
            return False
        return True

    def _replace(self, name: str, source: int, places: tuple[int, int]) -> None:
        """Moves a mailbox into the snapshot, and that of the folder `source` into its place."""
        maildirs, aside = places
        was_there = self._move(name, maildirs, aside)
        try:
            os.rename(name, name, src_dir_fd=source, dst_dir_fd=maildirs)
        except OSError:
            if was_there:
                os.rename(name, name, src_dir_fd=aside, dst_dir_fd=maildirs)
            raise

    def _give_back(self, name: str, maildirs: int, aside: int) -> None:
        """Moves a mailbox out of the snapshot again, with what has come to the new one.

        Where that cannot be, both stay, each where it is.
        """
        with suppress(OSError):
            if _is_mailbox(name, maildirs):
                if _is_mailbox(name, aside):
                    _link_mail((name, maildirs), (name, aside), ())
                    _erase(name, maildirs)
                else:
                    _remove_empty(name, maildirs)
            os.rename(name, name, src_dir_fd=aside, dst_dir_fd=maildirs)

    def _unmake(self, name: str, maildirs: int, aside: int) -> None:
        """Removes a mailbox that was made where none was, in both places; one with mail stays."""
        for folder in (aside, maildirs):
            with suppress(OSError):
                _remove_empty(name, folder)

    @contextmanager
    def _staging(self) -> Iterator[int]:
        """A folder of the snapshot in which mailboxes are made ready; gone afterwards."""
        with self._snapshots.open(self._snapshot) as aside:
            make_folder_in(aside, _STAGED)
            try:
                with opened(open_folder(_STAGED, aside)) as staged:
                    yield staged
                    for name in os.listdir(staged):
                        _erase(name, staged)
            finally:
                with suppress(OSError):
                    os.rmdir(_STAGED, dir_fd=aside)


Place = tuple[str, int]
"""A mailbox: its name, and the open folder that it is in."""


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Says by the `filename` of an OSError with which mailbox there was trouble."""
    try:
        yield
    except OSError as error:
        error.filename = name
        raise


def _is_mailbox(name: str, folder: int) -> bool:
    """Whether there is a mailbox, and not a file or a link in its place."""
    try:
        os.close(open_folder(name, folder))
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _copy(name: str, source: int, target: int) -> None:
    """Gives a mailbox's files a second name each, in a mailbox that is made; safe afterwards."""
    with opened(open_folder(name, source)):
        pass  # there is such a mailbox, and it is a folder
    _make_mailbox(name, target)
    _link_mail((name, source), (name, target), ())
    with opened(open_folder(name, target)) as copy:
        sync_folder(copy)


def _make_mailbox(name: str, folder: int) -> None:
    """Makes what is missing of a mailbox."""
    make_folder_in(folder, name)
    with opened(open_folder(name, folder)) as mailbox:
        for part in _PARTS:
            make_folder_in(mailbox, part)


def _link_mail(source: Place, target: Place, but: Collection[str]) -> None:
    """Links the messages of one mailbox into another, but for some UIDLs and those it has."""
    with opened(open_folder(*source)) as old, opened(open_folder(*target)) as new:
        known = set(but)
        for part in _WITH_MAIL:
            known.update(describe(file).uidl for file in _files(new, part))
        # "new" before "cur": what a reader moves from one to the other meanwhile is seen at least
        # once, and linked once.
        for part in _WITH_MAIL:
            missing = [file for file in _files(old, part) if describe(file).uidl not in known]
            if missing:
                known.update(_link(part, missing, old, new))


def _link(part: str, files: Sequence[str], old: int, new: int) -> list[str]:
    """Links files from one mailbox to another; the UIDLs of those that were still there."""
    linked = []
    with opened(open_folder(part, old)) as source, opened(open_folder(part, new)) as target:
        for file in files:
            with suppress(FileNotFoundError):
                os.link(file, file, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
                linked.append(describe(file).uidl)
        sync_folder(target)
    return linked


def _files(mailbox: int, part: str) -> list[str]:
    try:
        with opened(open_folder(part, mailbox)) as folder:
            return [name for name in os.listdir(folder) if not name.startswith(".")]
    except FileNotFoundError:
        return []


def _erase(name: str, folder: int) -> None:
    """Erases a mailbox whose messages have other names elsewhere."""
    with opened(open_folder(name, folder)) as mailbox:
        for part in _PARTS:
            with suppress(FileNotFoundError), opened(open_folder(part, mailbox)) as files:
                for file in os.listdir(files):
                    os.unlink(file, dir_fd=files)
    _remove_empty(name, folder)


def _remove_empty(name: str, folder: int) -> None:
    """Removes a mailbox; an OSError, and it stays, where there is mail in it."""
    with opened(open_folder(name, folder)) as mailbox:
        for part in reversed(_PARTS):
            with suppress(FileNotFoundError):
                os.rmdir(part, dir_fd=mailbox)
    os.rmdir(name, dir_fd=folder)
