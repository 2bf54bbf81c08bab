"""Hears a client out that has stopped listening.

The rule it guards: what a client has said counts, also when it hangs up without reading the
answers, as `cat mail > /dev/tcp/server/25` does. Its system then refuses our answers, and Twisted
would close at the first one and drop what still lies in the socket: the rest of the message, the
QUIT behind a DELE.
"""

from twisted.internet import main
from twisted.internet.tcp import Server as Transport


def hear_out(transport: Transport) -> None:
    """Lets the answers to a client that is gone fall on deaf ears until all it said is read.

    The end of what it said is the end of the connection.
    """
    write = transport.writeSomeData

    def write_or_drop(octets: bytes) -> object:
        written = write(octets)
        if written is main.CONNECTION_LOST and not transport.disconnecting:
            return len(octets)
        return written

    transport.writeSomeData = write_or_drop  # type: ignore[assignment,method-assign]
