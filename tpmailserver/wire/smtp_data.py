"""From 354 to the answer to the final dot: the part of an SMTP session that takes a message in.

The rule it guards: once the content has begun, nothing is a command until the message has ended in
its own manner (RFC 5321 §4.1.1.4). A client that believes it has ended, and has not, is told so
after two silent seconds: no script hangs without a word.
"""

from abc import abstractmethod

from tpmailserver.model import Delivered

from .contract import Discard, EndMessage, Outcome
from .incoming import IncomingMessage, Verdict
from .replies import Reply, Smtp
from .session import Session
from .speaker import Count

_SILENCE = 2.0
_LISTS_NAMED = 4


class DataPhase(Session):
    """A session that may be in the middle of a message."""

    _message: IncomingMessage | None = None
    _size_limit = 0
    _data_time = 0.0
    _silence_ends: float | None = None

    @abstractmethod
    def _after_message(self) -> None:
        """The message is over, delivered or not: the next one may come."""

    def _begin_content(self) -> None:
        strict = self._strict_line_ends
        self._message = IncomingMessage(self._line_end, self._size_limit, strict=strict)
        self._renew_deadline(self._data_time)
        self._reply(Smtp.DATA)
        self._take_in(self._lines.unread())

    def _take_in(self, octets: bytes) -> None:
        message = self._message
        if message is None:
            super()._take_in(octets)
            return
        self._outputs += message.receive(octets)
        if message.verdict is None:
            waiting = message.has_wrong_dot()
            self._silence_ends = self._clock() + _SILENCE if waiting else None
        else:
            self._message = None
            self._silence_ends = None
            self._lines.receive(message.rest)
            self._on_final_dot(message.verdict)

    def _on_final_dot(self, verdict: Verdict) -> None:
        if verdict is Verdict.WHOLE:
            self._ask(EndMessage(), self._on_end_message)
            return
        self._renew_deadline(self._idle)
        self._outputs.append(Discard())
        if verdict is Verdict.TOO_LARGE:
            self._reply(Smtp.SIZE_TOO_LARGE, limit=self._size_limit)
        else:
            self._reply(Smtp.BARE_LF_MESSAGE)
        self._after_message()

    def _on_end_message(self, outcome: Outcome) -> None:
        if isinstance(outcome, Delivered):
            self._reply(
                _delivered(outcome),
                mailboxes=Count(outcome.mailboxes, "mailbox"),
                lists=_named(outcome.held),
                identity=outcome.identity,
            )
        else:
            self._reply_refusal(outcome)
        self._after_message()

    # Silence, the end of the input, the end of patience.

    def _alarms(self) -> tuple[float | None, ...]:
        return (*super()._alarms(), self._silence_ends)

    def _on_silence(self, now: float) -> None:
        if self._silence_ends is not None and now >= self._silence_ends:
            self._give_up_message()
            self._close()

    def _on_input_end(self) -> None:
        self._give_up_message()

    def _give_up_message(self) -> None:
        """Says why the message under way, if there is one, is not delivered."""
        if self._message is None:
            return
        if self._message.has_bare_lf:
            self._reply(Smtp.BARE_LF_MESSAGE)
        elif self._message.has_wrong_dot():
            names, escapes = self._message.end_in_words()
            self._reply(Smtp.WRONG_DOT, end=names, escapes=escapes)
        else:
            self._reply(Smtp.NOT_ENDED)

    def _say_timeout(self) -> None:
        if self._message is None:
            self._reply(Smtp.TIMEOUT, seconds=f"{self._idle:g}")
        else:
            self._reply(Smtp.DATA_TIMEOUT, seconds=f"{self._data_time:g}")


def _delivered(delivered: Delivered) -> Reply:
    if delivered.held:
        return Smtp.DELIVERED_AND_HELD if delivered.mailboxes else Smtp.HELD
    return Smtp.DELIVERED if delivered.mailboxes else Smtp.TAKEN


def _named(lists: tuple[str, ...]) -> str:
    """Names for a reply: as many as leave room for what follows them."""
    more = ["..."] if len(lists) > _LISTS_NAMED else []
    return ", ".join([*lists[:_LISTS_NAMED], *more])
