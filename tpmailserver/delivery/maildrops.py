"""Opening a maildrop for a POP3 session, and what happens to it at the end.

The rule it guards: one session a mailbox (RFC 1939 §4), and nothing is removed before UPDATE. A
second login waits a moment, because a mail program's poll is short, then hears who holds the
maildrop. Deliveries never wait for any of this.
"""

import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import takewhile

from tpmailserver.model import Accepted, Client, MaildropOpened, Message, Reason, Refusal
from tpmailserver.store.locks import Holder, MaildropLock, MaildropLocks
from tpmailserver.store.maildir import Mailboxes
from tpmailserver.store.names import is_read

from .threads import Surroundings

_PATIENCE = 3.0
_BETWEEN_TRIES = 0.1
_PIECE = 256 * 1024


@dataclass(slots=True)
class OpenMaildrop:
    """A mailbox as one session holds it, until `Maildrops.close`."""

    account: str
    messages: tuple[Message, ...]
    abandoned: int
    turn: int
    lock: MaildropLock | None = field(repr=False)

    def opened(self) -> MaildropOpened:
        """What the session is told: messages that were read before are told by their flag.

        Only those count that no unread one stands before, so that a client which trusts LAST
        (RFC 1460) passes over no mail.
        """
        before = len(list(takewhile(lambda each: is_read(each.name), self.messages)))
        return MaildropOpened(self.account, self.messages, self.abandoned, before)


class Maildrops:
    """The maildrops of one site; `shared` lets several sessions into one (no lock then)."""

    def __init__(
        self,
        mailboxes: Mailboxes,
        locks: MaildropLocks,
        surroundings: Surroundings,
        policy: str,
    ) -> None:
        self._mailboxes = mailboxes
        self._locks = locks
        self._threads = surroundings.threads
        self._clock = surroundings.steady
        self._is_shared = policy == "shared"
        self._abandoned: dict[str, int] = {}

    async def open(self, account: str, client: Client) -> OpenMaildrop | Refusal:
        """Locks a mailbox and takes its snapshot."""
        lock = None
        if not self._is_shared:
            lock_or_holder = await self._lock(account, client)
            if isinstance(lock_or_holder, Holder):
                return _in_use(lock_or_holder)
            lock = lock_or_holder
        try:
            messages, turn = await self._list(account)
        except BaseException:
            if lock is not None:
                lock.release()
            raise
        return OpenMaildrop(account, messages, self._abandoned.pop(account, 0), turn, lock)

    async def fetch(self, maildrop: OpenMaildrop, message: Message) -> "OpenMessage | Refusal":
        """Opens a message and reads the beginning."""
        try:
            return await self._threads.disk(self._open, maildrop.account, message)
        except FileNotFoundError:
            return Refusal(Reason.MESSAGE_GONE)

    async def read(self, message: "OpenMessage") -> bytes:
        """The next piece of an open message; b"" at its end, where it is closed."""
        first = message.take_first()
        if first or message.is_closed:
            return first
        return await self._threads.disk(message.read)

    async def update(
        self, maildrop: OpenMaildrop, deleted: tuple[Message, ...], read: tuple[Message, ...]
    ) -> Accepted | Refusal:
        """The UPDATE state: removes what was marked (RFC 1939 §6), and flags what was read."""
        unflagged = [message for message in read if not is_read(message.name)]
        if unflagged:
            with suppress(OSError):  # a courtesy for LAST; QUIT does not fail by it
                await self._threads.disk(self._mailboxes.mark_read, maildrop.account, unflagged)
        if not deleted:
            return Accepted()
        stayed = await self._threads.disk(self._remove, maildrop, deleted)
        return Refusal(Reason.NOT_ALL_REMOVED, (str(stayed),)) if stayed else Accepted()

    def close(self, maildrop: OpenMaildrop, abandoned: int) -> None:
        """Lets go of a maildrop; `abandoned` deletions were marked and not made."""
        if abandoned:
            self._abandoned[maildrop.account] = abandoned
        if maildrop.lock is not None:
            maildrop.lock.release()

    async def _list(self, account: str) -> tuple[tuple[Message, ...], int]:
        """The messages of a mailbox, and in which turn it has them: again where a reset began.

        Nobody tells a session of a reset that ended before it had its listing.
        """
        while True:
            turn = self._mailboxes.gate.turn(account)
            messages = await self._threads.disk(self._mailboxes.snapshot, account)
            if turn == self._mailboxes.gate.turn(account):
                return messages, turn

    def _remove(self, maildrop: OpenMaildrop, deleted: tuple[Message, ...]) -> int:
        """Removes messages; returns how many stayed: all of them, where a reset came before."""
        with self._mailboxes.gate.removing(maildrop.account, maildrop.turn) as is_same:
            return self._mailboxes.remove(maildrop.account, deleted) if is_same else len(deleted)

    def _open(self, account: str, message: Message) -> "OpenMessage":
        return OpenMessage(self._mailboxes.open(account, message))

    async def _lock(self, account: str, client: Client) -> MaildropLock | Holder:
        gives_up = self._clock() + _PATIENCE
        while True:
            found = await self._threads.disk(self._locks.acquire, account, str(client))
            if isinstance(found, MaildropLock) or self._clock() >= gives_up:
                return found
            await self._threads.pause(_BETWEEN_TRIES)


class OpenMessage:
    """A message's file as it is read, piece by piece; a small one is read when it is opened."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._first = self.read()

    @property
    def is_closed(self) -> bool:
        """Whether all of the file has been read."""
        return self._fd < 0

    def take_first(self) -> bytes:
        """What was read when the file was opened, once."""
        first, self._first = self._first, b""
        return first

    def read(self) -> bytes:
        """Reads the next piece; blocks."""
        try:
            piece = os.read(self._fd, _PIECE)
        except OSError:
            self.close()
            raise
        if len(piece) < _PIECE:
            self.close()
        return piece

    def close(self) -> None:
        """Closes the file if it is open."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)


def _in_use(holder: Holder) -> Refusal:
    since = "a moment ago"
    if holder.since is not None:
        since = time.strftime("%H:%M:%S", time.localtime(holder.since))
    return Refusal(Reason.MAILDROP_IN_USE, (holder.who, since))
