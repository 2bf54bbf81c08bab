"""Who may touch a mailbox now: one POP3 session, deliveries against resets, one server a site.

The rule it guards: no lock outlives its holder. Within the process a table decides; between
processes `flock` on a file, which the kernel takes back when a process dies. Nothing here waits
without a bound.

Lock files stay where they are: if one were removed, two processes could lock two files of one
name. A maildrop's file is best effort, for a full or read-only disk never stops a login.
"""

import fcntl
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Condition, Lock, RLock

from .disk import open_file, open_folder, open_made_folder, opened

_LOCK_FILE = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_TEXT_OCTETS = 256

GATE_PATIENCE = 5.0  # seconds
TURN_PATIENCE = 60.0  # seconds; a reset of a large site is no matter of a moment
_SITE_TRIES = 10
_SITE_PAUSE = 0.02  # seconds


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a maildrop, and since when in seconds of Unix time if that is known."""

    who: str
    since: float | None


class MaildropLock:
    """A maildrop that is ours until `release`."""

    def __init__(self, give_back: Callable[[], None]) -> None:
        self._give_back: Callable[[], None] | None = give_back
        self._lock = Lock()

    def release(self) -> None:
        """Gives the maildrop back; a second time does nothing."""
        with self._lock:
            give_back, self._give_back = self._give_back, None
        if give_back is not None:
            give_back()


class MaildropLocks:
    """The locks of POP3 sessions, at most one a mailbox (RFC 1939 §4)."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock
        self._table: dict[str, Holder] = {}
        self._lock = Lock()

    def acquire(self, name: str, holder: str) -> MaildropLock | Holder:
        """Locks a maildrop for `holder`, or says at once who has it."""
        ours = Holder(holder, self._clock())
        with self._lock:
            first = self._table.setdefault(name, ours)
        if first is not ours:
            return first
        locked = self._lock_file(name, ours)
        if isinstance(locked, Holder):
            self._free(name)
            return locked

        def give_back() -> None:
            if locked is not None:
                os.close(locked)
            self._free(name)

        return MaildropLock(give_back)

    def holders(self) -> Mapping[str, Holder]:
        """Who holds which maildrop in this process, as it is now."""
        with self._lock:
            return dict(self._table)

    def _free(self, name: str) -> None:
        with self._lock:
            del self._table[name]

    def _lock_file(self, name: str, ours: Holder) -> int | Holder | None:
        """The locked file, who else has it locked, or None where there can be no such file."""
        try:
            fd = _open_lock(self._folder, name)
        except OSError:
            return None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with opened(fd):
                return _holder_in(fd)
        except OSError:
            os.close(fd)
            return None
        _write(fd, f"{ours.since:.3f} {ours.who}\n")
        return fd


def remove_lock(folder: Path, name: str) -> None:
    """Removes the lock file of a name that was used once and never will be again."""
    with suppress(FileNotFoundError), opened(open_folder(folder)) as locks:
        os.unlink(name, dir_fd=locks)


