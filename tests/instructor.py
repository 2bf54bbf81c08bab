"""`tpmail` as an instructor types it: a process of its own, beside a server or without one."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from .desks import with_our_path

PATIENCE = 60.0


def command(site: Path, *arguments: str) -> list[str]:
    """The words that start the installed `tpmail` on a site."""
    return [sys.executable, "-m", "tpmailserver.cli", "--site", str(site), *arguments]


def ran(site: Path, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """`tpmail` run to its end."""
    return subprocess.run(
        command(site, *arguments),
        env=with_our_path(),
        input=typed,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def tpmail(site: Path, *arguments: str, typed: str = "") -> dict[str, Any]:
    """The report of a command that is done."""
    done = ran(site, "--json", *arguments, typed=typed)
    assert done.returncode == 0, done.stdout + done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report
