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
import termios
import time
from codecs import getincrementaldecoder
from collections.abc import Callable, Sequence
from pathlib import Path
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
        self._decoder = getincrementaldecoder("utf-8")("replace")
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

    def until_off(self, mode: int) -> None:
        """Waits until a local mode of the terminal is off: termios.ECHO after `stty -echo`."""
        self._until(lambda: not termios.tcgetattr(self._slave)[3] & mode)

    def is_read(self, echo: str) -> None:
        """Waits until the program has read what the screen shows as `echo`.

        What it has not read, Ctrl-C throws away.
        """
        self.reads(re.escape(echo) + "\n")
        self._until(lambda: fcntl.ioctl(self._slave, termios.FIONREAD, bytes(4)) == bytes(4))

    def reads(self, pattern: str) -> str:
        """Waits until the screen shows a pattern behind what was read before; gives what it is."""
        expected = re.compile(pattern)
        self._until(lambda: expected.search(self._seen, self._read_to) is not None)
        found = expected.search(self._seen, self._read_to)
        assert found is not None
        self._read_to = found.end()
        return found.group()

    def status(self) -> int:
        """Waits until the program ends by itself; its exit status."""
        self._until(lambda: self._process.poll() is not None)
        while self._look(0.0):
            pass
        return self._process.returncode

    def _until(self, happened: Callable[[], bool]) -> None:
        """Looks at the screen until something has happened."""
        gives_up = time.monotonic() + PATIENCE
        while not happened():
            has_ended = self._process.poll() is not None
            is_news = self._look(0.02)
            assert is_news or not has_ended, f"the program has ended:\n{self._seen}"
            assert time.monotonic() < gives_up, f"nothing more comes:\n{self._seen}"

    def _look(self, seconds: float) -> bool:
        """Takes in what the screen shows next; False where nothing new came."""
        ready, _, _ = select.select([self._master], [], [], seconds)
        if ready:
            shown = self._decoder.decode(os.read(self._master, 65536))
            self._seen = (self._seen + shown).replace("\r\n", "\n")
        return bool(ready)
