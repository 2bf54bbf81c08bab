"""POP3 over Twisted: the machine of `wire.pop3` asks, `delivery.maildrops` answers.

The rule it guards: the maildrop that a session has locked is let go of when its connection ends,
however it ends; and what was marked deleted stays, unless QUIT came to its answer.
"""

from collections.abc import Mapping
from enum import Enum

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import ServerFactory

from tpmailserver.delivery.maildrops import OpenMaildrop, OpenMessage
from tpmailserver.delivery.policy import Policy
from tpmailserver.model import Accepted, Client, Message, Refusal
from tpmailserver.wire.contract import (
    Content,
    Discard,
    Fetch,
    LogIn,
    Outcome,
    Question,
    Stream,
    Update,
)
from tpmailserver.wire.outgoing import OutgoingContent
from tpmailserver.wire.pop3 import Pop3Session, Pop3Terms
from tpmailserver.wire.pop3_verbs import State

from .carrier import Carrier
from .clients import client_of
from .server import Server

_WORDS: Mapping[Enum, str] = {
    State.AUTHORIZATION: "before USER",
    State.NAMED: "before PASS",
    State.TRANSACTION: "in the maildrop",
}


class Pop3Carrier(Carrier):
    """One POP3 connection."""

    protocol = "POP3"

    def __init__(self, terms: Pop3Terms, client: Client, server: Server, policy: Policy) -> None:
        self._session = Pop3Session(terms, server.clock)
        super().__init__(self._session, client, server, policy)
        self._maildrop: OpenMaildrop | None = None
        self._message: OpenMessage | None = None

    @property
    def _doing(self) -> str:
        return _WORDS[self._session.state]

    async def _answer(self, question: Question) -> Outcome:
        match question:
            case LogIn():
                return await self._log_in(question)
            case Fetch(message):
                return await self._fetch(message)
            case Update():
                return await self._update(question)
        raise TypeError(f"POP3 does not ask {question!r}")

    async def _perform(self, output: Content | Discard | Stream) -> None:
        assert isinstance(output, Stream), output
        message, self._message = self._message, None
        assert message is not None, "a message is fetched before it is streamed"
        content = OutgoingContent(output.body_lines)
        try:
            while not content.is_complete and (piece := await self._policy.maildrops.read(message)):
                self._writing.add(content.send(piece))
                await self._flush()
                if self._is_lost:
                    return
        finally:
            message.close()
        self._writing.add(content.end())

    async def _leave(self) -> None:
        if self._message is not None:
            self._message.close()
        maildrop, self._maildrop = self._maildrop, None
        if maildrop is not None:
            # After a reset or a stop, nobody wants to hear of deletions that were not made.
            abandoned = 0 if self._expulsion is not None else self._session.marked
            self._policy.maildrops.close(maildrop, abandoned)

    async def _log_in(self, question: LogIn) -> Outcome:
        outcome = await self._policy.logins.check(question.login, question.password, self._client)
        if isinstance(outcome, Refusal):
            return outcome
        maildrop = await self._policy.maildrops.open(outcome.account, self._client)
        if isinstance(maildrop, Refusal):
            return maildrop
        self._maildrop = maildrop
        self.account = maildrop.account
        self._policy.sightings.note(maildrop.account, self.protocol)
        self._events.logged_in(maildrop.account)
        return maildrop.opened()

    async def _fetch(self, message: Message) -> Outcome:
        fetched = await self._policy.maildrops.fetch(self._held_maildrop(), message)
        if isinstance(fetched, Refusal):
            return fetched
        self._message = fetched
        return Accepted()

    async def _update(self, question: Update) -> Outcome:
        maildrop = self._held_maildrop()
        deleted, read = question.deleted, question.read
        outcome = await self._policy.maildrops.update(maildrop, deleted, read)
        self._maildrop = None
        self._policy.maildrops.close(maildrop, 0)
        if deleted and isinstance(outcome, Accepted):
            self._events.removed(len(deleted), maildrop.account)
        return outcome

    def _held_maildrop(self) -> OpenMaildrop:
        assert self._maildrop is not None, "only a session that has logged in asks this"
        return self._maildrop


class Pop3Factory(ServerFactory):
    """Makes a session for each POP3 connection."""

    noisy = False

    def __init__(self, terms: Pop3Terms, server: Server, policy: Policy) -> None:
        self._terms = terms
        self._server = server
        self._policy = policy

    def buildProtocol(self, addr: IAddress | None) -> Pop3Carrier:
        return Pop3Carrier(self._terms, client_of(addr), self._server, self._policy)
