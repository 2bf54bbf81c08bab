"""The log's lines about one session: logins, deliveries, removals, and what was refused and why.

The rule it guards: one line an event, and never what was typed: a name that is no account's may be
somebody's password. A session's first ten refusals are told, and five a second of all sessions', so
nobody can fill a disk.
"""

from twisted.logger import Logger

from tpmailserver.model import Address, Client, Delivered, Envelope, Refusal
from tpmailserver.wire.contract import Expand, Question, Verify
from tpmailserver.wire.conversation import Clock

_log = Logger()
_REFUSALS_AT_MOST = 10


class Throttle:
    """Lets so many through in each second."""

    def __init__(self, clock: Clock, a_second: int) -> None:
        self._clock = clock
        self._a_second = a_second
        self._second = 0
        self._let_through = 0

    def lets_through(self) -> bool:
        """Whether one more may pass now."""
        second = int(self._clock())
        if second != self._second:
            self._second, self._let_through = second, 0
        self._let_through += 1
        return self._let_through <= self._a_second


class Events:
    """What is told of one session."""

    def __init__(self, client: Client, protocol: str, throttle: Throttle) -> None:
        self._client = client
        self._throttle = throttle
        self._protocol = protocol
        self._refusals = 0

    def logged_in(self, account: str) -> None:
        """An account has logged in."""
        self._tell("{protocol} {account} logged in", account=account)

    def delivered(self, delivered: Delivered, envelope: Envelope) -> None:
        """A message is safe in its mailboxes."""
        self._tell(
            "delivered id={id} from <{sender}> to {count}{held}",
            id=delivered.identity,
            sender=_shown(envelope.sender),
            count=delivered.mailboxes,
            held=f", held on {', '.join(delivered.held)}" if delivered.held else "",
        )

    def removed(self, count: int, account: str) -> None:
        """Messages of an account were removed for good."""
        self._tell("removed {count} of {account}", count=count, account=account)

    def refused(self, question: Question, refusal: Refusal, account: str) -> None:
        """Policy has refused something to an account, or to "" where nobody has logged in."""
        if isinstance(question, Verify | Expand):
            return  # not to tell is the site's policy, and no event
        self._refusals += 1
        if self._refusals <= _REFUSALS_AT_MOST and self._throttle.lets_through():
            self._tell(
                "{protocol} refused {question}{account}: {reason}",
                question=type(question).__name__,
                account=account and f" of {account}",
                reason=refusal.reason.name,
            )

    def _tell(self, text: str, **facts: object) -> None:
        _log.info(
            "{client} {session} " + text,
            client=self._client,
            session=self._client.session,
            protocol=self._protocol,
            **facts,
        )


def _shown(sender: Address | None) -> str:
    """A sender for the log; RFC 6531 lets control characters beyond ASCII into an address."""
    text = str(sender or "")
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii")
        for each in text
    )
