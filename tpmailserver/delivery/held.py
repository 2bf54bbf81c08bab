"""The messages that wait on a list, on disk.

The rule it guards: what is in `new` waits. What was rejected lies in `cur`, and waits no more.
"""

from tpmailserver.model import Message
from tpmailserver.store.maildir import Mailboxes


def waiting_on(held: Mailboxes, name: str) -> list[Message]:
    """What waits on a list, the oldest first; reads files."""
    return [each for each in held.snapshot(name) if each.name.startswith("new/")]
