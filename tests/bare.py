"""Plays a conversation on the bare machine: no socket, no reactor, no thread.

The questions are answered by the site's real policy over a real folder; its coroutines never have
to wait, because work is done at once and a pause only moves the clock.
"""

from collections.abc import Awaitable, Callable, Iterator
from copy import copy
from pathlib import Path

from tpmailserver.delivery.maildrops import OpenMaildrop, OpenMessage
from tpmailserver.delivery.policy import Policy
from tpmailserver.delivery.reception import Incoming
from tpmailserver.delivery.threads import Surroundings
from tpmailserver.model import Accepted, Client, Envelope, Refusal, client_address
from tpmailserver.settings import Settings
from tpmailserver.site import open_site
from tpmailserver.store.names import UniqueNames
from tpmailserver.tap import pop3_terms, smtp_terms
from tpmailserver.wire import contract as wire
from tpmailserver.wire.outgoing import OutgoingContent
from tpmailserver.wire.pop3 import Pop3Session
from tpmailserver.wire.smtp import SmtpSession

from .transcript import (
    Closed,
    Connect,
    Expected,
    HalfClose,
    HangUp,
    Script,
    Sent,
    Step,
    Transcript,
    Turn,
    Wait,
)


class Clockwork:
    """Time that passes only when told, and threads that are none."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def time(self) -> float:
        return self.now

    async def disk(self, work: Callable[..., object], *args: object, **kw: object) -> object:
        return work(*args, **kw)

    hashing = disk

    async def hook(self, _seconds: float, work: Callable[..., object], *args: object) -> object:
        return work(*args)

    async def pause(self, seconds: float) -> None:
        self.now += seconds


def at_once(waiting: Awaitable) -> object:
    """The result of a coroutine that never suspends."""
    try:
        waiting.send(None)  # type: ignore[attr-defined]
    except StopIteration as stop:
        return stop.value
    raise AssertionError("policy waited for something that is not there")


class BareSession:
    """One session of a machine with the policy of a site behind it."""

    def __init__(
        self, protocol: str, folder: Path, settings: Settings, names: UniqueNames | None = None
    ) -> None:
        self.clock = Clockwork()
        time = self.clock.time
        self.site = open_site(folder, settings, names)
        self.policy: Policy = self.site.policy(Surroundings(self.clock, time, time))
        self.policy.hooks.load(folder, {})
        self.client = Client(client_address("127.0.0.1"), 40000, "5e551011")
        self._settings = settings
        self._connect(protocol)

    def another(self, protocol: str) -> "BareSession":
        """A further session of the same site, beside this one."""
        session = copy(self)
        session._connect(protocol)
        return session

    def _connect(self, protocol: str) -> None:
        self.machine: SmtpSession | Pop3Session
        if protocol == "smtp":
            self.machine = SmtpSession(smtp_terms(self._settings), self.clock.time)
        else:
            self.machine = Pop3Session(pop3_terms(self._settings), self.clock.time)
        self.said = b""
        self.closed = False
        self._incoming: Incoming | None = None
        self._maildrop: OpenMaildrop | None = None
        self._message: OpenMessage | None = None

    def run(self, outputs: list[wire.Output]) -> None:
        while outputs:
            *before, last = outputs
            for output in before:
                self._do(output)
            outputs = []
            if isinstance(last, wire.Ask):
                outputs = self.machine.answer(at_once(self._answer(last.question)))
            else:
                self._do(last)

    def leave(self) -> None:
        """The connection is gone."""
        if self._maildrop is not None:
            self.policy.maildrops.close(self._maildrop, self.machine.marked)
            self._maildrop = None

    def _do(self, output: wire.Output) -> None:
        match output:
            case wire.Send(octets):
                self.said += octets
            case wire.Content(octets):
                at_once(self.policy.reception.take(self._incoming, octets))
            case wire.Discard():
                self._incoming = None
            case wire.Stream(body_lines):
                content = OutgoingContent(body_lines)
                while piece := at_once(self.policy.maildrops.read(self._message)):
                    self.said += content.send(piece)
                self.said += content.end()
            case wire.Close():
                self.closed = True
                self.leave()

    async def _answer(self, question: wire.Question) -> wire.Outcome:
        reception, maildrops = self.policy.reception, self.policy.maildrops
        match question:
            case wire.Pause():
                return Accepted()
            case wire.Verify(name, login):
                return self.policy.visibility.verify(name, login)
            case wire.Expand(name, login):
                return self.policy.visibility.expand(name, login)
            case wire.MaySend(sender, login):
                return reception.may_send(self.client, sender, login)
            case wire.MayReceive(recipient, octets, sender, login):
                return await reception.may_receive(recipient, octets, sender, login)
            case wire.BeginMessage(sender, recipients, helo, protocol, login):
                envelope = Envelope(sender, recipients, self.client, helo, protocol, login)
                begun = reception.begin(envelope)
                if isinstance(begun, Refusal):
                    return begun
                self._incoming = begun
                return Accepted()
            case wire.EndMessage():
                return await reception.deliver(self._incoming)
            case wire.Fetch(message):
                fetched = await maildrops.fetch(self._maildrop, message)
                if isinstance(fetched, Refusal):
                    return fetched
                self._message = fetched
                return Accepted()
            case wire.Update(deleted, read):
                outcome = await maildrops.update(self._maildrop, deleted, read)
                maildrops.close(self._maildrop, 0)
                self._maildrop = None
                return outcome
            case wire.LogIn():
                return await self._log_in(question)
        raise AssertionError(question)

    async def _log_in(self, question: wire.LogIn) -> wire.Outcome:
        outcome = await self.policy.logins.check(question.login, question.password, self.client)
        if isinstance(outcome, Refusal) or isinstance(self.machine, SmtpSession):
            return outcome
        opened = await self.policy.maildrops.open(outcome.account, self.client)
        if isinstance(opened, Refusal):
            return opened
        self._maildrop = opened
        return opened.opened()


def play(transcript: Transcript, session: BareSession, size: int) -> None:
    """Plays a conversation, `size` octets at a time (0 is all that the client says at once)."""
    connections = [(session, Script(transcript))]
    session.run(session.machine.begin())
    script = connections[0][1]
    for sent, expected in _acts(transcript.steps):
        for step in sent:
            match step:
                case Connect(protocol):
                    session, script = session.another(protocol), Script(transcript)
                    connections.append((session, script))
                    session.run(session.machine.begin())
                case Turn(connection):
                    session, script = connections[connection]
                case _:
                    _perform(session, step, size, transcript.name)
        script.hear(session.said)
        session.said = b""
        for line in expected:
            script.check(line)
    for _, each in connections:
        each.check_nothing_left()


def _perform(session: BareSession, step: Step, size: int, name: str) -> None:
    match step:
        case Sent(octets):
            for piece in [octets] if not size else _pieces(octets, size):
                session.run(session.machine.receive(piece))
        case Wait(seconds):
            session.clock.now += seconds
            session.run(session.machine.wake(session.clock.now))
        case HalfClose():
            session.run(session.machine.end_of_input())
        case HangUp():
            session.leave()
        case Closed():
            assert session.closed, f"{name}: the server has not closed"


def _pieces(octets: bytes, size: int) -> Iterator[bytes]:
    return (octets[at : at + size] for at in range(0, len(octets), size))


def _acts(steps: list[Step]) -> Iterator[tuple[list[Step], list[Expected]]]:
    """The conversation in acts: all that the client says, then all that it hears for it."""
    sent: list[Step] = []
    expected: list[Expected] = []
    for step in steps:
        if isinstance(step, Expected):
            expected.append(step)
        elif isinstance(step, Sent) and sent and isinstance(sent[-1], Sent):
            sent[-1] = Sent(sent[-1].octets + step.octets)
        elif isinstance(step, Sent):
            sent.append(step)
        else:
            yield sent, expected
            sent, expected = [step], []
    yield sent, expected
