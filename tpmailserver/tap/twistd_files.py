"""The two files of twistd itself: its process number and its log.

The rule it guards: nobody else reads or writes them, what a crash left of them never stops a start,
and the log belongs to whom the server becomes. twistd opens it as root, and a log that the server
may not write is never rotated.
"""

import os
import pwd
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_TWISTD = re.compile(rb"(?:^|/)twistd$|twisted\.scripts\.twistd")


def keep_private() -> None:
    """Makes what twistd writes private, in the foreground as it is in the background.

    Under a umask of 0 anybody could write another process into the pid file, and root's `kill`
    would end that. `--umask` beats this, for it comes later.
    """
    os.umask(0o077)


def remove_stale_pid_file(twistd: Mapping[str, Any]) -> None:
    """Removes the pid file of a twistd that is no more, which would keep this one from starting.

    twistd takes any process of that number for itself, and after a crash the number may be
    somebody else's.
    """
    name = twistd.get("pidfile")
    if not name or not os.path.exists(name):
        return
    try:
        pid = int(Path(name).read_text("ascii"))
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        command = []
    # The program or its script, and no other word: an editor may have a file of that name open.
    if not any(_TWISTD.search(word) for word in command[:3]):
        try:
            os.remove(name)
        except OSError as error:
            raise SystemExit(f"twistd tpmail: cannot remove the old {name}: {error}") from error


def give_log_away(twistd: Mapping[str, Any], site: Path) -> None:
    """Makes root's log file and gives it to whom `--uid`, else the site's folder, says."""
    name = _log_of(twistd)
    user = _user(twistd, site)
    if os.geteuid() != 0 or name is None or user is None:
        return
    try:
        # Never through a link: the folder is the other's, who could point it at a file of root's.
        file_fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    except OSError as error:
        raise SystemExit(f"twistd tpmail: cannot write the log {name}: {error}") from error
    try:
        file = os.fstat(file_fd)
        if stat.S_ISREG(file.st_mode) and file.st_uid == 0 and file.st_nlink == 1:
            os.fchown(file_fd, *user)
    finally:
        os.close(file_fd)


def _log_of(twistd: Mapping[str, Any]) -> str | None:
    name: str = twistd.get("logfile") or ("-" if twistd.get("nodaemon") else "twistd.log")
    elsewhere = twistd.get("syslog") or twistd.get("logger") or twistd.get("chroot")
    return None if elsewhere or name == "-" else name


def _user(twistd: Mapping[str, Any], site: Path) -> tuple[int, int] | None:
    uid, gid = twistd.get("uid"), twistd.get("gid")
    if uid is not None:
        # As twistd does: the user's own group, unless --gid names another.
        return uid, pwd.getpwuid(uid).pw_gid if gid is None else gid
    try:
        folder = site.stat()
    except OSError:
        return None
    return folder.st_uid, folder.st_gid
