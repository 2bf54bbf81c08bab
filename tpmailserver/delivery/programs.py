"""A program as the expander of a list, after qmail-command(8).

The rule it guards: a program gets its arguments as they stand, never a shell; the message as its
standard input, a file; and of its surroundings what is written here. Its bounds are held by a
supervisor, `confine`, which tells how it ended on a pipe that the program does not have.
"""

import errno
import os
import pwd
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from tempfile import TemporaryFile
from typing import IO

from tpmailserver.settings import Hook

from .answers import HookFailed, one_line
from .confine import ERROR_KEPT
from .expander import Declined, Post
from .processes import end_session

TAKEN = 99
DECLINED = frozenset({64, 65, 70, 76, 77, 78, 100, 112})
"""The exit codes of qmail-command(8) beside 0; every other one means: not now."""

# Without the site's packages, and deaf to the environment, Python starts fast; ours is found so.
_START = """\
import sys
sys.path.append(sys.argv[1])
from tpmailserver.delivery.confine import main
main(sys.argv[2:])
"""
_PACKAGES = str(Path(__file__).parents[2])

_PATH = "/usr/local/bin:/usr/bin:/bin"
_USER_OF_ROOT = "nobody"

# How long a supervisor may need to end what it watches.
_ENDING = 5.0

_NOT_STARTED = {
    errno.ENOENT: "there is no such file, or its first line names an interpreter that is not there",
    errno.EACCES: "{user} may not execute it, or not enter its folder",
    errno.ENOEXEC: "its first line must name its interpreter, such as #!/bin/sh",
}


@dataclass(frozen=True, slots=True)
class _Ending:
    """How a program ended: confine's word and number, and what it printed."""

    how: str
    number: int
    errors: str
    output: bytes


@dataclass(frozen=True, slots=True)
class _User:
    """Whom a program runs as; `ids` are those to switch to, none where nothing is switched."""

    name: str
    home: str
    ids: tuple[int, ...]


class Program:
    """The expander that a program is."""

    def __init__(self, hook: Hook) -> None:
        self._hook = hook
        self._path = hook.program[0]

    def expand(self, post: Post) -> tuple[str, ...] | Declined:
        """The recipients that the program prints; HookFailed says what went wrong with it."""
        user = _user(self._hook.user)
        try:
            ending = self._run(post, user)
        except OSError as error:
            raise self._failed(f"cannot be started: {error}", "") from error
        if ending.how != "exited":
            raise self._failed(self._told(ending, user), ending.errors)
        if ending.number in DECLINED:
            return Declined(_first_line(ending) or "it does not say why")
        if ending.number == TAKEN:
            return ()
        if ending.number != 0:
            raise self._failed(f"exited {ending.number}", ending.errors)
        try:
            lines = ending.output.decode().split("\n")
        except UnicodeDecodeError as error:
            raise self._failed("printed what is no UTF-8", "") from error
        return tuple(line for each in lines if (line := each.strip()))

    def _run(self, post: Post, user: _User) -> _Ending:
        report_fd, report_end = os.pipe()
        with os.fdopen(report_fd, "rb", buffering=0) as report, _as_file(post) as message:
            try:
                supervisor = subprocess.Popen(
                    self._supervised(report_end, user),
                    stdin=message,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=_environment(post, user),
                    cwd="/",
                    pass_fds=(report_end,),
                    start_new_session=True,
                )
            finally:
                os.close(report_end)
            said = b""
            try:
                said = _read_report(report, self._hook.seconds + _ENDING)
            finally:
                # Ended or not: what it has not ended by now, it will not end.
                supervisor.kill()
                if not said:
                    end_session(supervisor.pid)
                supervisor.wait()
        return _parsed(said)

    def _supervised(self, report: int, user: _User) -> list[str]:
        """The command of a supervisor; `confine.Order` reads what follows the path."""
        hook = self._hook
        bounds = map(str, (report, hook.seconds, hook.memory, hook.output, hook.processes))
        python = (sys.executable, "-I", "-S", "-c", _START, _PACKAGES)
        return [*python, *bounds, ",".join(map(str, user.ids)), *hook.program]

    def _told(self, ending: _Ending, user: _User) -> str:
        hook = self._hook
        match ending.how:
            case "killed":
                return f"was ended by {_signal_name(ending.number)}"
            case "late":
                return f"was not done after {hook.seconds:g} s"
            case "output":
                return f"printed more than {hook.output:,} octets"
            case "memory":
                return f"used more than {hook.memory:,} octets of memory"
            case "processes":
                return f"ran more than {hook.processes} processes at once"
            case "failed":
                why = _NOT_STARTED.get(ending.number, os.strerror(ending.number))
                return f"cannot be started: {why.format(user=user.name)}"
        return "was cut off: its supervisor is gone"

    def _failed(self, what: str, errors: str) -> HookFailed:
        return HookFailed(one_line(f"{self._path} {what}{errors and ': '}{errors}"))


