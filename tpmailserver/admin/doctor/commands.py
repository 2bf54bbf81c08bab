"""Commands as they are typed on this machine for this site.

The rule it guards: a command that somebody copies works: with `sudo` where root is needed and
somebody else reads it, with the path where a program is not on the search path.
"""

import os
import shlex
import shutil
import sys
from pathlib import Path

# Root becomes the owner of the site in the course of things, and still reads what is said.
_ASKED_BY_ROOT = os.getuid() == 0

_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


def program(name: str) -> str | None:
    """Where a program is, those for the administrator included; None where it is not installed."""
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:{_SBIN}")


def as_root(command: str) -> str:
    """A command that needs root, for whoever reads it."""
    if _ASKED_BY_ROOT:
        return command
    return f"sudo {command}" if program("sudo") else f"su -c {shlex.quote(command)}"


def tpmail(site: Path, words: str) -> str:
    """A `tpmail` command for a site."""
    name = "tpmail" if shutil.which("tpmail") else f"{quoted(sys.executable)} -m tpmailserver.cli"
    return f"{name} --site {quoted(site)} {words}"


def twistd(site: Path, options: str = "", of_twistd: str = "") -> str:
    """A `twistd tpmail` command for a site; `of_twistd` stands before the word tpmail."""
    beside = Path(sys.executable).with_name("twistd")
    known = shutil.which("twistd")
    is_known = known is not None and (not beside.exists() or Path(known).samefile(beside))
    words = ["twistd" if is_known else quoted(beside), of_twistd, "tpmail", "--site", quoted(site)]
    return " ".join(each for each in [*words, options] if each)


def quoted(path: str | Path) -> str:
    """A path as a shell takes it."""
    return shlex.quote(str(path))
