"""A store in a folder of its own, for the tests of the room `store`."""

import os
import time
from pathlib import Path

from tpmailserver.store.locks import DeliveryGate
from tpmailserver.store.maildir import Mailboxes
from tpmailserver.store.names import UniqueNames
from tpmailserver.store.spool import Draft, Spool

NAMES = UniqueNames(time.time, os.urandom, "tpmail")

STAMP = b"Return-Path: <a@b>\n"
CONTENT = b"Subject: hello\n\nbody\n"


class Site:
    """A store in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.maildirs = folder / "maildirs"
        self.spool = Spool(folder / "spool", NAMES)
        self.spool_folder = folder / "spool"
        self.mailboxes = Mailboxes(self.maildirs, DeliveryGate())

    def draft(self, content: bytes = CONTENT) -> Draft:
        draft = self.spool.draft(STAMP)
        draft.write(content)
        return draft

    def deliver(self, *names: str) -> None:
        self.mailboxes.deliver(self.draft(), names)

    def new(self, name: str) -> list[Path]:
        folder = self.maildirs / name / "new"
        return sorted(folder.iterdir()) if folder.is_dir() else []

    def spooled(self) -> list[Path]:
        return list(self.spool_folder.iterdir()) if self.spool_folder.exists() else []
