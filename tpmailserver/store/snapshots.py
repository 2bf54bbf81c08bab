"""The snapshots of a site: folders of mailboxes as they were, each with a page that says why.

    snapshots/20261123-141500-reset/.snapshot.json
    snapshots/20261123-141500-reset/22000001/{tmp,new,cur}

The rule it guards: whatever was set aside can be found and named, also after a crash in the middle:
the page is written before the first mailbox is moved. A folder without one, of an older version or
made by hand, is a snapshot all the same.
"""

import json
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from enum import Enum
from itertools import chain, count
from pathlib import Path

from tpmailserver.model import NAME

from .disk import (
    create_file,
    make_folder_in,
    open_file,
    open_folder,
    open_made_folder,
    opened,
    pieces,
    sync_folder,
    write_whole,
)
from .names import describe

_PAGE = ".snapshot.json"
_FRESH_PAGE = ".snapshot.json.new"
_TITLE = re.compile(r"\d{8}-\d{6}-.+")
_DAY = 86_400.0


class Kind(Enum):
    """Why mailboxes were set aside."""

    RESET = "reset"
    """They were emptied for the next group."""
    RESTORE = "restore"
    """An older snapshot took their place."""
    UNDO = "undo"
    """A reset or a restore was undone."""
    REMOVED = "removed"
    """Their accounts were removed."""
    TAKEN = "taken"
    """Nothing was done to them: somebody wanted a snapshot."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot; `at` is in seconds of Unix time.

    The mailboxes that took the place of these began with the mails `seeds`, by UIDL, or with those
    of another snapshot, `source`.
    """

    title: str
    kind: Kind
    at: float
    seeds: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class Weight:
    """What lies in a snapshot: its mailboxes, their messages, and the octets of their files."""

    mailboxes: int
    messages: int
    octets: int


class Snapshots:
    """The folder `snapshots/` of a site."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self, kind: Kind, label: str, now: float, source: str = "") -> Snapshot:
        """Makes a new and empty snapshot, safe against a power cut; `label` ends its title."""
        stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
        with opened(open_made_folder(self.folder)) as snapshots:
            title = _make_fresh(snapshots, f"{stamp}-{_plain(label)}")
            snapshot = Snapshot(title, kind, now, source=source)
            try:
                self.write(snapshot)
                sync_folder(snapshots)
            except OSError:
                self.remove(snapshot)
                raise
        return snapshot

    def write(self, snapshot: Snapshot) -> None:
        """Writes the page of a snapshot in the place of the one that stands."""
        page = asdict(snapshot) | {"kind": snapshot.kind.value}
        del page["title"]
        with self.open(snapshot) as folder:
            with suppress(FileNotFoundError):
                os.unlink(_FRESH_PAGE, dir_fd=folder)
            with opened(create_file(_FRESH_PAGE, folder)) as file:
                write_whole(file, [json.dumps(page).encode() + b"\n"])
                os.fsync(file)
            os.rename(_FRESH_PAGE, _PAGE, src_dir_fd=folder, dst_dir_fd=folder)
            sync_folder(folder)

    def all(self) -> tuple[Snapshot, ...]:
        """Every snapshot, the oldest first."""
        try:
            titles = os.listdir(self.folder)
        except FileNotFoundError:
            return ()
        found = (self.named(title) for title in titles)
        return tuple(sorted((each for each in found if each), key=lambda each: each.at))

    def named(self, title: str) -> Snapshot | None:
        """The snapshot of that title, if there is one."""
        if not title or title.startswith(".") or "/" in title:
            return None
        with suppress(FileNotFoundError, NotADirectoryError), self._open(title) as folder:
            return _read(title, folder)
        return None

    def mailboxes(self, snapshot: Snapshot) -> tuple[str, ...]:
        """The names of the mailboxes in a snapshot, sorted."""
        with self.open(snapshot) as folder:
            return tuple(sorted(name for name in os.listdir(folder) if NAME.fullmatch(name)))

    def weight(self, snapshot: Snapshot, names: Iterable[str] | None = None) -> Weight:
        """What lies in a snapshot, or in some of its mailboxes; reads no message."""
        wanted = self.mailboxes(snapshot) if names is None else tuple(names)
        messages = octets = 0
        for name in wanted:
            for part in ("new", "cur"):
                for entry in _entries(self.folder / snapshot.title / name / part):
                    stored = describe(entry.name).stored
                    messages += 1
                    octets += entry.stat().st_size if stored is None else stored
        return Weight(len(wanted), messages, octets)

    def uidls(self, snapshot: Snapshot) -> frozenset[str]:
        """The UIDLs of all messages in a snapshot."""
        folder = self.folder / snapshot.title
        return frozenset(
            describe(entry.name).uidl
            for name in self.mailboxes(snapshot)
            for part in ("new", "cur")
            for entry in _entries(folder / name / part)
        )

    def remove(self, snapshot: Snapshot) -> None:
        """Erases a snapshot for good."""
        shutil.rmtree(self.folder / snapshot.title)

    def sweep(self, now: float, days: float) -> tuple[str, ...]:
        """Erases the snapshots that are older than so many days (0 keeps all); their titles."""
        old = [each for each in self.all() if 0 < days < (now - each.at) / _DAY]
        for each in old:
            self.remove(each)
        return tuple(each.title for each in old)

    @contextmanager
    def open(self, snapshot: Snapshot) -> Iterator[int]:
        """Opens a snapshot's folder for the length of a `with` block."""
        with self._open(snapshot.title) as folder:
            yield folder

    @contextmanager
    def _open(self, title: str) -> Iterator[int]:
        with (
            opened(open_folder(self.folder)) as snapshots,
            opened(open_folder(title, snapshots)) as folder,
        ):
            yield folder


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [each for each in entries if not each.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _read(title: str, folder: int) -> Snapshot:
    try:
        with opened(open_file(_PAGE, folder)) as file:
            page = json.loads(b"".join(pieces(file)))
        return Snapshot(
            title,
            Kind(page["kind"]),
            float(page["at"]),
            tuple(map(str, page["seeds"])),
            str(page["source"]),
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return Snapshot(title, _kind_of(title), os.fstat(folder).st_mtime)


def _kind_of(title: str) -> Kind:
    """What a folder without a page is, by its title."""
    label = title.split("-", 2)[-1] if _TITLE.fullmatch(title) else ""
    return next((kind for kind in Kind if label.startswith(kind.value)), Kind.TAKEN)


def _make_fresh(snapshots: int, wanted: str) -> str:
    titles = chain([wanted], (f"{wanted}-{number}" for number in count(2)))
    return next(title for title in titles if make_folder_in(snapshots, title))


def _plain(label: str) -> str:
    return re.sub(r"[^a-z0-9._]+", "-", label.lower()).strip("-.")[:64] or "taken"
