"""The other end of a connection, as a value."""

from secrets import token_hex

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IAddress

from tpmailserver.model import Client, client_address


def client_of(address: IAddress | None) -> Client:
    """The client at a Twisted address, with a session id of its own."""
    session = token_hex(4)
    if isinstance(address, IPv4Address | IPv6Address):
        return Client(client_address(address.host), address.port, session)
    return Client(None, 0, session)
