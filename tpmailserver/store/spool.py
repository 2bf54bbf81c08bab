"""The spool: where a message waits until the dot that ends it.

The rule it guards: a message is nobody's until it is whole. While it arrives it is a draft, in
memory as long as it is small, then in a file of the spool that no mailbox knows; what a crash
leaves there is swept after 36 hours. The spool is on the file system of the mailboxes, so that a
finished draft gets there by a link instead of a copy.

Content has LF line ends here. On the wire each is CRLF, and POP3 completes an unended last line:
`wire` counts so.
"""

import os
from contextlib import suppress
from enum import Enum
from pathlib import Path
from threading import RLock
from typing import BinaryIO

from .disk import (
    PIECE,
    create_file,
    open_file,
    open_folder,
    open_made_folder,
    opened,
    pieces,
    sweep_folder,
    write_whole,
)
from .names import UniqueNames

HELD_AT_MOST = 64 * 1024

# A client that writes octet by octet must not cost a Python object for each.
_CRUMBS = 512


class _Place(Enum):
    """Where a draft is."""

    MEMORY = "in memory alone"
    FILE = "in a file of the spool, its last octets perhaps in memory"
    SETTLED = "whole on the disk"
    GONE = "delivered or discarded"


class Draft:
    """A message that is arriving: a stamp (our own header fields) and the content below it.

    Whoever starts a draft ends it, by a delivery or by `discard`.
    """

    def __init__(self, folder: Path, identity: str, stamp: bytes) -> None:
        self.identity = identity
        self.stamp = stamp
        self._folder = folder
        self._place = _Place.MEMORY
        # A connection may be lost, and its draft discarded, while a thread writes to the file: were
        # it closed under that thread, the octets could end in the next file that is opened.
        self._busy = RLock()
        self._held: list[bytes] = [stamp]
        self._head: bytes | None = None
        self._line_ends = stamp.count(b"\n")
        self._last = stamp[-1:]
        self._folder_fd = -1
        self._file_fd = -1
        self.stored = len(stamp)
        self.held = len(stamp)

    @property
    def wire(self) -> int:
        """Octets on the wire, every line end as CRLF, the last line ended."""
        unended = 2 if self.stored and self._last != b"\n" else 0
        return self.stored + self._line_ends + unended

    @property
    def is_gone(self) -> bool:
        """Whether the draft was delivered or discarded."""
        return self._place is _Place.GONE

    @property
    def head(self) -> bytes:
        """The first octets of the content, at most 64 KiB, without the stamp."""
        if self._head is not None:
            return self._head
        return b"".join(self._held[1:])[:HELD_AT_MOST]

    def write(self, chunk: bytes) -> None:
        """Adds content, in memory only; after `discard` it is counted and thrown away."""
        if not chunk:
            return
        self.stored += len(chunk)
        self._line_ends += chunk.count(b"\n")
        self._last = chunk[-1:]
        if self._place is _Place.GONE:
            return
        self.held += len(chunk)
        self._held.append(chunk)
        if len(self._held) > _CRUMBS:
            self._held[1:] = [b"".join(self._held[1:])]

    def copy_content(self, target: "Draft") -> None:
        """Writes the content, without the stamp, to another draft; that one spills as it grows."""
        with self._busy:
            if self._place is _Place.GONE:
                raise RuntimeError(f"the draft is {self._place.value}")
            if self._place is not _Place.MEMORY:
                with self.open() as file:
                    file.seek(len(self.stamp))
                    while piece := file.read(PIECE):
                        target.write(piece)
                        target.spill()
            # A draft in memory holds its stamp as the first piece.
            for piece in self._held[self._place is _Place.MEMORY :]:
                target.write(piece)

    def open(self) -> BinaryIO:
        """Opens what has been spilled for reading, the stamp included; whoever opens it closes."""
        return os.fdopen(open_file(self.identity, self._folder_fd), "rb")

    def spill(self) -> None:
        """Writes what is held in memory to the spool file and makes the file if there is none.

        A failure leaves no file and no draft: half of a message is nothing.
        """
        with self._busy:
            if self._place not in (_Place.MEMORY, _Place.FILE):
                raise RuntimeError(f"the draft is {self._place.value}")
            try:
                if self._place is _Place.MEMORY:
                    self._head = self.head
                    self._create()
                write_whole(self._file_fd, self._held)
            except OSError:
                self.discard()
                raise
            self._held = []
            self.held = 0

    def settle(self) -> None:
        """Writes the rest and makes the whole file safe against a power cut."""
        with self._busy:
            self.spill()
            try:
                os.fsync(self._file_fd)
            except OSError:
                self.discard()
                raise
            os.close(self._file_fd)
            self._file_fd = -1
            self._place = _Place.SETTLED

    def link_into(self, folder: int, name: str) -> None:
        """Gives the settled draft one more name in an open folder."""
        os.link(
            self.identity,
            name,
            src_dir_fd=self._folder_fd,
            dst_dir_fd=folder,
            follow_symlinks=False,
        )

    def move_into(self, folder: int, name: str) -> None:
        """Moves the settled draft out of the spool, to its last name in an open folder."""
        os.rename(self.identity, name, src_dir_fd=self._folder_fd, dst_dir_fd=folder)
        self._let_go()

    def copy_into(self, folder: int, name: str) -> None:
        """Copies the settled draft to a new file in an open folder and syncs that file."""
        with (
            opened(open_file(self.identity, self._folder_fd)) as source,
            opened(create_file(name, folder)) as target,
        ):
            for piece in pieces(source):
                write_whole(target, [piece])
            os.fsync(target)

    def discard(self) -> None:
        """Ends the draft; its file, if it has one, is removed now or by the sweep."""
        with self._busy:
            if self._place in (_Place.FILE, _Place.SETTLED):
                with suppress(OSError):
                    os.unlink(self.identity, dir_fd=self._folder_fd)
            self._let_go()

    def _create(self) -> None:
        self._folder_fd = open_made_folder(self._folder)
        self._file_fd = create_file(self.identity, self._folder_fd)
        self._place = _Place.FILE

    def _let_go(self) -> None:
        for fd in (self._file_fd, self._folder_fd):
            if fd >= 0:
                os.close(fd)
        self._file_fd = self._folder_fd = -1
        self._held = []
        self.held = 0
        self._place = _Place.GONE


class Spool:
    """The spool folder of a site."""

    def __init__(self, folder: Path, names: UniqueNames) -> None:
        self._folder = folder
        self._names = names

    def draft(self, stamp: bytes) -> Draft:
        """Starts a message; nothing touches the disk until it spills or is delivered."""
        return Draft(self._folder, self._names.make(), stamp)

    def restamped(self, draft: Draft, stamp: bytes) -> Draft:
        """Another draft of the same content under another stamp; reads and writes files."""
        copy = self.draft(stamp)
        try:
            draft.copy_content(copy)
        except BaseException:
            copy.discard()
            raise
        return copy

    def sweep(self, now: float) -> int:
        """Removes what crashes have left, once it is 36 hours old; returns how many files."""
        try:
            folder = open_folder(self._folder)
        except FileNotFoundError:
            return 0
        with opened(folder):
            return sweep_folder(folder, now)
