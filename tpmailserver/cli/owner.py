"""Gives up root for the owner of the site.

The rule it guards: whatever root does with `tpmail` is the same as if the site's owner had done
it, so that no file is left behind which the server, running as that owner, cannot read.
"""

import os
from pathlib import Path


def become_owner(site: Path) -> None:
    """Turns a process of root's into one of the owner of the site's folder, for good.

    A site that does not exist yet has no owner: root makes it, and it is root's.
    """
    if os.geteuid() != 0:
        return
    try:
        folder = os.stat(site)
    except FileNotFoundError:
        return
    if folder.st_uid != 0:
        os.setgroups([])
        os.setgid(folder.st_gid)
        os.setuid(folder.st_uid)
