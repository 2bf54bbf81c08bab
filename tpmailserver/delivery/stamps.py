"""The two header fields that the server puts on top of a message, and the check for loops.

The rule it guards: the message is the student's. Nothing of it is changed, and only
`Return-Path:` and `Received:` are added (RFC 5321 §4.4): where a message came from is in them, and
what its own `From:` says is not looked at.
"""

import re
from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime

from tpmailserver.model import Accepted, Envelope, Reason, Refusal

_RECEIVED_AT_MOST = 50
_RECEIVED = re.compile(rb"^received[ \t]*:", re.IGNORECASE | re.MULTILINE)


def stamp(envelope: Envelope, host: str, clock: Callable[[], float]) -> bytes:
    """The fields to put on top, with LF line ends (RFC 5321 §4.4: return-path and time-stamp)."""
    client = envelope.client
    if client.address is None:
        address = "local"
    else:
        address = f"[IPv6:{client.address}]" if client.address.version == 6 else f"[{client}]"
    login = f" (logged in as {envelope.login})" if envelope.login else ""
    date = format_datetime(datetime.fromtimestamp(clock()).astimezone())
    return (
        f"Return-Path: <{envelope.sender or ''}>\n"
        f"Received: from {envelope.helo} ({address}){login}\n"
        f"\tby {host} with {envelope.protocol} id {client.session};\n"
        f"\t{date}\n"
    ).encode()


def check_loop(head: bytes) -> Accepted | Refusal:
    """Whether a message that begins with `head` has not gone round (RFC 5321 §6.3).

    Each hop puts its Received field on top, so a loop's fields are always within the first 64 KiB.
    """
    # A message without a header begins with the empty line.
    header = b"" if head.startswith(b"\n") else head.partition(b"\n\n")[0]
    hops = len(_RECEIVED.findall(header))
    if hops > _RECEIVED_AT_MOST:
        return Refusal(Reason.LOOP, (str(hops),))
    return Accepted()
