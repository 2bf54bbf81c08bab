"""What is in a mailbox, in the order of delivery.

The rule it guards: one look at each folder, none at a file. Sizes and unique-ids stand in the
names; a foreign file that does not say its sizes is read once, and they are remembered.

A listing is remembered as long as neither folder has changed. A folder that changed less than two
seconds before it was read might change again within one tick of a coarse clock, so its listing is
used once and read again next time. So is one with foreign files: somebody may be writing one by
hand, in its place, and no folder shows that.
"""

import os
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from threading import Lock

from tpmailserver.model import Message

from .measure import Measures
from .names import describe
from .tally import Tally

FOLDERS = ("new", "cur")

_SETTLED_AFTER = 2_000_000_000  # nanoseconds
_LISTED_AT_MOST = 200_000  # messages in all remembered listings

_Stamp = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Listing:
    """The messages of a mailbox and their tally; `measured` of them had no sizes in their names."""

    messages: tuple[Message, ...]
    tally: Tally
    measured: int
    stamps: Mapping[str, _Stamp]


class Listings:
    """Reads mailboxes and remembers what it read, the least used forgotten first."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = Lock()
        self._kept: OrderedDict[str, Listing] = OrderedDict()
        self._weight = 0
        self._measures = Measures()

    def read(self, name: str, folders: Mapping[str, int]) -> Listing:
        """Lists a mailbox whose open folders are `folders`, "new" and "cur" or what there is."""
        stamps = {folder: _stamp(os.fstat(fd)) for folder, fd in folders.items()}
        with self._lock:
            kept = self._kept.get(name)
            if kept is not None and kept.stamps == stamps:
                self._kept.move_to_end(name)
                return kept
        now = int(self._clock() * 1_000_000_000)
        listing = self._scan(folders, stamps)
        rested = all(max(changed) < now - _SETTLED_AFTER for _, _, *changed in stamps.values())
        if rested and not listing.measured:
            self._keep(name, listing)
        else:
            self.forget(name)
        return listing

    def forget(self, name: str) -> None:
        """Drops the listing of a mailbox."""
        with self._lock:
            self._drop(name)

    def _scan(self, folders: Mapping[str, int], stamps: Mapping[str, _Stamp]) -> Listing:
        found: dict[str, tuple[str, Message]] = {}
        measured = 0
        for folder, file in _files(folders):
            described = describe(file)
            stored, wire = described.stored, described.wire
            if stored is None or wire is None:
                sizes = self._measures.of(file, folders[folder])
                if sizes is None:
                    continue
                stored, wire = sizes
                measured += 1
            # A later file takes the place of an earlier one of the same unique-id.
            message = Message(f"{folder}/{file}", described.uidl, wire, stored)
            found[message.uidl] = (file, message)
        messages = tuple(message for _, message in sorted(found.values(), key=itemgetter(0)))
        tally = Tally(len(messages), sum(message.stored for message in messages))
        return Listing(messages, tally, measured, stamps)

    def _keep(self, name: str, listing: Listing) -> None:
        with self._lock:
            self._drop(name)
            self._kept[name] = listing
            self._weight += 1 + len(listing.messages)
            while self._weight > _LISTED_AT_MOST:
                self._drop(next(iter(self._kept)))

    def _drop(self, name: str) -> None:
        dropped = self._kept.pop(name, None)
        if dropped is not None:
            self._weight -= 1 + len(dropped.messages)


def weigh(folders: Mapping[str, int]) -> Tally:
    """The tally of a mailbox by its names alone; a foreign file weighs what its folder says."""
    found: dict[str, int] = {}
    for folder, file in _files(folders):
        described = describe(file)
        stored = described.stored
        if stored is None:
            try:
                stored = os.stat(file, dir_fd=folders[folder], follow_symlinks=False).st_size
            except FileNotFoundError:
                continue
        found[described.uidl] = stored
    return Tally(len(found), sum(found.values()))


def _files(folders: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    # "new" before "cur": what moves from one to the other meanwhile is seen at least once.
    for folder in FOLDERS:
        if folder in folders:
            with os.scandir(folders[folder]) as entries:
                for entry in entries:
                    if entry.name[0] != "." and entry.is_file(follow_symlinks=False):
                        yield folder, entry.name


def _stamp(folder: os.stat_result) -> _Stamp:
    """What changes when a folder changes, or when another takes its place."""
    # `rsync -a` and `cp -a` set the time of modification back; nobody sets that of change.
    return folder.st_dev, folder.st_ino, folder.st_mtime_ns, folder.st_ctime_ns
