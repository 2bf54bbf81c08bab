"""What an instructor sees of, and does to, the sessions of the running server.

The rule it guards: the list of sessions belongs to the reactor's thread; an action, which runs on
another, gets there only through this door.
"""

import os
import time
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from twisted.internet.threads import blockingCallFromThread

from tpmailserver import __version__
from tpmailserver.admin.desk import FrozenSeen, HolderSeen, ServerFacts, SessionSeen
from tpmailserver.delivery.policy import Policy
from tpmailserver.model import Client, Reason, Refusal
from tpmailserver.net.sessions import OpenSession, Sessions
from tpmailserver.store.locks import MaildropLocks

from .service import Listener

# As at a stop: what a session is at is let finish, and a client that reads nothing not waited for.
_GRACE = 5.0


class LiveServer:
    """The running server, for `admin`."""

    def __init__(
        self,
        reactor: Any,
        sessions: Sessions,
        policy: Policy,
        locks: MaildropLocks,
        listeners: Sequence[Listener],
    ) -> None:
        self._reactor = reactor
        self._sessions = sessions
        self._policy = policy
        self._locks = locks
        self._listeners = listeners
        self._started = time.time()

    def sessions(self) -> Sequence[SessionSeen]:
        """Every session of this moment."""
        seen: list[SessionSeen] = blockingCallFromThread(self._reactor, self._seen)
        return seen

    def expel(self, names: Collection[str], why: str) -> int:
        """Closes the POP3 sessions of these mailboxes, removing nothing; returns how many."""
        count: int = blockingCallFromThread(self._reactor, self._expel, names, why)
        return count

    def close(self, names: Collection[str] | None, why: str) -> Sequence[SessionSeen]:
        """Closes the sessions of these accounts, or all there are; says which, removes nothing."""
        closed: list[SessionSeen] = blockingCallFromThread(self._reactor, self._close, names, why)
        return closed

    def freeze(self, protocol: str) -> int:
        """Stops SMTP or POP3 until `thaw`; returns how many sessions were told to go."""
        count: int = blockingCallFromThread(self._reactor, self._freeze, protocol)
        return count

    def thaw(self, protocol: str) -> bool:
        """Lets a protocol go on; returns whether it was stopped."""
        thawed: bool = blockingCallFromThread(self._reactor, self._sessions.thaw, protocol)
        return thawed

    def facts(self) -> ServerFacts:
        """The process, its ports and its counts."""
        holders = tuple(
            HolderSeen(name, holder.who, holder.since)
            for name, holder in sorted(self._locks.holders().items())
        )
        return ServerFacts(
            os.getpid(),
            self._started,
            tuple(each.address for each in self._listeners),
            self._policy.reception.delivered,
            holders,
            tuple(
                FrozenSeen(protocol, since + self._epoch)
                for protocol, since in sorted(self._sessions.frozen.items())
            ),
            tuple(seen for each in self._listeners if (seen := each.seen) is not None),
            __version__,
        )

    @property
    def _epoch(self) -> float:
        """What makes the time of day of a session's clock, which only counts."""
        return time.time() - self._sessions.clock()

    def _seen(self) -> list[SessionSeen]:
        return [self._seen_as(session, client) for session, client in self._sessions]

    def _seen_as(self, session: OpenSession, client: Client) -> SessionSeen:
        since = session.since + self._epoch
        return SessionSeen(session.protocol, str(client), session.account, session.state, since)

    def _expel(self, names: Collection[str], why: str) -> int:
        expelled = self._sessions.of(frozenset(names), "POP3")
        for session in expelled:
            session.expel(Refusal(Reason.EXPELLED, (why,)))
        return len(expelled)

    def _close(self, names: Collection[str] | None, why: str) -> list[SessionSeen]:
        meant = [
            (session, self._seen_as(session, client))
            for session, client in self._sessions
            if names is None or session.account in names
        ]
        for session, _ in meant:
            session.expel(Refusal(Reason.EXPELLED, (why,)))
        self._cut_off_later(session for session, _ in meant)
        return [seen for _, seen in meant]

    def _freeze(self, protocol: str) -> int:
        told = self._sessions.freeze(protocol)
        self._cut_off_later(told)
        return len(told)

    def _cut_off_later(self, told: Iterable[OpenSession]) -> None:
        """Gives sessions that were told to go a moment; then the instructor's word counts."""
        self._reactor.callLater(_GRACE, self._cut_off, frozenset(told))

    def _cut_off(self, told: frozenset[OpenSession]) -> None:
        for session, _ in self._sessions:
            if session in told:
                session.abort()
