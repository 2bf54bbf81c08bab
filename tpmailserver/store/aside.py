"""Puts mailboxes aside: what a reset does instead of erasing.

The rule it guards: every mailbox is whole, either where it was or in the folder aside, at every
moment; and no delivery is lost, for each mailbox is moved while deliveries to it wait.
"""

import os
import re
import time
from collections.abc import Sequence
from itertools import chain, count
from pathlib import Path

from .disk import make_folder_in, open_folder, open_made_folder, opened, sync_folder
from .folders import checked
from .maildir import Mailboxes

# Deliveries wait for one such handful of mailboxes, not for all the mailboxes of a site.
_AT_ONCE = 100


def set_aside(
    mailboxes: Mailboxes, snapshots: Path, names: Sequence[str], label: str, now: float
) -> Path:
    """Moves mailboxes to a new folder below `snapshots`, makes them anew, returns that folder.

    A failure in the middle raises OSError; what was moved before stays in the folder.
    """
    with opened(open_made_folder(snapshots)) as all_snapshots:
        stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
        title = _make_fresh(all_snapshots, f"{stamp}-{_plain(label)}")
        with opened(open_folder(title, all_snapshots)) as aside:
            try:
                _move_all(mailboxes, list(dict.fromkeys(names)), aside)
            finally:
                sync_folder(aside)
                sync_folder(all_snapshots)
    return snapshots / title


def _move_all(mailboxes: Mailboxes, names: Sequence[str], aside: int) -> None:
    with opened(open_made_folder(mailboxes.folder)) as maildirs:
        try:
            for start in range(0, len(names), _AT_ONCE):
                handful = names[start : start + _AT_ONCE]
                with mailboxes.gate.resetting(handful):
                    for name in handful:
                        _move(mailboxes, name, maildirs, aside)
        finally:
            sync_folder(maildirs)


def _move(mailboxes: Mailboxes, name: str, maildirs: int, aside: int) -> None:
    try:
        os.rename(checked(name), name, src_dir_fd=maildirs, dst_dir_fd=aside)
    except FileNotFoundError:
        return
    finally:
        mailboxes.forget(name)
    mailboxes.prepare(name)


def _make_fresh(snapshots: int, wanted: str) -> str:
    titles = chain([wanted], (f"{wanted}-{number}" for number in count(2)))
    return next(title for title in titles if make_folder_in(snapshots, title))


def _plain(label: str) -> str:
    return re.sub(r"[^a-z0-9._]+", "-", label.lower()).strip("-")[:64] or "aside"
