"""Writes to a client no faster than it reads.

The rule it guards: what a client leaves unread is bounded. Past 64 KiB of it the session waits,
and a client that reads nothing for as long as it may be idle is let go. What the socket takes at
once is sent at once: Twisted would come back for it in the reactor's next turn.
"""

from collections.abc import Callable
from contextlib import suppress

from twisted.internet.base import ReactorBase
from twisted.internet.defer import Deferred
from twisted.internet.tcp import Server as Transport


class Writing:
    """What is on its way to one client; replies are gathered, and go out in one write."""

    def __init__(self, reactor: ReactorBase, give_up: Callable[[], None]) -> None:
        self._reactor = reactor
        self._give_up = give_up
        self._gathered: list[bytes] = []
        self._when_read: Deferred[None] | None = None
        self._transport: Transport | None = None
        self._unsent = 0

    def begin(self, transport: Transport) -> None:
        """The connection is made."""
        self._transport = transport
        write = transport.writeSomeData

        def write_and_count(octets: bytes) -> object:
            written = write(octets)
            if isinstance(written, int):
                self._unsent -= written
            return written

        transport.writeSomeData = write_and_count  # type: ignore[assignment,method-assign]

    def end(self) -> None:
        """The connection is lost: what is written from here on is dropped."""
        self._transport = None
        self.resume()

    def add(self, octets: bytes) -> None:
        """Gathers octets for the next `flush`."""
        self._gathered.append(octets)

    async def flush(self, patience: float) -> None:
        """Writes what was gathered and waits, `patience` seconds at most, until it may go on."""
        gathered, self._gathered = self._gathered, []
        if not gathered or self._transport is None:
            return
        self._write(self._transport, b"".join(gathered))
        if self._when_read is not None:
            alarm = self._reactor.callLater(patience, self._give_up) if patience else None
            await self._when_read
            if alarm is not None and alarm.active():
                alarm.cancel()

    def _write(self, transport: Transport, octets: bytes) -> None:
        sent = 0
        if not self._unsent:
            # Whatever is wrong with the connection, Twisted finds out and sees to it.
            with suppress(OSError):
                sent = transport.getHandle().send(octets)
        if sent < len(octets):
            self._unsent += len(octets) - sent
            transport.write(octets[sent:])

    def pause(self) -> None:
        """The client reads slower than we write."""
        if self._when_read is None:
            self._when_read = Deferred()

    def resume(self) -> None:
        """The client has read what was written, or is gone."""
        if self._when_read is not None:
            when_read, self._when_read = self._when_read, None
            when_read.callback(None)
