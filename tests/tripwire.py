"""A relay between a client and the server, at which one line of the client stops.

The rule it guards: a test decides between which two lines something else happens, and never by
time. All octets pass as they come, in both directions, up to that line; or the first client gets
only so many of them, and then silence.
"""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain, repeat
from threading import Event, Thread

from .process import HOST, PATIENCE


class Tripwire:
    """The line at which a client stops, and what becomes of it."""

    def __init__(self, line: str) -> None:
        self._line = line.encode()
        self._reached = Event()
        self._decided = Event()
        self._passes = False

    def wait(self) -> None:
        """Waits until the client has sent the line."""
        assert self._reached.wait(PATIENCE), f"nobody has sent {self._line!r}"

    def let_pass(self) -> None:
        """The line goes on to the server, and so does all that follows."""
        self._passes = True
        self._decided.set()

    def cut(self) -> None:
        """The line is lost, and the connection ends."""
        self._decided.set()

    def lets_pass(self, line: bytes) -> bool:
        """Whether a line of the client may go on; waits at the tripwire."""
        if line.strip() != self._line:
            return True
        self._reached.set()
        return self._decided.wait(PATIENCE) and self._passes


@contextmanager
def relay(port: int, wire: Tripwire, first_gets: int = sys.maxsize) -> Iterator[int]:
    """Relays a port while a `with` block lasts; yields the port where clients call.

    The first connection falls silent when the client has got `first_gets` octets.
    """
    with socket.create_server((HOST, 0)) as listener:
        Thread(target=_serve, args=(listener, port, wire, first_gets), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def _serve(listener: socket.socket, port: int, wire: Tripwire, first_gets: int) -> None:
    for at_most in chain([first_gets], repeat(sys.maxsize)):
        try:
            client, _ = listener.accept()
        except OSError:
            return
        Thread(target=_pass_on, args=(client, port, wire, at_most), daemon=True).start()


def _pass_on(client: socket.socket, port: int, wire: Tripwire, at_most: int) -> None:
    with client, suppress(OSError), socket.create_connection((HOST, port)) as server:
        back = Thread(target=_to_the_client, args=(server, client, at_most), daemon=True)
        back.start()
        _to_the_server(client, server, wire)
        back.join(PATIENCE)


def _to_the_server(client: socket.socket, server: socket.socket, wire: Tripwire) -> None:
    with client.makefile("rb") as lines, suppress(OSError):
        for line in lines:
            if not wire.lets_pass(line):
                server.shutdown(socket.SHUT_RDWR)
                return
            server.sendall(line)
    with suppress(OSError):
        server.shutdown(socket.SHUT_WR)


def _to_the_client(server: socket.socket, client: socket.socket, at_most: int) -> None:
    with suppress(OSError):
        while at_most:
            octets = server.recv(min(at_most, 65536))
            if not octets:
                client.shutdown(socket.SHUT_WR)
                return
            client.sendall(octets)
            at_most -= len(octets)
