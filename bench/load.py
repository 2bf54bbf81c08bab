"""The load: Postfix's smtp-source for SMTP, and processes of our own that read mail over POP3.

The rule it guards: a tool must not be what is measured. Its own CPU time is told beside each
figure; where that comes near the time that passed, the figure is the tool's.
"""

import os
import re
import resource
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from .servers import DOMAIN, READER, Running

_BUFFER = _MIB = 1 << 20
_PATIENCE = 120.0  # seconds


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run did: pieces of work, the seconds that passed, and the CPU seconds it took."""

    count: float
    seconds: float
    server_cpu: float
    tool_cpu: float

    @property
    def rate(self) -> float:
        """Pieces of work a second."""
        return self.count / self.seconds


@dataclass(frozen=True, slots=True)
class Sending:
    """How mail is sent: messages of so many octets over so many connections at once."""

    octets: int
    connections: int
    messages: int
    keeps_connections: bool = False
    recipients: int = 1
    to: str = READER


def measure(server: Running, count: float, work: Callable[[], None]) -> Measured:
    """Does some work and measures what it took of whom."""
    cpu, used, begun = server.cpu(), _tool_cpu(), time.perf_counter()
    work()
    seconds = time.perf_counter() - begun
    server.settle()
    return Measured(count, seconds, server.cpu() - cpu, _tool_cpu() - used)


def _tool_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def send(server: Running, how: Sending) -> Measured:
    """Sends messages with smtp-source; the count is of messages."""
    command = ["smtp-source", "-s", str(how.connections), "-m", str(how.messages)]
    command += ["-l", str(how.octets), "-f", f"{READER}@{DOMAIN}", "-t", f"{how.to}@{DOMAIN}"]
    command += ["-d"] if how.keeps_connections else []
    command += ["-r", str(how.recipients)] if how.recipients > 1 else []
    command.append(f"127.0.0.1:{server.smtp}")
    return measure(server, how.messages, lambda: _run(command))


def _run(command: list[str]) -> None:
    # Without a timeout: waiting with one looks every 50 ms only.
    subprocess.run(command, check=True)


class Pop3:
    """A client that reads as fast as it can and looks at nothing but where a reply ends."""

    def __init__(self, port: int, number: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), _PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._line()
        for command in f"USER {number}", f"PASS {number}":
            self.say(command)

    def say(self, command: str) -> bytes:
        """A command with an answer of one line."""
        self._socket.sendall(command.encode() + b"\r\n")
        return self._line()

    def read(self, command: str) -> int:
        """A command with an answer of many lines; how many octets came."""
        self._socket.sendall(command.encode() + b"\r\n")
        octets, end = 0, b""
        while end != b"\r\n.\r\n":
            piece = self._piece()
            octets += len(piece)
            end = (end + piece[-5:])[-5:]
        return octets

    def quit(self) -> None:
        """Ends the session and waits for the server's end of it."""
        self.say("QUIT")
        self._socket.close()

    def _line(self) -> bytes:
        reply = b""
        while not reply.endswith(b"\n"):
            reply += self._piece()
        if not reply.startswith(b"+OK"):
            raise RuntimeError(f"the server said {reply!r}")
        return reply

    def _piece(self) -> bytes:
        piece = self._socket.recv(_BUFFER)
        if not piece:
            raise RuntimeError("the server hung up")
        return piece


def logins(server: Running, connections: int, each: int) -> Measured:
    """Sessions that log in and quit, a mailbox a connection."""

    def session(number: str) -> None:
        Pop3(server.pop3, number).quit()

    return _sessions(server, connections, each, session)


def readings(server: Running, connections: int, each: int) -> Measured:
    """Sessions that read ten messages."""

    def session(number: str) -> None:
        client = Pop3(server.pop3, number)
        client.say("STAT")
        for message in range(1, 11):
            client.read(f"RETR {message}")
        client.quit()

    return _sessions(server, connections, each, session)


def retrievals(server: Running, connections: int, each: int) -> Measured:
    """RETR of the first message of a large one's mailbox, over and over; the count is of MB."""

    def session(number: str) -> None:
        client = Pop3(server.pop3, number)
        for _ in range(each):
            client.read("RETR 11")
        client.quit()

    megabytes = connections * each * _MIB / 1e6
    return measure(server, megabytes, lambda: _at_once(server, connections, 1, session))


def _sessions(
    server: Running, connections: int, each: int, session: Callable[[str], None]
) -> Measured:
    work = connections * each
    return measure(server, work, lambda: _at_once(server, connections, each, session))


def _at_once(server: Running, connections: int, each: int, session: Callable[[str], None]) -> None:
    """A process a connection: their CPU time is counted when they have ended."""
    children = []
    for place in range(connections):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                for _ in range(each):
                    session(str(int(READER) + place))
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    failed = [child for child in children if os.waitpid(child, 0)[1]]
    if failed:
        raise RuntimeError(f"{len(failed)} readers of {server.name} failed")


def first_look(server: Running, number: str) -> tuple[float, float, float, float]:
    """Milliseconds from the connection to STAT's answer, then of UIDL and LIST; and the count."""
    begun = time.perf_counter()
    client = Pop3(server.pop3, number)
    stat = client.say("STAT")
    looked = time.perf_counter()
    client.read("UIDL")
    named = time.perf_counter()
    client.read("LIST")
    listed = time.perf_counter()
    client.quit()
    counted = re.match(rb"\+OK (\d+) ", stat)
    assert counted
    ms = 1000.0
    return (
        (looked - begun) * ms,
        (named - looked) * ms,
        (listed - named) * ms,
        float(counted[1]),
    )
