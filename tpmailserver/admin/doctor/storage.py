"""Where the site lies: the file system, its space, and what fills it.

The rule it guards: a file system that cannot keep what the server promises is named before a
class finds out.
"""

import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tpmailserver.store.disk import LEFT_OVER_AFTER

from . import commands
from .finding import Case, Found, bad, many, ok, warn
from .patience import ForAWhile

_MIB = 1024 * 1024
_GIB = 1024 * _MIB

_SPACE_BAD, _SPACE_WARN = 100 * _MIB, _GIB
_INODES_BAD, _INODES_WARN = 1_000, 20_000

_MOUNTS = Path("/proc/self/mountinfo")
_NFS = frozenset({"nfs", "nfs4"})
_OTHER_NETWORK = frozenset(
    (
        *("9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "gfs2", "glusterfs", "gpfs"),
        *("lustre", "ncpfs", "ocfs2", "smb3", "smbfs", "fuse.ceph", "fuse.davfs2"),
        *("fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs"),
    )
)
_WITHOUT_OWNERS = frozenset(
    ("drvfs", "exfat", "fuseblk", "hfsplus", "msdos", "ntfs", "ntfs3", "prl_fs", "vboxsf", "vfat")
)
_GONE_AT_BOOT = frozenset({"ramfs", "tmpfs"})
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """A mounted file system, as proc_pid_mountinfo(5) tells it."""

    point: str
    kind: str
    source: str
    options: frozenset[str]


def space(case: Case) -> Found:
    """Whether there is room for the mail of a class."""
    found = os.statvfs(case.desk.folder)
    octets = found.f_bavail * found.f_frsize
    # Some file systems have no fixed number of inodes and say 0 of 0.
    inodes = found.f_favail if found.f_files else _INODES_WARN
    said = f"{octets / _GIB:.1f} GiB free"
    said += f", {found.f_favail:,} inodes" if found.f_files else ""
    if octets >= _SPACE_WARN and inodes >= _INODES_WARN:
        return ok(said)
    say = bad if octets < _SPACE_BAD or inodes < _INODES_BAD else warn
    folder = commands.quoted(case.desk.folder)
    return say(said, "this shows what fills it:", f"du -xh -d1 {folder} | sort -h")


def file_system(case: Case) -> Found:
    """What kind of file system holds the mail; one over a network is named."""
    mount = mount_of(os.path.realpath(case.desk.folder), _MOUNTS.read_text())
    if mount is None:
        return warn("the system does not tell which file system this is", "see", "findmnt")
    said = f"{mount.kind} on {mount.source}"
    if "ro" in mount.options:
        return bad(
            f"{said}, read-only",
            "nothing can be delivered; the kernel's log says why:",
            commands.as_root("dmesg"),
        )
    if mount.kind in _NFS:
        return _nfs(mount, said)
    if mount.kind in _OTHER_NETWORK:
        return warn(
            f"{said}: a network file system",
            "a local disk, or NFS, keeps mail and locks more safely: move the site there",
        )
    if mount.kind in _WITHOUT_OWNERS:
        return bad(f"{said}: it knows no owners", "everybody here may read the mail: move the site")
    if mount.kind in _GONE_AT_BOOT:
        return warn(f"{said}: in memory", "all is gone at the next boot: move the site to a disk")
    if mount.kind == "overlay":
        return warn(
            f"{said}: the layer of a container",
            "all goes with the container, unless the site is on a volume of its own",
        )
    return ok(said)


def snapshots(case: Case) -> Found:
    """How much is kept of old mail."""
    folder = case.desk.snapshots.folder
    files = ForAWhile(_files(folder))
    octets = sum(path.lstat().st_size for path in files)
    kept = len(case.desk.snapshots.all())
    more = "" if files.is_all else "at least "
    said = f"{many(kept, 'snapshot')}, {more}{octets / _MIB:.1f} MiB"
    if octets > shutil.disk_usage(case.desk.folder).free:
        return warn(
            f"{said}: more than is free",
            "remove those that nobody wants back; the oldest:",
            f"ls -1d {commands.quoted(folder)}/* | head",
        )
    return ok(said)


def spool(case: Case) -> Found:
    """What crashes have left of messages that were under way."""
    folder = case.desk.folder / "spool"
    ages = [time.time() - each.lstat().st_mtime for each in _files(folder)]
    old = [each for each in ages if each > LEFT_OVER_AFTER]
    if old and case.server.facts is not None:
        return warn(
            f"{len(old):,} files are older than 36 hours",
            "the server removes such every hour, and could not: its log says why",
            f"ls -l {commands.quoted(folder)}",
        )
    if old:
        return ok(f"{len(old):,} left by a crash; the next start removes them")
    return ok(f"{len(ages):,} under way" if ages else "empty")


def mount_of(path: str, table: str) -> Mount | None:
    """The file system that a path is on, by the text of a mountinfo."""
    found = None
    for line in table.splitlines():
        before, _, behind = line.partition(" - ")
        fields, rest = before.split(" "), behind.split(" ")
        if len(fields) < 6 or len(rest) < 2:
            continue
        point = _unescaped(fields[4])
        below = path == point or path.startswith(point.rstrip("/") + "/")
        # What was mounted later lies on top.
        if below and (found is None or len(point) >= len(found.point)):
            options = frozenset(f"{fields[5]},{','.join(rest[2:])}".split(","))
            found = Mount(point, rest[0], _unescaped(rest[1]), options)
    return found


def _nfs(mount: Mount, said: str) -> Found:
    risky = sorted(mount.options & {"soft", "nolock", "local_lock=all", "local_lock=flock"})
    if risky:
        return warn(
            f"{said}: a network file system, mounted {', '.join(risky)}",
            "mount it hard and with locks, or what was acknowledged may be lost",
        )
    return ok(f"{said}: a network file system that keeps mail well")


def _files(folder: Path) -> Iterator[Path]:
    """The files below a folder; what goes meanwhile is passed over."""
    for where, _, names in os.walk(folder):
        for each in names:
            path = Path(where, each)
            if os.path.lexists(path):
                yield path


def _unescaped(text: str) -> str:
    return _OCTAL.sub(lambda found: chr(int(found[1], 8)), text)
