"""The mailboxes: one Maildir an account, `NAME/{tmp,new,cur}` (https://cr.yp.to/proto/maildir.html).

The rule it guards: what is acknowledged is on the disk, whole, in every recipient's mailbox. A
mailbox that is missing is empty and is made when its first message comes; one that is broken (a
file in its place, a dangling link) is an OSError for itself alone.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tpmailserver.model import Message

from .arrival import Arrival, arrive, arriving
from .disk import make_folder_in, open_file, open_folder, opened, sweep_folder
from .folders import MailboxFolders
from .listing import FOLDERS, Listing, Listings, weigh
from .locks import DeliveryGate
from .names import as_read
from .search import Removal, find
from .spool import Draft
from .tally import Tallies, Tally

Copies = Sequence[tuple[Draft, Sequence[str]]]
"""Drafts, each with the mailboxes that it is for; no mailbox is named twice."""


class Mailboxes:
    """Every mailbox of a site."""

    def __init__(
        self, folder: Path, gate: DeliveryGate, clock: Callable[[], float] = time.time
    ) -> None:
        self.folder = folder
        self.gate = gate
        self._folders = MailboxFolders(folder)
        self._listings = Listings(clock)
        self._tallies = Tallies()

    def prepare(self, name: str) -> None:
        """Makes a mailbox's folders, those that are missing."""
        self._folders.prepare(name)

    def deliver(self, draft: Draft, names: Sequence[str]) -> None:
        """Puts a draft into the mailboxes `names`; when this returns it is safe in all of them.

        Whatever happens, the draft is used up. An OSError says by `filename` which mailbox failed.
        """
        deliver_all([(self, [(draft, list(dict.fromkeys(names)))])])

    @contextmanager
    def arriving(self, copies: Copies) -> Iterator[list[Arrival]]:
        """Settled drafts on their way into mailboxes, which no reset touches meanwhile."""
        with (
            self.gate.delivering([name for _, names in copies for name in names]),
            arriving(copies, self._folders, self._tallies) as arrivals,
        ):
            yield arrivals

    def snapshot(self, name: str) -> tuple[Message, ...]:
        """The messages of a mailbox in the order of delivery."""
        return self._list(name).messages

    def known_tally(self, name: str) -> Tally | None:
        """The tally of a mailbox if it is in memory."""
        return self._tallies.known(name)

    def perhaps_beyond(self, most: Tally, names: Iterable[str]) -> list[str]:
        """Those of the mailboxes that hold more than `most`, or are not in memory."""
        return self._tallies.perhaps_beyond(most, names)

    def tally(self, name: str) -> Tally:
        """The tally of a mailbox, counted on the disk; a broken mailbox is an OSError."""
        return self._list(name).tally

    def weigh(self, name: str) -> Tally:
        """The tally of a mailbox without opening one message; a broken mailbox is an OSError."""
        with self._open_parts(name) as parts:
            return weigh(parts)

    def forget(self, name: str) -> None:
        """Drops what is remembered of a mailbox."""
        self._tallies.forget(name)
        self._listings.forget(name)

    def open(self, name: str, message: Message) -> int:
        """Opens a message's file for reading; FileNotFoundError when the message is gone."""
        folder, _, file = message.name.partition("/")
        with suppress(FileNotFoundError), opened(self._folders.open(name, folder)) as fd:
            return open_file(file, fd)
        with self._open_parts(name) as parts:
            for folder, file in find(parts, [message]).values():
                return open_file(file, parts[folder])
        raise FileNotFoundError(f"{name}/{message.name} is gone")

    def remove(self, name: str, messages: Sequence[Message]) -> int:
        """Removes messages, safe against a power cut; returns how many could not be removed.

        One that is gone already counts as removed.
        """
        with self._open_parts(name) as parts, self._tallies.changing([name]):
            removal = Removal(parts)
            removal.run(messages)
            octets = sum(message.stored for message in removal.removed)
            self._tallies.add(name, -len(removal.removed), -octets)
            try:
                removal.sync()
            except OSError:
                self._tallies.forget(name)
                raise
        return len(removal.stayed)

    def erase(self, name: str) -> None:
        """Removes a mailbox and all that is in it, for good; without one it does nothing."""
        with self.gate.resetting([name]), suppress(FileNotFoundError):
            self._folders.erase(name)
        self.forget(name)

    def mark_read(self, name: str, messages: Sequence[Message]) -> None:
        """Moves messages to "cur" with the flag S, as far as that goes; nobody depends on it."""
        with self._open_parts(name) as parts:
            for message in messages:
                with suppress(OSError, KeyError):
                    _mark_read(parts, message)

    def put_away(self, name: str, message: Message) -> None:
        """Moves a message to "cur" with the flag S; FileNotFoundError when it is gone."""
        with self._open_parts(name) as parts:
            if not {"new", "cur"} <= parts.keys():
                raise FileNotFoundError(f"{name}/{message.name} is gone")
            _mark_read(parts, message)

    def sweep(self, now: float) -> int:
        """Removes what other programs' crashes have left in `tmp`, 36 hours later."""
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:
            return 0
        swept = 0
        for name in names:
            # A broken mailbox, and what is no mailbox at all, is nothing to sweep.
            with suppress(OSError, ValueError), opened(self._folders.open(name, "tmp")) as tmp:
                swept += sweep_folder(tmp, now)
        return swept

    def _list(self, name: str) -> Listing:
        mark = self._tallies.mark(name)
        try:
            with self._open_parts(name) as parts:
                listing = self._listings.read(name, parts)
        except OSError:
            self.forget(name)
            raise
        self._tallies.replace(name, mark, listing.tally)
        return listing

    @contextmanager
    def _open_parts(self, name: str) -> Iterator[Mapping[str, int]]:
        """Opens "new" and "cur" of a mailbox, those that there are."""
        with ExitStack() as stack:
            parts: dict[str, int] = {}
            with suppress(FileNotFoundError):
                mailbox = stack.enter_context(opened(self._folders.open(name)))
                for part in FOLDERS:
                    try:
                        parts[part] = stack.enter_context(opened(open_folder(part, mailbox)))
                    except FileNotFoundError:
                        # Other programs want all the folders of a Maildir; a full disk may say no.
                        with suppress(OSError):
                            make_folder_in(mailbox, part)
            yield parts


def deliver_all(parts: Sequence[tuple[Mailboxes, Copies]]) -> None:
    """Puts several drafts into mailboxes at once, as `Mailboxes.deliver` does one.

    What waits on a list goes into other mailboxes than what is delivered; still a broken one of
    either kind is found before anything is delivered.
    """
    drafts = [draft for _, copies in parts for draft, _ in copies]
    try:
        for draft in drafts:
            draft.settle()
        with ExitStack() as stack:
            arrivals = [
                arrival
                for mailboxes, copies in parts
                for arrival in stack.enter_context(mailboxes.arriving(copies))
            ]
            arrive(arrivals)
    finally:
        for draft in drafts:
            draft.discard()


def _mark_read(parts: Mapping[str, int], message: Message) -> None:
    folder, _, file = message.name.partition("/")
    os.rename(file, as_read(file), src_dir_fd=parts[folder], dst_dir_fd=parts["cur"])
