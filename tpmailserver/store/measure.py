"""The sizes of foreign files, which do not say them in their names.

The rule it guards: such a file is read once, not at every login. What is remembered goes by the
file itself and not by its name, so that it lasts when a mail program moves the file; and it is
bounded, the oldest forgotten first.
"""

import os
from collections import OrderedDict
from threading import Lock

from .disk import open_file, opened, pieces

_REMEMBERED_AT_MOST = 100_000

_File = tuple[int, int, int, int]
_Sizes = tuple[int, int]


class Measures:
    """The sizes of files that were read: octets stored, octets on the wire."""

    def __init__(self) -> None:
        self._known: OrderedDict[_File, _Sizes] = OrderedDict()
        self._lock = Lock()

    def of(self, file: str, folder: int) -> tuple[int, int] | None:
        """The octets of a file, stored and on the wire; None when it is gone."""
        try:
            return self._measure(file, folder)
        except FileNotFoundError:
            return None

    def _measure(self, file: str, folder: int) -> _Sizes:
        standing = os.stat(file, dir_fd=folder, follow_symlinks=False)
        key = (standing.st_dev, standing.st_ino, standing.st_size, standing.st_mtime_ns)
        with self._lock:
            known = self._known.get(key)
        if known is not None:
            return known
        try:
            sizes = _read(file, folder)
        except FileNotFoundError:
            raise
        except OSError:
            # A file that cannot be read spoils its own RETR, not the listing of all others.
            return standing.st_size, standing.st_size
        with self._lock:
            self._known[key] = sizes
            if len(self._known) > _REMEMBERED_AT_MOST:
                self._known.popitem(last=False)
        return sizes


def _read(file: str, folder: int) -> _Sizes:
    """Counts as a draft does: every line end is CRLF on the wire, the last line is ended."""
    stored = line_ends = 0
    last = b""
    with opened(open_file(file, folder)) as fd:
        for piece in pieces(fd):
            stored += len(piece)
            line_ends += piece.count(b"\n")
            last = piece[-1:]
    unended = 2 if stored and last != b"\n" else 0
    return stored, stored + line_ends + unended
