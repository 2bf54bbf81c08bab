"""A terminal with a program in it, and somebody who types and reads.

The rule it guards: what is typed goes through a real terminal line discipline (echo, Ctrl-C, stty),
and whoever types waits for what the screen shows, never for time.
"""

import fcntl
import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from termios import FIONREAD
from typing import Self

from .process import PATIENCE
from .programs import environment, need

# A session leader that opens a terminal has it as its own: so Ctrl-C reaches the program.
_AT_TERMINAL = 'terminal=$1; shift; exec "$@" <"$terminal" >"$terminal" 2>&1'


class Terminal:
    """A program at a terminal, until the end of a `with` block."""

    def __init__(self, command: Sequence[str], home: Path, **more: str) -> None:
        need(command[0])
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            ["sh", "-c", _AT_TERMINAL, "sh", os.ttyname(slave), *command],
            env=environment(home, **more),
            cwd=home,
            start_new_session=True,
        )
        self._slave = slave
        self._seen = ""
        self._read_to = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)
        os.close(self._slave)

    @property
    def screen(self) -> str:
        """All that was ever shown, what was typed and echoed with it."""
        return self._seen

    def types(self, text: str) -> None:
        """Types keys; "\\r" is Enter, "\\x03" is Ctrl-C, "\\x7f" is backspace."""
        os.write(self._master, text.encode())

    def enters(self, line: str) -> None:
        """Types a line and Enter."""
        self.types(line + "\r")

    def is_read(self, echo: str) -> None:
        """Waits until the program has read what the screen shows as `echo`.

        What it has not read, Ctrl-C throws away.
        """
        self.reads(re.escape(echo) + "\n")
        gives_up = time.monotonic() + PATIENCE
        while int.from_bytes(fcntl.ioctl(self._slave, FIONREAD, bytes(4)), sys.byteorder):
            assert time.monotonic() < gives_up, f"nobody reads:\n{self._seen}"
            self._look(0.01)

    def reads(self, pattern: str) -> str:
        """Waits until the screen shows a pattern behind what was read before; gives what it is."""
        gives_up = time.monotonic() + PATIENCE
        while (found := re.compile(pattern).search(self._seen, self._read_to)) is None:
            left = gives_up - time.monotonic()
            assert left > 0, f"no {pattern!r} on the screen:\n{self._seen}"
            assert self._look(left) or self._process.poll() is None, self._seen
        self._read_to = found.end()
        return found.group()

    def status(self) -> int:
        """Waits until the program ends by itself; its exit status."""
        while self._process.poll() is None:
            self._look(0.05)
        while self._look(0.0):
            pass
        return self._process.returncode

    def _look(self, seconds: float) -> bool:
        """Takes in what the screen shows next; False where nothing new came."""
        ready, _, _ = select.select([self._master], [], [], min(seconds, 0.1))
        if not ready:
            return False
        self._seen += os.read(self._master, 65536).decode("utf-8", "replace").replace("\r\n", "\n")
        return True
