"""Other people's programs, run as their users run them.

The rule it guards: a program that is not there skips its test with what to type to have it, and no
program reads the settings of whoever runs the tests.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from .process import PATIENCE

_PACKAGES = {
    "telnet": "inetutils-telnet",
    "nc.openbsd": "netcat-openbsd",
    "nc.traditional": "netcat-traditional",
    "getmail": "getmail6",
}
"""Debian's packages where they are not called like their program."""


def need(*programs: str) -> None:
    """Skips a test whose programs are not all installed."""
    for program in programs:
        where(program)


def where(program: str) -> str:
    """Where a program is; skips the test where it is not installed."""
    found = shutil.which(program)
    if found is None:
        package = _PACKAGES.get(program, program)
        pytest.skip(f"{program} is not installed: apt install {package}")
    return found


def environment(home: Path, **more: str) -> dict[str, str]:
    """What a program finds around it: a home of its own, an English terminal, UTF-8."""
    kept = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
    return kept | {"HOME": str(home), "TERM": "xterm", "LC_ALL": "C.UTF-8"} | more


def run(
    command: Sequence[str], home: Path, typed: str | bytes = b"", **more: str
) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end with all of its input at once; `more` goes to its environment."""
    need(command[0])
    octets = typed.encode() if isinstance(typed, str) else typed
    done = subprocess.run(
        command,
        input=octets,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=home,
        env=environment(home, **more),
        timeout=PATIENCE,
        check=False,
    )
    output = done.stdout.decode("utf-8", "replace").replace("\r\n", "\n")
    return subprocess.CompletedProcess(command, done.returncode, output)
