"""Whose the site's files are and who else may touch them, and the programs that it starts.

The rule it guards: the mail is its owner's alone, and nobody but the owner can change what the
server reads or runs.
"""

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tpmailserver.settings import FILE_NAME, HOOKS_FOLDER, Hook
from tpmailserver.store.database import DATABASE

from . import commands
from .finding import Case, Found, bad, many, ok, warn
from .patience import ForAWhile

_PRIVATE = (
    *(FILE_NAME, DATABASE, "control.socket"),
    *("maildirs", "held", "spool", "locks", "snapshots"),
)
_READ_BY_OTHERS = (HOOKS_FOLDER, "seeds")
"""Programs may run as another user; packs of mails are no secret."""

_OTHERS = 0o077
_OTHERS_WRITE = 0o022


@dataclass(slots=True)
class _Seen:
    """What a walk through the site has come upon, each with its first path."""

    files: int = 0
    strange: list[Path] = field(default_factory=list)
    """Of another owner, or the owner may not use it."""
    writable: list[Path] = field(default_factory=list)
    readable: list[Path] = field(default_factory=list)


def site(case: Case) -> Found:
    """Whether there is a site, and this user may look at it."""
    folder = case.desk.folder
    if not folder.is_dir():
        return _no_site(folder)
    owner = folder.stat().st_uid
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return bad(
            f"{folder} is {_user(owner)}'s",
            "ask as that user, or as root:",
            commands.as_root(commands.tpmail(folder, "doctor")),
        )
    if not any(each.exists() for each in (folder / FILE_NAME, case.desk.database_file)):
        return _no_site(folder)
    if owner == 0:
        return warn(
            f"{folder} is root's, so the server would stay root",
            "make a user for it, and give it the folder:",
            "useradd --system tpmail",
            f"chown -R tpmail:tpmail {commands.quoted(folder)}",
        )
    return ok(f"{folder}, of {_user(owner)}")


def rights(case: Case) -> Found:
    """Whether the site's files are their owner's alone: 0600, folders 0700."""
    folder = case.desk.folder
    standing = folder.stat()
    seen = _Seen()
    paths = ForAWhile(_walk(folder))
    for path in paths:
        _look(path, standing.st_uid, path.relative_to(folder).parts[0], seen)
    quoted = commands.quoted(folder)
    owner = f"{_user(standing.st_uid)}:{_group(standing.st_gid)}"
    if seen.strange:
        return bad(
            f"not {_user(standing.st_uid)}'s to use: {_first(seen.strange)}",
            "give it back:",
            commands.as_root(f"chown -R {owner} {quoted}"),
            commands.as_root(f"chmod -R u+rwX {quoted}"),
        )
    if seen.writable or standing.st_mode & _OTHERS_WRITE:
        found = f"others may write to {_first(seen.writable or [folder])}"
        return bad(found, "take that away:", f"chmod -R go-w {quoted}")
    if seen.readable and standing.st_mode & _OTHERS:
        tops = sorted({each.relative_to(folder).parts[0] for each in seen.readable})
        return warn(
            f"others may look into {_first(seen.readable)}",
            "take that away:",
            " ".join(["chmod -R go=", *(commands.quoted(folder / each) for each in tops)]),
        )
    first = "" if paths.is_all else "the first "
    return ok(f"{first}{many(seen.files, 'file')}, their owner's alone")


def hooks(case: Case) -> Found:
    """Whether the programs of lists can be started, and only their owner can change them."""
    every = case.desk.settings.hooks
    if not every:
        return ok("no list has one")
    for each in every:
        fault = _fault(each, case.desk.folder)
        if fault is not None:
            return fault
    return ok(f"{len(every):,}: {', '.join(each.name for each in every[:5])}")


def _fault(hook: Hook, folder: Path) -> Found | None:
    path = Path(hook.program[0]) if hook.program else folder / HOOKS_FOLDER
    quoted = commands.quoted(path)
    if not path.exists():
        if not hook.program:
            return None  # a module may lie elsewhere on Python's path
        return bad(f"{hook.name}: there is no {path}", "write its path into tpmail.toml")
    mode = path.stat().st_mode
    if mode & _OTHERS_WRITE or path.parent.stat().st_mode & stat.S_IWOTH & ~stat.S_ISVTX:
        found = f"{hook.name}: others may change {path}, which the server runs"
        return bad(found, "take that away:", f"chmod go-w {quoted} {commands.quoted(path.parent)}")
    if hook.program and not (stat.S_ISREG(mode) and mode & 0o111):
        return bad(f"{hook.name}: {path} cannot be executed", "let it:", f"chmod +x {quoted}")
    return None


def _walk(folder: Path) -> Iterator[Path]:
    """What belongs to the site, each folder before what is in it; links are not followed."""
    for name in (*_PRIVATE, *_READ_BY_OTHERS):
        path = folder / name
        if not os.path.lexists(path):
            continue
        yield path
        for where, folders, files in os.walk(path):
            yield from (Path(where, each) for each in folders)
            # A checkout's maildirs has a README: at its top only folders are the server's.
            if where != str(folder / "maildirs"):
                yield from (Path(where, each) for each in files)


def _look(path: Path, owner: int, top: str, seen: _Seen) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return  # delivered, read or removed meanwhile
    seen.files += 1
    wanted = stat.S_IRWXU if stat.S_ISDIR(found.st_mode) else stat.S_IRUSR
    if found.st_uid != owner or found.st_mode & wanted != wanted or stat.S_ISLNK(found.st_mode):
        seen.strange.append(path)
    elif found.st_mode & _OTHERS_WRITE:
        seen.writable.append(path)
    elif found.st_mode & _OTHERS and top not in _READ_BY_OTHERS:
        seen.readable.append(path)


def _no_site(folder: Path) -> Found:
    return bad(
        f"no site in {folder}",
        "another folder? --site DIR names it; or make one:",
        commands.tpmail(folder, "init"),
    )


def _first(paths: list[Path]) -> str:
    more = f" and {len(paths) - 1:,} more" if len(paths) > 1 else ""
    return f"{paths[0]}{more}"


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
