"""Carries one action to the server that runs on a site, over its control socket.

The rule it guards: "no server" is said only where nobody can be listening: there is no socket, or
nobody answers behind it (a server that was killed leaves its socket). Everything else that goes
wrong is an error, for acting on the site behind a living server's back could lose mail.
"""

import os
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Any

import psutil

from tpmailserver.admin.desk import NotDone

from .wording import LONGEST_REQUEST, SOCKET_NAME, BadLine, Request, read_answer, request_line

_CONNECT_PATIENCE = 5.0  # seconds

# A reset of thousands of mailboxes on a slow disk takes its time; the server is at work meanwhile.
_ANSWER_PATIENCE = 600.0  # seconds

_PIECE = 256 * 1024

# Linux's struct ucred: pid, uid, gid (unix(7), SO_PEERCRED).
_CREDENTIALS = struct.Struct("3i")


class NoServer(Exception):
    """No server runs on this site."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A server that has the request and does not answer; `pid` is 0 where it cannot be known."""

    pid: int
    is_stopped: bool
    """Whether its process is stopped, as by Ctrl-Z, and will not answer until SIGCONT."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for the answer, and whom to tell after a while that it does not come."""

    seconds: float = _ANSWER_PATIENCE
    tell_after: float = 3.0
    tell: Callable[[Silence], None] = lambda _silence: None


_PATIENT = Patience()


def ask(site: Path, request: Request, patience: Patience = _PATIENT) -> dict[str, Any]:
    """The report of an action that the site's server did; raises NoServer or NotDone."""
    line = request_line(request)
    if len(line) > LONGEST_REQUEST:
        raise NotDone("that is too much for one request to the server: split it")
    with _connected(site) as line_to_server, _telling(line_to_server, patience):
        line_to_server.settimeout(patience.seconds)
        try:
            # A server that refuses may close before it has read all: its line still says why.
            with suppress(ConnectionError):
                line_to_server.sendall(line)
            octets = _read_line(line_to_server)
        except TimeoutError:
            raise NotDone(
                f"the server has not answered for {patience.seconds:.0f} seconds; "
                "it may still be at work"
            ) from None
    return _answer(octets)


@contextmanager
def socket_path(site: Path) -> Iterator[str]:
    """A path of the control socket that fits into the 107 octets which a socket's path may have.

    A home directory on a file server easily has longer ones: the path goes by the number of the
    open folder, so it holds only inside the `with` block.
    """
    folder = os.open(site, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{SOCKET_NAME}"
    finally:
        os.close(folder)


@contextmanager
def _connected(site: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line_to_server:
        line_to_server.settimeout(_CONNECT_PATIENCE)
        try:
            with socket_path(site) as path:
                _connect(line_to_server, path, site)
        except (FileNotFoundError, ConnectionRefusedError):
            raise NoServer from None
        yield line_to_server


def _connect(line_to_server: socket.socket, path: str, site: Path) -> None:
    try:
        line_to_server.connect(path)
    except PermissionError:
        raise NotDone(
            f"{site / SOCKET_NAME} belongs to the server of another user: "
            "run tpmail as that user, or as root"
        ) from None
    except (TimeoutError, BlockingIOError):
        raise NotDone("a server runs on this site, but it takes no requests") from None


@contextmanager
def _telling(line_to_server: socket.socket, patience: Patience) -> Iterator[None]:
    """Tells once, meanwhile, that the server keeps silent."""
    timer = Timer(patience.tell_after, lambda: patience.tell(_silence_of(line_to_server)))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _silence_of(line_to_server: socket.socket) -> Silence:
    octets = line_to_server.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid = int(_CREDENTIALS.unpack(octets)[0])
    try:
        is_stopped = psutil.Process(pid).status() == psutil.STATUS_STOPPED
    except psutil.Error:
        is_stopped = False
    return Silence(pid, is_stopped)


def _read_line(line_to_server: socket.socket) -> bytes:
    pieces = []
    with suppress(ConnectionError):
        while piece := line_to_server.recv(_PIECE):
            pieces.append(piece)
    return b"".join(pieces)


def _answer(octets: bytes) -> dict[str, Any]:
    if not octets.endswith(b"\n"):
        raise NotDone("the server closed without an answer; is it being stopped?")
    try:
        answer = read_answer(octets)
    except BadLine as error:
        raise NotDone(f"the server's answer cannot be read: {error}") from error
    if isinstance(answer, str):
        raise NotDone(answer)
    return answer
