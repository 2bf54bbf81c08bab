"""The students' scripts in `lab/`: what each needs, and how it is run, to its end or until stopped.

The rule it guards: a script is run as its student runs it, by its first line, in a folder of its
own, with every netcat where it uses plain `nc`; none is left running when a test is over.
"""

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from .process import HOST, PATIENCE, ServerProcess
from .programs import environment, need, run, where

FOLDER = Path(__file__).parent / "lab"
NETCATS = ("nc.openbsd", "nc.traditional", "ncat")

_NEEDS = re.compile("^# needs: (.*)$", re.MULTILINE)


class Running:
    """A script that goes on until it is killed, and all that it started with it."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self._process = process
        self._output = output

    @property
    def shown(self) -> str:
        """What the script has printed so far; fails where it has ended of itself."""
        text = self._output.read_text("utf-8", "replace")
        assert self._process.poll() in (None, -signal.SIGKILL), text
        return text

    def kill(self) -> None:
        """Ends the script where it stands; it cannot catch this."""
        with suppress(ProcessLookupError):  # it was killed before
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE)


class Script:
    """A student's script, and the netcat that it finds as `nc`."""

    def __init__(self, path: Path, netcat: str) -> None:
        self.path = path
        self._netcat = netcat

    def __str__(self) -> str:
        return " ".join(part for part in (self.path.stem, self._netcat) if part)

    def environment(self, server: ServerProcess, home: Path) -> dict[str, str]:
        """What the script is told; skips where it cannot run."""
        need("bash", *needs(self.path) - {"nc"})
        path = os.environ["PATH"]
        if self._netcat:
            (home / "bin").mkdir(exist_ok=True)
            (home / "bin" / "nc").unlink(missing_ok=True)
            (home / "bin" / "nc").symlink_to(where(self._netcat))
            path = f"{home}/bin:{path}"
        ports = {"PORT_POP": str(server.pop3), "PORT_SMTP": str(server.smtp)}
        return {"SERVEUR": HOST, "PATH": path} | ports

    def run(self, server: ServerProcess, home: Path, *arguments: str, typed: str = "") -> list[str]:
        """The lines that the script prints; that it ends at all is part of every test."""
        told = self.environment(server, home)
        return run([str(self.path), *arguments], home, typed, **told).stdout.splitlines()

    @contextmanager
    def running(
        self, server: ServerProcess, home: Path, *arguments: str, typed: str = "", **more: str
    ) -> Iterator[Running]:
        """Runs the script while a `with` block lasts; `more` goes to its environment."""
        # What a script that is killed leaves lying about lies in its own folder.
        told = self.environment(server, home) | {"PAUSE": "0.1", "TMPDIR": str(home)} | more
        output = home / f"{self.path.stem}.out"
        with output.open("ab") as shown:
            process = subprocess.Popen(
                [str(self.path), *arguments],
                stdin=subprocess.PIPE,
                stdout=shown,
                stderr=subprocess.STDOUT,
                cwd=home,
                env=environment(home, **told),
                start_new_session=True,
            )
        assert process.stdin
        with process.stdin as keyboard:
            keyboard.write(typed.encode())
        script = Running(process, output)
        try:
            yield script
            _ = script.shown  # it has not ended of itself
        finally:
            script.kill()


def needs(path: Path) -> set[str]:
    found = _NEEDS.search(path.read_text())
    return set(found[1].split()) if found else set()


def scripts(pattern: str, netcats: Sequence[str] = NETCATS) -> pytest.MarkDecorator:
    """Runs a test with every script whose name matches, where it uses `nc` with these netcats."""
    found = [
        Script(path, netcat)
        for path in sorted(FOLDER.glob(pattern))
        for netcat in (netcats if "nc" in needs(path) else ("",))
    ]
    assert found, pattern
    return pytest.mark.parametrize("script", found, ids=str)
