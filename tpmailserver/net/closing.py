"""Closes a connection so that the client reads the last line.

The rule it guards: the reason for a close always arrives. Closing a socket while octets of the
client lie unread makes the system send a reset, which throws away what the client has not read
yet; a script that sends everything at once would see nothing. So our half is closed first, what
still comes is read and dropped for a moment, then the rest is closed.
"""

from twisted.internet.base import DelayedCall, ReactorBase
from twisted.internet.tcp import Server as Transport

_LINGER = 2.0
_SENT_AT_LATEST = 60.0


class Closing:
    """One connection that is being closed."""

    def __init__(self, transport: Transport, reactor: ReactorBase) -> None:
        self._transport = transport
        self._reactor = reactor
        self._alarm: DelayedCall | None = None

    def begin(self, *, input_has_ended: bool) -> None:
        """Sends what is written and closes our half; both, where the client has closed its own."""
        self._transport.unregisterProducer()
        self._alarm = self._reactor.callLater(_SENT_AT_LATEST, self._transport.abortConnection)
        if input_has_ended:
            self._transport.loseConnection()
        else:
            self._transport.loseWriteConnection()

    def everything_is_sent(self) -> None:
        """Our half is closed: the client has a moment to close its own."""
        self.cancel()
        self._alarm = self._reactor.callLater(_LINGER, self._transport.loseConnection)

    def client_has_closed(self) -> None:
        """Nothing more can come."""
        self._transport.loseConnection()

    def cancel(self) -> None:
        """The connection is gone."""
        if self._alarm is not None and self._alarm.active():
            self._alarm.cancel()
        self._alarm = None
