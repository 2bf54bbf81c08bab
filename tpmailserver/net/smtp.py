"""SMTP over Twisted: the machine of `wire.smtp` asks, `delivery.reception` answers.

The rule it guards: a message that could not be kept is answered so at its final dot, and the
session goes on; what had come of it is gone.
"""

from collections.abc import Mapping
from enum import Enum

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import ServerFactory

from tpmailserver.delivery.policy import Policy
from tpmailserver.delivery.reception import Incoming
from tpmailserver.model import Accepted, Client, Delivered, Envelope, LoggedIn, Refusal
from tpmailserver.wire.contract import (
    BeginMessage,
    Content,
    Discard,
    EndMessage,
    Expand,
    LogIn,
    MayReceive,
    MaySend,
    Outcome,
    Question,
    Stream,
    Verify,
)
from tpmailserver.wire.smtp import SmtpSession, SmtpTerms
from tpmailserver.wire.smtp_verbs import State

from .carrier import Carrier
from .clients import client_of
from .server import Server

_WORDS: Mapping[Enum, str] = {
    State.START: "before HELO",
    State.READY: "greeted",
    State.AFTER_MESSAGE: "after a message",
    State.ADDRESSED: "after MAIL FROM",
    State.REFUSED: "RCPT TO refused",
    State.DIRECTED: "after RCPT TO",
}


class SmtpCarrier(Carrier):
    """One SMTP connection."""

    protocol = "SMTP"
    hears_out = True

    def __init__(self, terms: SmtpTerms, client: Client, server: Server, policy: Policy) -> None:
        self._session = SmtpSession(terms, server.clock)
        super().__init__(self._session, client, server, policy)
        self._incoming: Incoming | None = None
        self._failure: Refusal | None = None

    @property
    def _doing(self) -> str:
        if self._incoming is not None:
            return "in a message"
        return _WORDS[self._session.state]

    async def _answer(self, question: Question) -> Outcome:
        match question:
            case MaySend(sender, login):
                return self._policy.reception.may_send(self._client, sender, login)
            case MayReceive(recipient, octets, sender, login):
                return await self._policy.reception.may_receive(recipient, octets, sender, login)
            case BeginMessage():
                return self._begin(question)
            case EndMessage():
                return await self._deliver()
            case LogIn():
                return await self._log_in(question)
            case Verify(name, login):
                return self._policy.visibility.verify(name, login)
            case Expand(name, login):
                return self._policy.visibility.expand(name, login)
        raise TypeError(f"SMTP does not ask {question!r}")

    async def _perform(self, output: Content | Discard | Stream) -> None:
        if isinstance(output, Content):
            await self._take(output.octets)
        else:
            await self._leave()

    async def _leave(self) -> None:
        incoming, self._incoming = self._incoming, None
        if incoming is not None:
            await self._policy.reception.discard(incoming)

    async def _log_in(self, question: LogIn) -> Outcome:
        outcome = await self._policy.logins.check(question.login, question.password, self._client)
        if isinstance(outcome, LoggedIn):
            self.account = outcome.account
            self._policy.sightings.note(outcome.account, self.protocol)
            self._events.logged_in(outcome.account)
        return outcome

    def _begin(self, question: BeginMessage) -> Outcome:
        envelope = Envelope(
            question.sender,
            question.recipients,
            self._client,
            question.helo,
            question.protocol,
            question.login,
        )
        begun = self._policy.reception.begin(envelope)
        if isinstance(begun, Refusal):
            return begun
        self._incoming, self._failure = begun, None
        return Accepted()

    async def _take(self, content: bytes) -> None:
        if self._incoming is None:
            return
        try:
            await self._policy.reception.take(self._incoming, content)
        except OSError as error:
            # Said at the final dot: in the middle of its message the client hears nothing.
            self._failure = self._server.faults.refusal(error, "Content")
            self._incoming = None

    async def _deliver(self) -> Outcome:
        incoming, self._incoming = self._incoming, None
        if incoming is None:
            assert self._failure is not None
            return self._failure
        outcome = await self._policy.reception.deliver(incoming)
        if isinstance(outcome, Delivered):
            self._events.delivered(outcome, incoming.envelope)
        return outcome


class SmtpFactory(ServerFactory):
    """Makes a session for each SMTP connection."""

    noisy = False

    def __init__(self, terms: SmtpTerms, server: Server, policy: Policy) -> None:
        self._terms = terms
        self._server = server
        self._policy = policy

    def buildProtocol(self, addr: IAddress | None) -> SmtpCarrier:
        return SmtpCarrier(self._terms, client_of(addr), self._server, self._policy)
