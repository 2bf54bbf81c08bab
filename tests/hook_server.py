"""The server's part of a program hook: in this process, or in one of an ordinary user.

Run as a script by root it gives up root first, and then asks what it is told to, a line of JSON
each way. A program's bounds are held in another way by root than by anybody else.
"""

import io
import json
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tpmailserver.delivery.answers import HookFailed
from tpmailserver.delivery.expander import Declined, Post
from tpmailserver.delivery.programs import Program
from tpmailserver.model import Address, Client, Envelope
from tpmailserver.settings import Hook

USER = "nobody"
DOMAIN = "lab.example"
MESSAGE = b"Return-Path: <22000001@lab.example>\nSubject: x\n\nHello.\n"
PACKAGE = Path(__file__).parent.parent / "tpmailserver"


def post(content: bytes = MESSAGE, **fields: Any) -> Post:
    """A message on its way to the list `poll`, or what `fields` say."""
    sender = fields.pop("sender", "22000001")
    envelope = Envelope(
        Address(sender, DOMAIN) if sender else None, (), Client(None), "mypc", "ESMTP"
    )
    values: dict[str, Any] = {
        "address": Address("poll", DOMAIN),
        "envelope": envelope,
        "owner": None,
        "members": (),
        "octets": len(content),
        "open": lambda: io.BytesIO(content),
    }
    return Post(**values | fields)


def program_at(path: Path, text: str, mode: int = 0o755) -> str:
    """Writes a program; its path."""
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def running(command: str) -> list[int]:
    """The processes that run exactly this command."""
    line = b"".join(word.encode() + b"\0" for word in command.split())
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            same = (process / "cmdline").read_bytes() == line
        except OSError:
            continue
        if same:
            found.append(int(process.name))
    return found


class Asker:
    """Runs programs as hooks of this process."""

    user = pwd.getpwuid(os.geteuid()).pw_name
    runs_as = USER if os.geteuid() == 0 else user
    """Whom a program runs as."""

    def __call__(self, *program: str, **bounds: Any) -> dict[str, Any]:
        """What comes of it: {"recipients": [...]}, {"declined": why} or {"failed": text}."""
        try:
            answer = Program(Hook("poll", program, **bounds)).expand(post())
        except HookFailed as failure:
            return {"failed": str(failure)}
        if isinstance(answer, Declined):
            return {"declined": answer.why}
        return {"recipients": list(answer)}

    def sh(self, script: str, **bounds: Any) -> dict[str, Any]:
        """The same for a script of the shell."""
        return self("/bin/sh", "-c", script, **bounds)


class OrdinaryAsker(Asker):
    """Runs programs as hooks of a process that has given up root."""

    user = runs_as = USER

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def __call__(self, *program: str, **bounds: Any) -> dict[str, Any]:
        self.send(*program, **bounds)
        assert self.process.stdout
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def send(self, *program: str, **bounds: Any) -> None:
        """Asks without waiting."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps([program, bounds]) + "\n")
        self.process.stdin.flush()


@contextmanager
def ordinary_asker() -> Iterator[OrdinaryAsker]:
    """An asker that is no root; our code is copied to where an ordinary user can read it."""
    with TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PACKAGE, Path(folder) / PACKAGE.name, ignore=ignored)
        process = subprocess.Popen(
            [sys.executable, "-P", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": folder},
            text=True,
        )
        with process:
            yield OrdinaryAsker(process)


def _give_up_root() -> None:
    user = pwd.getpwnam(USER)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    if not os.access(sys.executable, os.X_OK):
        # The Python of whoever runs the tests is in a home that nobody else may enter.
        sys.executable = shutil.which("python3", path="/usr/local/bin:/usr/bin") or sys.executable


def main() -> None:
    if os.geteuid() == 0:
        _give_up_root()
    ask = Asker()
    for line in sys.stdin:
        program, bounds = json.loads(line)
        print(json.dumps(ask(*program, **bounds)), flush=True)


if __name__ == "__main__":
    main()
