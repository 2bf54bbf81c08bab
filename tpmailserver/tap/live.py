"""What an instructor sees of, and does to, the sessions of the running server.

The rule it guards: the list of sessions belongs to the reactor's thread; an action, which runs on
another, gets there only through this door.
"""

import os
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from twisted.internet.threads import blockingCallFromThread

from tpmailserver.admin.desk import HolderSeen, ServerFacts, SessionSeen
from tpmailserver.delivery.policy import Policy
from tpmailserver.model import Reason, Refusal
from tpmailserver.net.sessions import Sessions
from tpmailserver.store.locks import MaildropLocks


class LiveServer:
    """The running server, for `admin`."""

    def __init__(
        self,
        reactor: Any,
        sessions: Sessions,
        policy: Policy,
        locks: MaildropLocks,
        listening: Callable[[], Sequence[str]],
    ) -> None:
        self._reactor = reactor
        self._sessions = sessions
        self._policy = policy
        self._locks = locks
        self._listening = listening
        self._started = time.time()

    def sessions(self) -> Sequence[SessionSeen]:
        """Every session of this moment."""
        seen: list[SessionSeen] = blockingCallFromThread(self._reactor, self._seen)
        return seen

    def expel(self, names: Collection[str], why: str) -> int:
        """Closes the POP3 sessions of these mailboxes, removing nothing; returns how many."""
        count: int = blockingCallFromThread(self._reactor, self._expel, names, why)
        return count

    def facts(self) -> ServerFacts:
        """The process, its ports and its counts."""
        holders = tuple(
            HolderSeen(name, holder.who, holder.since)
            for name, holder in sorted(self._locks.holders().items())
        )
        return ServerFacts(
            os.getpid(),
            self._started,
            tuple(self._listening()),
            self._policy.reception.delivered,
            holders,
        )

    def _seen(self) -> list[SessionSeen]:
        # A session's clock only counts; the instructor wants the time of day.
        epoch = time.time() - self._sessions.clock()
        return [
            SessionSeen(
                session.protocol, str(client), session.account, session.state, session.since + epoch
            )
            for session, client in self._sessions
        ]

    def _expel(self, names: Collection[str], why: str) -> int:
        expelled = self._sessions.of(frozenset(names), "POP3")
        for session in expelled:
            session.expel(Refusal(Reason.EXPELLED, (why,)))
        return len(expelled)
