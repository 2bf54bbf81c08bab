"""Who may log in, and how long a wrong password takes.

The rule it guards: a right password never waits, and a wrong one tells nothing. An unknown number
and a wrong password get the same answer at the same time: one second after they were received,
ten a second for each client address, the rest in line. Nobody is ever locked out: numbers are
public, and a whole class may sit behind one address.
"""

import hmac
import re
from bisect import insort
from collections.abc import Callable
from hashlib import blake2b
from secrets import token_bytes

from tpmailserver.model import Client, LoggedIn, Reason, Refusal, Secret, name_of
from tpmailserver.settings import Settings
from tpmailserver.store.database import Account
from tpmailserver.store.directory import Directory

from .passwords import AT_MOST, is_password
from .threads import Surroundings

_APART = 0.1
_QUEUE_AT_MOST = 64
_REMEMBERED_AT_MOST = 40_000


class Logins:
    """Checks logins against the accounts in memory."""

    def __init__(
        self,
        settings: Settings,
        directory: Directory,
        surroundings: Surroundings,
        open_account: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._directory = directory
        self._threads = surroundings.threads
        self._clock = surroundings.steady
        self._open_account = open_account
        self._walk_in = re.compile(settings.walk_in) if settings.walk_in else None
        self._walked_in = 0
        self._wrong = WrongPasswords(settings.limits.failed_login_delay)
        self._right = _RightPasswords()
        self._hashing = 0

    async def check(self, login: str, password: Secret, client: Client) -> LoggedIn | Refusal:
        """The account that a login and password open; a wrong one is answered in its own time."""
        received = self._clock()
        account = self._account(login)
        attempts = _attempts(password)
        for attempt in attempts:
            if account is None:
                account = await self._walks_in(login, attempt)
            if account is not None and self._is_right_at_once(account, attempt):
                return LoggedIn(account.number)
        # From here on everybody goes the way of an account whose password has to be hashed: the
        # same words while the queue is full, and the place in line is taken before the hash.
        if self._hashing >= _QUEUE_AT_MOST:
            return Refusal(Reason.LOGINS_BUSY)
        at = self._wrong.take_place(str(client), received)
        for attempt in attempts:
            if account is not None and await self._is_right(account, attempt):
                self._wrong.give_back(str(client), at)
                return LoggedIn(account.number)
        await self._threads.pause(max(0.0, at - self._clock()))
        return Refusal(Reason.BAD_LOGIN)

    def account_name(self, login: str) -> str | None:
        """The account that a login names: a number, or number@domain, in any case."""
        text = login.strip(" ")
        if text.startswith("<") and text.endswith(">"):
            text = text[1:-1].strip(" ")
        local, at, domain = text.partition("@")
        if at and domain.lower() != self._settings.domain:
            return None
        return name_of(local)

    def known_account(self, login: str) -> str:
        """The account that a login names if there is one, else "": what was typed stays unsaid."""
        account = self._account(login)
        return "" if account is None else account.number

    def _account(self, login: str) -> Account | None:
        name = self.account_name(login)
        return None if name is None else self._directory.account(name)

    def _is_right_at_once(self, account: Account, attempt: bytes) -> bool:
        """Whether a password is known to be right, without hashing it."""
        stored = account.password_hash
        if stored is None:
            return hmac.compare_digest(attempt.lower(), account.number.encode())
        return self._right.remembers(stored, attempt)

    async def _is_right(self, account: Account, attempt: bytes) -> bool:
        """Whether a password has the hash of an account."""
        stored = account.password_hash
        if stored is None:
            return False
        self._hashing += 1
        try:
            right = await self._threads.hashing(is_password, attempt, stored)
        finally:
            self._hashing -= 1
        if right:
            self._right.remember(stored, attempt)
        return right

    async def _walks_in(self, login: str, attempt: bytes) -> Account | None:
        """Opens an account for a number that may open its own (`walk_in`) and says it twice."""
        name = self.account_name(login)
        if name is None or self._walk_in is None or not self._walk_in.fullmatch(name):
            return None
        limit = self._settings.walk_in_limit
        if 0 < limit <= self._walked_in or attempt.lower() != name.encode():
            return None
        await self._threads.disk(self._open_account, name)
        account = self._directory.account(name)
        self._walked_in += account is not None
        return account


class WrongPasswords:
    """When each wrong password is answered: the places in line of each client address."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._places: dict[str, list[float]] = {}

    def take_place(self, client: str, received: float) -> float:
        """The moment for the answer to a password that came at `received`, should it be wrong."""
        at = received + self._delay
        if not self._delay:
            return at
        if len(self._places) > _REMEMBERED_AT_MOST:
            self._places = {who: each for who, each in self._places.items() if each[-1] > received}
        ahead = [each for each in self._places.get(client, ()) if each > at - _APART]
        for other in ahead:
            if other >= at + _APART:
                break  # there is room between the two, which somebody gave back
            at = other + _APART
        insort(ahead, at)
        self._places[client] = ahead
        return at

    def give_back(self, client: str, at: float) -> None:
        """Frees a place: the password was right."""
        left = [each for each in self._places.pop(client, ()) if each != at]
        if left:
            self._places[client] = left


class _RightPasswords:
    """The successful checks so far, so that a class that polls every minute costs nothing.

    What is kept is a digest under a key that only this process has, of the stored hash with the
    password: a changed password is another hash, and so another entry.
    """

    def __init__(self) -> None:
        self._key = token_bytes(32)
        self._seen: dict[bytes, None] = {}

    def remembers(self, stored: str, attempt: bytes) -> bool:
        return self._digest(stored, attempt) in self._seen

    def remember(self, stored: str, attempt: bytes) -> None:
        if len(self._seen) >= _REMEMBERED_AT_MOST:
            del self._seen[next(iter(self._seen))]
        self._seen[self._digest(stored, attempt)] = None

    def _digest(self, stored: str, attempt: bytes) -> bytes:
        return blake2b(stored.encode() + b"\0" + attempt, key=self._key, digest_size=32).digest()


def _attempts(password: Secret) -> list[bytes]:
    """The password exactly as typed, then without surrounding spaces; too long is no attempt."""
    typed = password.octets
    stripped = typed.strip(b" ")
    attempts = [typed] if typed == stripped else [typed, stripped]
    return [attempt for attempt in attempts if len(attempt) <= AT_MOST]