@contextmanager
def _as_file(post: Post) -> Iterator[IO[bytes]]:
    """The message in a file without a name, which any user may open again as /dev/stdin.

    A copy: a program of our own user could write to the one that is going to be delivered.
    """
    with TemporaryFile() as copy:
        with post.open() as message:
            shutil.copyfileobj(message, copy)
        copy.seek(0)
        os.fchmod(copy.fileno(), 0o444)
        yield copy


def _environment(post: Post, user: _User) -> Mapping[str, str]:
    address = post.address
    return {
        "SENDER": str(post.envelope.sender or ""),
        "RECIPIENT": str(address),
        "LOCAL": address.local,
        "EXT": address.local.partition("+")[2],
        "DOMAIN": address.domain,
        "PATH": _PATH,
        "LANG": "C.UTF-8",
        "HOME": user.home,
    }


def _user(name: str) -> _User:
    """Whom to run as: as root another user, else nobody but ourselves."""
    if os.geteuid() != 0:
        own = _own_user()
        if name not in ("", own.name):
            raise HookFailed(f"cannot run as {name}: the server is not root, it is {own.name}")
        return own
    try:
        user = pwd.getpwnam(name or _USER_OF_ROOT)
    except KeyError:
        raise HookFailed(f"cannot run as {name or _USER_OF_ROOT}: no such user here") from None
    groups = os.getgrouplist(user.pw_name, user.pw_gid)
    return _User(user.pw_name, user.pw_dir, (user.pw_uid, user.pw_gid, *groups))


def _own_user() -> _User:
    try:
        user = pwd.getpwuid(os.geteuid())
    except KeyError:
        return _User(str(os.geteuid()), "/", ())
    return _User(user.pw_name, user.pw_dir, ())


def _read_report(report: IO[bytes], patience: float) -> bytes:
    """All that the supervisor says; nothing where it does not come to an end."""
    poll = select.poll()
    poll.register(report, select.POLLIN)
    gives_up = time.monotonic() + patience
    said = bytearray()
    while poll.poll(max(0.0, gives_up - time.monotonic()) * 1000):
        piece = os.read(report.fileno(), 64 * 1024)
        if not piece:
            return bytes(said)
        said += piece
    return b""


def _parsed(said: bytes) -> _Ending:
    head, _, rest = said.partition(b"\n")
    if not head:
        return _Ending("", 0, "", b"")
    how, number, length = head.split()
    errors = rest[: int(length)].decode(errors="replace")
    return _Ending(how.decode(), int(number), _telling_line(errors), rest[int(length) :])


def _telling_line(errors: str) -> str:
    """The first line of standard error; of a traceback of Python the last, which says what."""
    lines = [line for each in errors.split("\n") if (line := each.strip())]
    if not lines:
        return ""
    is_traceback = lines[0].startswith("Traceback ") and len(errors) < ERROR_KEPT
    return lines[-1 if is_traceback else 0]


def _first_line(ending: _Ending) -> str:
    """What a program that declines says: on standard output, else on standard error."""
    for line in ending.output.decode(errors="replace").split("\n"):
        if line.strip():
            return one_line(line)
    return one_line(ending.errors)


def _signal_name(number: int) -> str:
    try:
        return Signals(number).name
    except ValueError:
        return f"signal {number}"
