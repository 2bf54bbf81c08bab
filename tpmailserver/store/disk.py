"""Folders and files as the store makes them: private, whole, and never through a link.

The rule it guards: what is made here is 0700 or 0600 whatever the umask says, and a symbolic link
inside the site is an error, never a way out of it. Only the path of the site itself may hold
links: below it every folder is opened by its name in the folder above, with O_NOFOLLOW.
"""

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

# A server that is full says 452 and means "later"; any other trouble of the disk is a 451.
OUT_OF_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE})

LEFT_OVER_AFTER = 36 * 3600.0  # seconds; the age at which Maildir readers sweep tmp/

PIECE = 256 * 1024

_READ_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# A fifo in the place of a message must not hold a thread: hence O_NONBLOCK.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

# What one writev takes on Linux (IOV_MAX).
_BUFFERS_AT_ONCE = 1024


def make_folder(path: Path) -> None:
    """Makes a folder and its missing parents; one that stands already is left as it is."""
    try:
        os.mkdir(path, 0o700)
    except FileNotFoundError:
        make_folder(path.parent)
        make_folder(path)
    except FileExistsError:
        if not path.is_dir():
            raise
    else:
        os.chmod(path, 0o700)


def make_folder_in(folder: int, name: str) -> bool:
    """Makes the folder `name` in an open folder; False when something has that name already."""
    try:
        os.mkdir(name, 0o700, dir_fd=folder)
    except FileExistsError:
        return False
    # By name, not through an open file: under a umask of 0777 there is nothing to open yet.
    os.chmod(name, 0o700, dir_fd=folder)
    return True


def open_folder(path: Path | str, dir_fd: int | None = None) -> int:
    """Opens a folder, or raises NotADirectoryError for a file and for a link to a folder."""
    return os.open(path, _READ_FOLDER, dir_fd=dir_fd)


def open_made_folder(path: Path) -> int:
    """Opens a folder and makes it first where it is missing."""
    try:
        return open_folder(path)
    except FileNotFoundError:
        make_folder(path)
        return open_folder(path)


def descend(path: Path, *names: str) -> int:
    """Opens the folder `path`, in it the first of `names`, in that the next; returns the last."""
    folder = open_folder(path)
    for name in names:
        try:
            below = open_folder(name, folder)
        finally:
            os.close(folder)
        folder = below
    return folder


@contextmanager
def opened(fd: int) -> Iterator[int]:
    """Closes an open file at the end of a `with` block."""
    try:
        yield fd
    finally:
        os.close(fd)


def create_file(name: str, dir_fd: int) -> int:
    """Creates a file of mode 0600 that did not exist and opens it for writing."""
    fd = os.open(name, _CREATE, 0o600, dir_fd=dir_fd)
    try:
        os.fchmod(fd, 0o600)
    except OSError:
        os.close(fd)
        raise
    return fd


def open_file(name: str, dir_fd: int) -> int:
    """Opens a file for reading; a link is an error."""
    return os.open(name, _READ, dir_fd=dir_fd)


def write_whole(fd: int, buffers: Sequence[bytes]) -> None:
    """Writes every octet of `buffers`, however little the kernel takes at a time."""
    for start in range(0, len(buffers), _BUFFERS_AT_ONCE):
        waiting: list[bytes | memoryview] = list(buffers[start : start + _BUFFERS_AT_ONCE])
        while waiting:
            written = os.writev(fd, waiting)
            done = 0
            while done < len(waiting) and written >= len(waiting[done]):
                written -= len(waiting[done])
                done += 1
            del waiting[:done]
            if written:
                waiting[0] = memoryview(waiting[0])[written:]


def pieces(fd: int) -> Iterator[bytes]:
    """Yields what is left to read of an open file, in large pieces."""
    while piece := os.read(fd, PIECE):
        yield piece


def sync_folder(fd: int) -> None:
    """Makes the names in an open folder safe against a power cut."""
    try:
        os.fsync(fd)
    except OSError as error:
        # A shared folder of a virtual machine cannot sync folders at all and says so by EINVAL:
        # it is as safe there as it can be.
        if error.errno != errno.EINVAL:
            raise


def sweep_folder(folder: int, now: float) -> int:
    """Removes the files of an open folder that nobody has written to for 36 hours."""
    swept = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                standing = entry.stat(follow_symlinks=False).st_mtime > now - LEFT_OVER_AFTER
                if standing or entry.is_dir(follow_symlinks=False):
                    continue
                os.unlink(entry.name, dir_fd=folder)
                swept += 1
    return swept
