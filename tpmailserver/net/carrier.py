"""Carries octets between a socket and a protocol machine.

The rule it guards: what comes out of the machine is done in order, one thing at a time. While a
question is being answered, a message streamed or a client slow to read, reading stops; so nothing
here grows with what a client sends or leaves unread. This is the one place that catches every
exception of a session: it becomes a refusal, and the session goes on.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from socket import AF_INET, AF_INET6, SO_OOBINLINE, SOL_SOCKET

from twisted.internet.base import DelayedCall
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionAborted
from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.tcp import Server as Transport
from twisted.python.failure import Failure
from zope.interface import implementer

from tpmailserver.delivery.policy import Policy
from tpmailserver.model import Accepted, Client, Reason, Refusal
from tpmailserver.wire.contract import (
    Ask,
    BeginMessage,
    Close,
    Content,
    Discard,
    Expand,
    LogIn,
    MayReceive,
    MaySend,
    Outcome,
    Output,
    Pause,
    Question,
    Send,
    Stream,
    Verify,
)
from tpmailserver.wire.conversation import Conversation

from .closing import Closing
from .deaf import hear_out
from .events import Events
from .files import is_very_short
from .server import Server
from .writing import Writing

_ANSWERED_FROM_MEMORY = (MaySend, MayReceive, BeginMessage)
# Who has hung up sent mail perhaps, which counts. What it wanted to know, it hears no more.
_FOR_LISTENERS = (Pause, Verify, Expand)


@implementer(IHalfCloseableProtocol, IPushProducer)
class Carrier(Protocol):
    """One connection and its machine."""

    protocol = ""
    """"SMTP" or "POP3"."""
    hears_out = False
    """Whether whole commands count that came from a client which has hung up since."""
    transport: Transport  # type: ignore[assignment]  # what every TCP endpoint gives

    def __init__(
        self, conversation: Conversation, client: Client, server: Server, policy: Policy
    ) -> None:
        self._conversation = conversation
        self._client = client
        self._server = server
        self._policy = policy
        self._writing = Writing(server.reactor, self.abort)
        self._unread = b""
        self._is_busy = False
        self._is_paused = False
        self._input_has_ended = False
        self._is_lost = False
        self._expulsion: Refusal | None = None
        self._closing: Closing | None = None
        self._alarm: DelayedCall | None = None
        self._alarm_at = 0.0
        self._events = Events(client, self.protocol, server.refusals)
        self.account = ""
        self.since = server.clock()

    # What Twisted calls.

    def connectionMade(self) -> None:
        if self.transport.getHandle().family in (AF_INET, AF_INET6):  # and not a `unix:` endpoint
            self.transport.setTcpNoDelay(True)
            self.transport.setTcpKeepAlive(True)
            # Telnet marks a Ctrl-C with an urgent octet, which must stay in its place.
            self.transport.getHandle().setsockopt(SOL_SOCKET, SO_OOBINLINE, 1)
        if self.hears_out:
            hear_out(self.transport)
        self._writing.begin(self.transport)
        self.transport.registerProducer(self, True)
        number = self.transport.fileno()
        refusal = self._server.sessions.enter(self, self._client, number)
        if refusal is None:
            self._run(self._conversation.begin)
            return
        self._run(partial(self._conversation.refuse, refusal))
        if is_very_short(number):  # now, before the next is accepted: that wants a file too
            self.transport.connectionLost(Failure(ConnectionAborted()))

    def dataReceived(self, data: bytes) -> None:
        if self._closing is not None:
            return
        if not self._is_busy:
            self._run(partial(self._conversation.receive, data))
            return
        self._unread += data
        if not self._is_paused:
            self._is_paused = True
            self.transport.pauseProducing()

    def readConnectionLost(self) -> None:
        self._input_has_ended = True
        if self._closing is not None:
            self._closing.client_has_closed()
        elif not self._is_busy:
            self._run(self._whatever_came_up)

    def writeConnectionLost(self) -> None:
        if self._closing is not None:
            self._closing.everything_is_sent()
        else:
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002
        self._is_lost = self._input_has_ended = True
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._closing is not None:
            self._closing.cancel()
        self._server.sessions.leave(self, self._client)
        if not self.hears_out:
            self._stop_hearing()
        self._writing.end()
        if not self._is_busy:
            self._run(self._whatever_came_up)

    def pauseProducing(self) -> None:
        """The client reads slower than we write."""
        self._writing.pause()

    def resumeProducing(self) -> None:
        """The client has read what was written."""
        self._writing.resume()

    def stopProducing(self) -> None:
        """The connection is lost; `connectionLost` sees to it."""

    # What a protocol fills in.

    @property
    @abstractmethod
    def _doing(self) -> str:
        """What an open session is doing, in a few words for the instructor."""

    @abstractmethod
    async def _answer(self, question: Question) -> Outcome:
        """The answer of policy; any exception becomes a refusal."""

    @abstractmethod
    async def _perform(self, output: Content | Discard | Stream) -> None:
        """Does what the machine says with a message's content."""

    @abstractmethod
    async def _leave(self) -> None:
        """The session is over: lets go of everything; a second time does nothing."""

    # Everything else.

    @property
    def state(self) -> str:
        """What the session is doing, in a few words for the instructor."""
        return self._doing if self._closing is None else "being closed"

    def expel(self, refusal: Refusal) -> None:
        """Ends the session with a reason, once what it is at is done."""
        self._expulsion = refusal
        if not self._is_busy and self._closing is None:
            self._run(self._whatever_came_up)

    def abort(self) -> None:
        """Ends the connection now, whatever is unsent or unread."""
        self._stop_hearing()
        self.transport.abortConnection()

    def _stop_hearing(self) -> None:
        """Nothing that the client has said counts any more: a timeout or a cut removes nothing."""
        self._unread = b""
        self._conversation.abandon()

    def _run(self, machine: Callable[[], Sequence[Output]]) -> None:
        self._is_busy = True
        Deferred.fromCoroutine(self._carry(machine)).addErrback(self._on_bug)

    async def _carry(self, machine: Callable[[], Sequence[Output]]) -> None:
        """Does what the machine says, and what has come up meanwhile, until nothing is left."""
        try:
            outputs = self._safely(machine)
            while outputs or (outputs := self._safely(self._whatever_came_up)):
                outputs = await self._do(outputs)
        finally:
            self._is_busy = False
            if self._is_lost:
                await self._leave()
        if self._is_lost:
            return
        if self._is_paused and not self._input_has_ended:
            self.transport.resumeProducing()
        self._is_paused = False
        self._set_alarm()

    def _safely(self, machine: Callable[[], Sequence[Output]]) -> Sequence[Output]:
        """What the machine says; a bug in it is said to be our trouble."""
        try:
            return machine()
        except Exception as error:  # noqa: BLE001 - the catch-all of a session
            return self._conversation.apologise(self._server.faults.refusal(error, "session"))

    def _whatever_came_up(self) -> Sequence[Output]:
        """What is next: a client that is gone is still heard out, as far as it has spoken."""
        if self._closing is not None:
            return []
        if self._expulsion is not None:
            return self._conversation.interrupt(self._expulsion)
        if self._unread:
            unread, self._unread = self._unread, b""
            return self._conversation.receive(unread)
        if self._input_has_ended:
            return self._conversation.end_of_input()
        return []

    async def _do(self, outputs: Sequence[Output]) -> Sequence[Output]:
        """Does these outputs in order; what the machine then says to an answer comes back."""
        for output in outputs:
            if isinstance(output, Send):
                self._writing.add(output.octets)
            elif isinstance(output, Ask):
                if not isinstance(output.question, _ANSWERED_FROM_MEMORY):
                    await self._flush()
                if self._conversation.is_over:
                    return []
                outcome = await self._outcome(output.question)
                return self._safely(partial(self._conversation.answer, outcome))
            elif isinstance(output, Close):
                await self._flush()
                # Before the client has closed its half: the next session need not wait for that.
                await self._leave()
                self._close()
            else:
                await self._perform(output)
        await self._flush()
        return []

    async def _outcome(self, question: Question) -> Outcome:
        if self._is_lost and isinstance(question, _FOR_LISTENERS):
            return Refusal(Reason.TROUBLE)
        if isinstance(question, Pause):
            await self._server.threads.others_turn()
            return Accepted()
        try:
            outcome = await self._answer(question)
            if isinstance(outcome, Refusal):
                self._events.refused(question, outcome, self._account_in(question))
            return outcome
        except Exception as error:  # noqa: BLE001 - the catch-all of a session: trouble is temporary
            return self._server.faults.refusal(error, type(question).__name__)

    def _account_in(self, question: Question) -> str:
        """The account that a question is about, or ""."""
        if isinstance(question, LogIn):
            return self._policy.logins.known_account(question.login)
        return self.account

    async def _flush(self) -> None:
        await self._writing.flush(self._conversation.patience)

    def _close(self) -> None:
        if not self._is_lost and self._closing is None:
            self._closing = Closing(self.transport, self._server.reactor)
            self._closing.begin(input_has_ended=self._input_has_ended)

    def _set_alarm(self) -> None:
        """Sees to it that the machine is woken when it wants; an early alarm is set again."""
        at = self._conversation.wake_at
        if at is None or self._closing is not None:
            return
        if self._alarm is not None:
            if self._alarm_at <= at:
                return
            self._alarm.cancel()
        self._alarm_at = at
        delay = max(0.0, at - self._server.clock())
        self._alarm = self._server.reactor.callLater(delay, self._on_alarm)

    def _on_alarm(self) -> None:
        self._alarm = None
        if self._is_busy or self._closing is not None:
            return
        now, at = self._server.clock(), self._conversation.wake_at
        if at is not None and now >= at:
            self._run(partial(self._conversation.wake, now))
        else:
            self._set_alarm()

    def _on_bug(self, failure: Failure) -> None:
        """A bug, or a broken disk in the middle of a message: nothing more can be said."""
        if isinstance(failure.value, Exception):
            self._server.faults.refusal(failure.value, "session")
        if not self._is_lost:
            self.abort()
