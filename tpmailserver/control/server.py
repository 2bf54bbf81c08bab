"""Listens on a site's control socket and does what `tpmail` asks of the running server.

The rule it guards: only the server's own user and root are heard, whatever the socket's mode is;
each connection brings one request of bounded size and gets exactly one line back; and no traceback
ever goes to the other end. Actions block, so each runs on a thread of the reactor's pool.
"""

import os
import select
import socket
import stat
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from tpmailserver.admin.desk import NotDone

from .wording import LONGEST_REQUEST, SOCKET_NAME, BadLine, error_line, read_request, report_line

Perform = Callable[[str, Mapping[str, object]], Mapping[str, object]]
Reply = Callable[[bytes], None]

log = Logger()

_REQUEST_PATIENCE = 10  # seconds; a request is written in one go
_ANSWER_PATIENCE = 60  # seconds; the other end reads at once

# Linux's struct ucred: pid, uid, gid (unix(7), SO_PEERCRED).
_CREDENTIALS = struct.Struct("3i")


class ControlService(Service):
    """The control socket of a site, for as long as the server runs.

    `perform` does an action given by name and arguments and returns its report; it blocks, and
    refuses by NotDone. A site whose folder takes no socket is served without one.
    """

    def __init__(self, reactor: Any, site: Path, perform: Perform) -> None:
        self._reactor = reactor
        self._site = site
        self._perform = perform
        self._folder = -1
        self._port: Any = None
        self._exchanges: set[_Exchange] = set()

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]
        factory = Factory.forProtocol(self._exchange)
        factory.noisy = False
        try:
            self._folder = os.open(self._site, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            # By the number of the folder: a socket's path has at most 107 octets.
            path = f"/proc/self/fd/{self._folder}/{SOCKET_NAME}"
            _remove_stale(path)
            self._port = self._reactor.listenUNIX(path, factory, mode=0o600)
        except (OSError, CannotListenError) as error:
            log.error("no control socket, tpmail cannot speak to this server: {error}", error=error)
            self._close_folder()

    def stopService(self) -> Deferred[None]:
        super().stopService()  # type: ignore[no-untyped-call]
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        if self._port is not None:
            # Twisted removes the socket's file itself; somebody may have done so before.
            with suppress(FileNotFoundError):
                await maybeDeferred(self._port.stopListening)
            self._port = None
        for each in list(self._exchanges):
            each.hurry()
        # A thread cannot be stopped in the middle of a reset, so its report is waited for.
        await DeferredList([each.closed for each in self._exchanges])
        self._close_folder()

    def _exchange(self) -> "_Exchange":
        exchange = _Exchange(self._reactor, self._answer)
        self._exchanges.add(exchange)
        exchange.closed.addCallback(lambda _: self._exchanges.discard(exchange))
        return exchange

    def _answer(self, line: bytes, reply: Reply) -> None:
        """Does what a request line asks for and hands exactly one line to `reply`."""

        def trouble(failure: Failure) -> None:
            log.failure("a bug in an action asked for over the control socket", failure=failure)
            reply(error_line("there is a bug in the server: its log has the details"))

        Deferred.fromCoroutine(self._do(line, reply)).addErrback(trouble)

    async def _do(self, line: bytes, reply: Reply) -> None:
        pool = self._reactor.getThreadPool()
        try:
            request = read_request(line)
            report = await deferToThreadPool(
                self._reactor, pool, self._perform, request.action, request.arguments
            )
        except (BadLine, NotDone) as refusal:
            reply(error_line(str(refusal)))
        else:
            reply(report_line(report))

    def _close_folder(self) -> None:
        if self._folder >= 0:
            os.close(self._folder)
            self._folder = -1


class _State(Enum):
    """How far an exchange is."""

    ASKING = "the request line is not whole yet"
    AT_WORK = "the action is being done"
    ANSWERED = "the answer is written, and the connection ends when it is read"
    CLOSED = "the connection is gone"


class _Exchange(Protocol):
    """One connection: a request line in, an answer line out, the end."""

    transport: Any

    def __init__(self, reactor: Any, answer: Callable[[bytes, Reply], None]) -> None:
        self.closed: Deferred[None] = Deferred()
        self._reactor = reactor
        self._answer = answer
        self._state = _State.ASKING
        self._pieces: list[bytes] = []
        self._octets = 0

    def connectionMade(self) -> None:
        self._deadline = self._reactor.callLater(_REQUEST_PATIENCE, self.transport.abortConnection)
        if _peer(self.transport.getHandle()) not in (0, os.geteuid()):
            self._refuse("only the server's own user and root may use this socket")

    def dataReceived(self, data: bytes) -> None:
        if self._state is not _State.ASKING:
            return
        self._pieces.append(data)
        self._octets += len(data)
        if b"\n" in data:
            self._deadline.cancel()
            self._state = _State.AT_WORK
            if _has_hung_up(self.transport.getHandle()):
                # Whoever asked has given up: while this process was stopped, say, by Ctrl-Z.
                self.transport.abortConnection()
                return
            line = b"".join(self._pieces).partition(b"\n")[0]
            self._pieces.clear()
            self._answer(line, self._reply)
        elif self._octets > LONGEST_REQUEST:
            self._refuse(f"a request has at most {LONGEST_REQUEST:,} octets")

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002
        self._state = _State.CLOSED
        if self._deadline.active():
            self._deadline.cancel()
        self.closed.callback(None)

    def hurry(self) -> None:
        """Ends an exchange that has not asked for anything yet."""
        if self._state is _State.ASKING:
            self.transport.abortConnection()

    def _refuse(self, text: str) -> None:
        self._deadline.cancel()
        self._state = _State.AT_WORK
        self._pieces.clear()
        self._reply(error_line(text))

    def _reply(self, line: bytes) -> None:
        if self._state is _State.AT_WORK:
            self._state = _State.ANSWERED
            abort = self.transport.abortConnection
            self._deadline = self._reactor.callLater(_ANSWER_PATIENCE, abort)
            self.transport.write(line)
            self.transport.loseConnection()


def _peer(connection: socket.socket) -> int:
    """The user at the other end, as the kernel knows it."""
    octets = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(octets)[1])


def _has_hung_up(connection: socket.socket) -> bool:
    """Whether the other end is gone altogether; one that only says no more still listens."""
    poll = select.poll()
    poll.register(connection, 0)
    return any(events & select.POLLHUP for _, events in poll.poll(0))


def _remove_stale(path: str) -> None:
    """Removes the socket of a server that was killed; raises FileExistsError for anything else."""
    try:
        mode = os.stat(path, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode) or _answers(path):
        raise FileExistsError(f"{SOCKET_NAME} is in use")
    os.unlink(path)


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return False
        except BlockingIOError:
            pass
    return True
