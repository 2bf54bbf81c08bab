"""The sessions that are open: admitted, listed, ended.

The rule it guards: every session that is admitted enters here and leaves here, so what is counted,
shown to the instructor and closed at a stop is one and the same list.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Protocol

from twisted.logger import Logger

from tpmailserver.delivery.networks import Admission
from tpmailserver.model import Client, Reason, Refusal

from .files import is_short

_log = Logger()


class OpenSession(Protocol):
    """What the list wants of a session."""

    protocol: str
    account: str
    since: float

    @property
    def state(self) -> str:
        """What the session is doing, in a few words."""

    def expel(self, refusal: Refusal) -> None:
        """Ends the session with a reason, once what it is at is done."""

    def abort(self) -> None:
        """Ends the connection now."""


class Sessions:
    """The open sessions of a server."""

    def __init__(self, admission: Admission, clock: Callable[[], float]) -> None:
        self.clock = clock
        """The clock of every session's `since`."""
        self._admission = admission
        self._open: dict[OpenSession, Client] = {}
        self._is_stopping = False
        self._frozen: dict[str, float] = {}
        self._strangers: set[str] = set()

    def enter(self, session: OpenSession, client: Client, number: int) -> Refusal | None:
        """Admits a session, or says why not; `number` is the file number of its connection."""
        if self._is_stopping:
            return Refusal(Reason.STOPPING)
        if session.protocol in self._frozen:
            return Refusal(Reason.FROZEN, (session.protocol,))
        if is_short(number):
            return Refusal(Reason.TOO_MANY_SESSIONS, (str(len(self._open)),))
        outcome = self._admission.admit(client)
        if isinstance(outcome, Refusal):
            if outcome.reason is Reason.FOREIGN_NETWORK:
                self._tell_of_stranger(str(client))
            return outcome
        self._open[session] = client
        return None

    def leave(self, session: OpenSession, client: Client) -> None:
        """A connection is gone; one that was never admitted is none of ours."""
        if self._open.pop(session, None) is not None:
            self._admission.leave(client)

    def stop(self) -> None:
        """Admits nobody any more and tells everybody to go."""
        self._is_stopping = True
        for session in list(self._open):
            session.expel(Refusal(Reason.STOPPING))

    @property
    def frozen(self) -> Mapping[str, float]:
        """The protocols of which nobody is admitted for now, and since when."""
        return dict(self._frozen)

    def freeze(self, protocol: str) -> list[OpenSession]:
        """Admits nobody to a protocol until `thaw`; tells its sessions to go and returns them."""
        if protocol in self._frozen:
            return []
        self._frozen[protocol] = self.clock()
        told = [each for each in self._open if each.protocol == protocol]
        for session in told:
            session.expel(Refusal(Reason.FROZEN, (protocol,)))
        _log.info("{protocol} is frozen by the instructor", protocol=protocol)
        return told

    def thaw(self, protocol: str) -> bool:
        """Admits sessions of a protocol again; returns whether it was frozen."""
        was_frozen = self._frozen.pop(protocol, None) is not None
        if was_frozen:
            _log.info("{protocol} goes on", protocol=protocol)
        return was_frozen

    def abort_all(self) -> None:
        """Ends every connection now."""
        for session in list(self._open):
            session.abort()

    def __iter__(self) -> Iterator[tuple[OpenSession, Client]]:
        return iter(list(self._open.items()))

    def __len__(self) -> int:
        return len(self._open)

    def of(self, accounts: Collection[str], protocol: str) -> list[OpenSession]:
        """The sessions that these accounts have open."""
        return [
            each for each in self._open if each.account in accounts and each.protocol == protocol
        ]

    def _tell_of_stranger(self, address: str) -> None:
        if address not in self._strangers and len(self._strangers) < 100:
            self._strangers.add(address)
            block = f"{address}/{128 if ':' in address else 32}"
            _log.warn(
                "refused {address}: to admit it, put {setting} into tpmail.toml and start again",
                address=address,
                setting=self._admission.with_network(block),
            )
