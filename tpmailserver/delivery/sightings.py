"""When each account was last seen, written down now and then.

The rule it guards: a login waits for no disk and fails for no full one. Sightings are kept in
memory and written all at once every few seconds; what a crash loses of them is no harm.
"""

from collections.abc import Callable

from tpmailserver.store.database import Database

from .threads import Threads


class Sightings:
    """The logins since the last writing."""

    def __init__(self, database: Database, clock: Callable[[], float], threads: Threads) -> None:
        self._database = database
        self._clock = clock
        self._threads = threads
        self._unwritten: dict[tuple[str, str], float] = {}

    def note(self, account: str, protocol: str) -> None:
        """An account has logged in, or sent, by "POP3" or "SMTP"."""
        self._unwritten[account, protocol] = self._clock()

    async def write(self) -> None:
        """Writes down what was noted; what cannot be written now is tried again."""
        noted, self._unwritten = self._unwritten, {}
        if not noted:
            return
        rows = [(account, protocol, at) for (account, protocol), at in noted.items()]
        try:
            await self._threads.disk(self._database.note_all_seen, rows)
        except OSError:
            self._unwritten = noted | self._unwritten
