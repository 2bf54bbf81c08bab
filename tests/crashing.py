"""An instructor's action that is cut off at a chosen step on the disk: by a kill, or a full disk.

The rule it guards: what dies is a real process in the middle of real work, and where it dies is
chosen, not hit by chance. A step is whatever changes a name on the disk: Python announces each to
an audit hook before it is done. `python -m tests.crashing` reads actions from standard input, and
does each in a child of its own.
"""

import errno
import json
import os
import signal
import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from tpmailserver.admin.actions import perform
from tpmailserver.admin.desk import Desk, NotDone
from tpmailserver.settings import Settings
from tpmailserver.site import open_site

from .desks import with_our_path

_STEPS = frozenset({"os.link", "os.mkdir", "os.rename", "os.remove", "os.rmdir"})


class Fault(StrEnum):
    """What happens at the chosen step."""

    KILLED = "the process is gone, without a word"
    DISK_FULL = "from here on nothing can be made or written any more, but moved and removed"


class Cutter:
    """Does actions on sites and cuts them off."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crashing"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=with_our_path(),
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()

    def cut(self, site: Path, action: str, arguments: dict[str, Any], at: tuple[Fault, int]) -> str:
        """Does an action with a fault at a step; what became of it.

        That is "done" where the action has no such step, "killed", or why it was refused.
        """
        assert self._process.stdin
        assert self._process.stdout
        fault, step = at
        print(
            json.dumps([str(site), action, arguments, fault.name, step]),
            file=self._process.stdin,
            flush=True,
        )
        said: str = json.loads(self._process.stdout.readline())
        assert not said.startswith("bug: "), said
        return said


def _serve() -> None:
    for line in sys.stdin:
        site, action, arguments, fault, step = json.loads(line)
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            desk = open_site(Path(site), Settings()).desk()
            _install(Fault[fault], step)
            os.write(writing, _do(desk, action, arguments).encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as said:
            text = said.read()
        _, status = os.waitpid(child, 0)
        print(json.dumps("killed" if os.WIFSIGNALED(status) else text), flush=True)


def _do(desk: Desk, action: str, arguments: dict[str, Any]) -> str:
    try:
        perform(desk, action, arguments)
    except NotDone as refusal:
        return str(refusal)
    except Exception as error:  # noqa: BLE001 - whatever it is, the test hears of it
        return f"bug: {error!r}"
    return "done"


def _install(fault: Fault, step: int) -> None:
    steps = 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal steps
        if event in _STEPS and not _is_of_database(arguments):
            steps += 1
            if steps == step and fault is Fault.KILLED:
                os.kill(os.getpid(), signal.SIGKILL)
        if fault is Fault.DISK_FULL and steps >= step and _needs_room(event, arguments):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    sys.addaudithook(hook)


def _needs_room(event: str, arguments: tuple[Any, ...]) -> bool:
    if event == "open":
        _path, _mode, flags = arguments
        return bool(flags & os.O_CREAT and flags & os.O_EXCL)
    if event == "os.mkdir":
        path, _mode, folder = arguments
        return not os.path.lexists(f"/proc/self/fd/{folder}/{path}" if folder >= 0 else path)
    return event == "os.link"


def _is_of_database(arguments: tuple[Any, ...]) -> bool:
    return any("tpmail.sqlite3" in str(each) for each in arguments)


if __name__ == "__main__":
    _serve()
