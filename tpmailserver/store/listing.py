"""What is in a mailbox, in the order of delivery.

The rule it guards: one look at each folder, none at a file. Sizes and unique-ids stand in the
names; a foreign file that does not say its sizes is read once, and they are remembered.

A listing is remembered as long as neither folder has changed. A folder that changed less than two
seconds before it was read might change again within one tick of a coarse clock, so its listing is
used once and read again next time.
"""

import os
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from threading import Lock

from tpmailserver.model import Message

from .disk import open_file, opened, pieces
from .names import describe
from .tally import Tally

FOLDERS = ("new", "cur")

_SETTLED_AFTER = 2_000_000_000  # nanoseconds
_LISTED_AT_MOST = 200_000  # messages in all remembered listings
_MEASURED_AT_MOST = 50_000  # foreign files whose sizes are remembered

_Stamp = tuple[int, int, int, int]
_Measure = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Listing:
    """The messages of a mailbox and their tally."""

    messages: tuple[Message, ...]
    tally: Tally
    stamps: Mapping[str, _Stamp]


class Listings:
    """Reads mailboxes and remembers what it read, the least used forgotten first."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = Lock()
        self._kept: OrderedDict[str, Listing] = OrderedDict()
        self._weight = 0
        self._measured: OrderedDict[_Stamp, _Measure] = OrderedDict()

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
        if all(max(changed) < now - _SETTLED_AFTER for _, _, *changed in stamps.values()):
            self._keep(name, listing)
        else:
            self.forget(name)
        return listing

    def forget(self, name: str) -> None:
        """Drops the listing of a mailbox."""
        with self._lock:
            self._drop(name)

    def _scan(self, folders: Mapping[str, int], stamps: Mapping[str, _Stamp]) -> Listing:
        # "new" before "cur", and a later file takes the place of an earlier one of the same
        # unique-id: whatever moves from new to cur meanwhile is seen, and seen where it went.
        found: dict[str, tuple[str, Message]] = {}
        for folder in FOLDERS:
            if folder not in folders:
                continue
            with os.scandir(folders[folder]) as entries:
                for entry in entries:
                    if entry.name[0] == "." or not entry.is_file(follow_symlinks=False):
                        continue
                    message = self._message(folder, entry.name, folders[folder])
                    if message is not None:
                        found[message.uidl] = (entry.name, message)
        messages = tuple(message for _, message in sorted(found.values(), key=itemgetter(0)))
        return Listing(messages, _tally(messages), stamps)

    def _message(self, folder: str, file: str, folder_fd: int) -> Message | None:
        described = describe(file)
        stored, wire = described.stored, described.wire
        if stored is None or wire is None:
            try:
                stored, wire = self._measure(file, folder_fd)
            except FileNotFoundError:
                return None
        return Message(f"{folder}/{file}", described.uidl, wire, stored)

    def _measure(self, file: str, folder_fd: int) -> _Measure:
        standing = os.stat(file, dir_fd=folder_fd, follow_symlinks=False)
        key = (standing.st_dev, standing.st_ino, standing.st_mtime_ns, standing.st_size)
        with self._lock:
            known = self._measured.get(key)
        if known is not None:
            return known
        try:
            measure = _count(file, folder_fd)
        except FileNotFoundError:
            raise
        except OSError:
            # A file that we may not read spoils its own RETR, not the listing of all others.
            return standing.st_size, standing.st_size
        with self._lock:
            self._measured[key] = measure
            if len(self._measured) > _MEASURED_AT_MOST:
                self._measured.popitem(last=False)
        return measure

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


def _stamp(folder: os.stat_result) -> _Stamp:
    """What changes when a folder changes, or when another takes its place."""
    # `rsync -a` and `cp -a` set the time of modification back; nobody sets that of change.
    return folder.st_dev, folder.st_ino, folder.st_mtime_ns, folder.st_ctime_ns


def _tally(messages: tuple[Message, ...]) -> Tally:
    return Tally(len(messages), sum(message.stored for message in messages))


def _count(file: str, folder_fd: int) -> _Measure:
    """The octets of a file as stored and on the wire, as a draft counts them."""
    stored = line_ends = 0
    last = b""
    with opened(open_file(file, folder_fd)) as fd:
        for piece in pieces(fd):
            stored += len(piece)
            line_ends += piece.count(b"\n")
            last = piece[-1:]
    unended = 2 if stored and last != b"\n" else 0
    return stored, stored + line_ends + unended