class DeliveryGate:
    """Keeps deliveries to a mailbox and a reset of it apart; deliveries go side by side.

    A reset waits for the deliveries under way, later deliveries wait for the reset. Whoever has
    waited five seconds gets a TimeoutError, which is an OSError: the client tries again.

    What a session removes, it removes from the mailbox that it has listed. That is another one
    after a reset: `turn` tells them apart.

    Of those who move mailboxes, one is at work: what one has planned, another must not change.
    """

    def __init__(self) -> None:
        self._moving = RLock()
        self._changed = Condition()
        self._delivering: Counter[str] = Counter()
        self._resetting: set[str] = set()
        self._turns: Counter[str] = Counter()

    def turn(self, name: str) -> int:
        """A number that is another one as soon as a reset of a mailbox begins, and when it ends."""
        return self._turns[name]

    def is_open(self, names: Sequence[str]) -> bool:
        """Whether none of the mailboxes `names` is being reset at this moment."""
        with self._changed:
            return self._resetting.isdisjoint(names)

    @contextmanager
    def delivering(self, names: Sequence[str]) -> Iterator[None]:
        """Holds off resets of the mailboxes `names`, each named once."""
        with self._changed:
            self._wait(lambda: self._resetting.isdisjoint(names), "a reset")
            self._delivering.update(names)
        try:
            yield
        finally:
            self._delivered(names)

    @contextmanager
    def removing(self, name: str, turn: int) -> Iterator[bool]:
        """Holds off resets of a mailbox as a delivery does; False where its turn is over."""
        with self._changed:
            is_same = self._turns[name] == turn and name not in self._resetting
            if is_same:
                self._delivering[name] += 1
        try:
            yield is_same
        finally:
            if is_same:
                self._delivered([name])

    @contextmanager
    def moving(self) -> Iterator[None]:
        """Holds off everybody else who moves mailboxes into snapshots and back."""
        if not self._moving.acquire(timeout=TURN_PATIENCE):
            raise TimeoutError("another command that moves mailboxes is still at work")
        try:
            yield
        finally:
            self._moving.release()

    @contextmanager
    def resetting(self, names: Sequence[str]) -> Iterator[None]:
        """Holds off deliveries to the mailboxes `names` and other resets of them."""
        with self._changed:
            self._wait(lambda: self._resetting.isdisjoint(names), "another reset")
            self._resetting.update(names)
            self._turns.update(names)
        try:
            with self._changed:
                self._wait(lambda: self._delivering.keys().isdisjoint(names), "a delivery")
            yield
        finally:
            with self._changed:
                self._resetting.difference_update(names)
                self._turns.update(names)
                self._changed.notify_all()

    def _delivered(self, names: Sequence[str]) -> None:
        with self._changed:
            for name in names:
                self._delivering[name] -= 1
                if not self._delivering[name]:
                    del self._delivering[name]
            self._changed.notify_all()

    def _wait(self, free: Callable[[], bool], what: str) -> None:
        if not self._changed.wait_for(free, GATE_PATIENCE):
            raise TimeoutError(f"{what} of the same mailbox is still under way")


class SiteLock:
    """One server a site, and nobody else who changes it behind the server's back.

    Take it after the process has gone to the background: the lock would live through the fork,
    but the number in the file would be the parent's.
    """

    _NAME = ".server"  # no account has such a name

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._fd: int | None = None

    def acquire(self) -> bool:
        """Takes the site, or returns False when another process has it."""
        if self._fd is not None:
            return True
        fd = _open_lock(self._folder, self._NAME)
        # `holder_pid` of another process takes the lock for an instant: one refusal says little.
        for _ in range(_SITE_TRIES):
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_SITE_PAUSE)
            except OSError:
                os.close(fd)
                raise
            else:
                self._fd = fd
                _write(fd, f"{os.getpid()}\n")
                return True
        os.close(fd)
        return False

    def holder_pid(self) -> int | None:
        """The process that has the site now; None when it is free or does not say its number."""
        if self._fd is not None:
            return os.getpid()
        try:
            with opened(open_folder(self._folder)) as locks:
                fd = open_file(self._NAME, locks)
        except FileNotFoundError:
            return None
        with opened(fd):
            try:
                fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                text = os.pread(fd, _TEXT_OCTETS, 0).strip()
                return int(text) if text.isdigit() else None
        return None

    def release(self) -> None:
        """Gives the site back; a second time does nothing."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


def _open_lock(folder: Path, name: str) -> int:
    with opened(open_made_folder(folder)) as locks:
        fd = os.open(name, _LOCK_FILE, 0o600, dir_fd=locks)
    try:
        os.fchmod(fd, 0o600)
    except OSError:
        os.close(fd)
        raise
    return fd


def _write(fd: int, text: str) -> None:
    # The lock is the flock; without its text, another process only cannot say who holds it.
    with suppress(OSError):
        os.ftruncate(fd, 0)
        os.pwrite(fd, text.encode("utf-8", "replace")[:_TEXT_OCTETS], 0)


def _holder_in(fd: int) -> Holder:
    try:
        text = os.pread(fd, _TEXT_OCTETS, 0).decode("utf-8", "replace")
        since, _, who = text.partition(" ")
        who = "".join(each for each in who.strip() if each.isprintable())
        return Holder(who or "another process", float(since))
    except (OSError, ValueError):
        return Holder("another process", None)
