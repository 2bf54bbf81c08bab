"""Finding messages where they are now: taken out of a mailbox, or opened.

The rule it guards: a mail program may move a file from `new` to `cur` and change its flags at any
time, so a message that is not where it was listed is looked for by its unique-id before it counts
as gone. The two folders are read at most once for all the messages that are looked for.
"""

import os
from collections.abc import Mapping, Sequence

from tpmailserver.model import Message

from .disk import sync_folder
from .listing import FOLDERS
from .names import describe


def find(parts: Mapping[str, int], messages: Sequence[Message]) -> dict[str, tuple[str, str]]:
    """Where messages are now: unique-id to folder and file, without those that are gone."""
    wanted = {message.uidl for message in messages}
    found: dict[str, tuple[str, str]] = {}
    for folder in FOLDERS:
        if wanted and folder in parts:
            for file in os.listdir(parts[folder]):
                uidl = describe(file).uidl
                if uidl in wanted:
                    found[uidl] = (folder, file)
    return found


class Removal:
    """Removes messages from the open folders "new" and "cur" of one mailbox."""

    def __init__(self, parts: Mapping[str, int]) -> None:
        self._parts = parts
        self._touched: set[str] = set()
        self.removed: list[Message] = []
        self.stayed: list[Message] = []

    def run(self, messages: Sequence[Message]) -> None:
        """Removes each message; one that is gone already is neither removed nor has it stayed."""
        missing = []
        for message in messages:
            folder, _, file = message.name.partition("/")
            if not self._unlink(message, folder, file):
                missing.append(message)
        places = find(self._parts, missing)
        for message in missing:
            if message.uidl in places:
                self._unlink(message, *places[message.uidl])

    def sync(self) -> None:
        """Makes the removal safe against a power cut."""
        for folder in sorted(self._touched):
            sync_folder(self._parts[folder])

    def _unlink(self, message: Message, folder: str, file: str) -> bool:
        """Whether the matter is settled: the file was there, and is removed or stays for good."""
        if folder not in self._parts:
            return False
        try:
            os.unlink(file, dir_fd=self._parts[folder])
        except FileNotFoundError:
            return False
        except OSError:
            self.stayed.append(message)
            return True
        self._touched.add(folder)
        self.removed.append(message)
        return True
