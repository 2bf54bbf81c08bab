"""The base of every protocol machine: octets in, lines out of them, one question at a time.

The rule it guards: while a question waits for its answer nothing moves. Whole lines are answered
in order; when the client closes its half, they still are, and then the connection closes. A client
that sends a thousand commands at once is answered some at a time: what it does not read is not
said yet, and nobody else waits for it.

A machine has no clock of its own: it is given one, and says by `wake_at` when it wants to be woken.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

from tpmailserver.model import Refusal

from .contract import Ask, Close, Outcome, Output, Pause, Question, Send
from .lines import CommandLines, Line

Clock = Callable[[], float]

_BARE_CR_PATIENCE = 5.0
_LINES_AT_ONCE = 100
_OCTETS_AT_ONCE = 64 * 1024


class Conversation(ABC):
    """One session's machine: what SMTP and POP3 have in common."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._idle = 0.0
        self._lines = CommandLines()
        self._outputs: list[Output] = []
        self._on_answer: Callable[[Outcome], None] | None = None
        self._closed = False
        self._input_ended = False
        self._deadline: float | None = None
        self._bare_cr_at: float | None = None
        self._lines_at_once = 0
        self._octets_at_once = 0

    # What the carrier of the octets calls.

    def begin(self) -> list[Output]:
        """The connection is made: the greeting."""
        self._renew_deadline(self._idle)
        self._greet()
        return self._taken()

    def refuse(self, refusal: Refusal) -> list[Output]:
        """The connection is not wanted: the reason instead of a greeting, and the close."""
        return self.interrupt(refusal)

    def receive(self, octets: bytes) -> list[Output]:
        """Takes octets in from the client; what comes after the close is not read."""
        if self._closed:
            return []
        self._take_in(octets)
        self._advance()
        return self._taken()

    def answer(self, outcome: Outcome) -> list[Output]:
        """Takes the answer to the question that was asked last."""
        on_answer, self._on_answer = self._on_answer, None
        if on_answer is None:
            return []
        self._renew_deadline(self._idle)
        on_answer(outcome)
        self._advance()
        return self._taken()

    def end_of_input(self) -> list[Output]:
        """The client has closed its half: whole lines are still answered, then the close."""
        self._input_ended = True
        self._advance()
        return self._taken()

    def interrupt(self, refusal: Refusal) -> list[Output]:
        """The server ends the session: one line that says why, and the close."""
        if not self._closed:
            self._on_answer = None
            self._say_interrupted(refusal)
            self._close()
        return self._taken()

    def apologise(self, refusal: Refusal) -> list[Output]:
        """A bug has struck: says so in place of the reply that will not come, and goes on."""
        self._on_answer = None
        if not self._closed:
            self._say_interrupted(refusal)
        return self._taken()

    def abandon(self) -> None:
        """The session is over, without a word: nothing that was said counts any more."""
        self._closed = True
        self._on_answer = None
        self._outputs.clear()

    @property
    def is_over(self) -> bool:
        """Whether the session has ended, and no question needs an answer any more."""
        return self._closed

    @property
    def patience(self) -> float:
        """How long a client may leave unread what it was sent, in seconds; 0 is for ever."""
        return self._idle

    @property
    def wake_at(self) -> float | None:
        """When `wake` is wanted, on the given clock; None while a question waits."""
        if self._closed or self._on_answer is not None:
            return None
        return min((at for at in self._alarms() if at is not None), default=None)

    def wake(self, now: float) -> list[Output]:
        """Time has passed: says what silence asks for."""
        if self._closed or self._on_answer is not None:
            return []
        if self._deadline is not None and now >= self._deadline:
            self._say_timeout()
            self._close()
        elif self._bare_cr_at is not None and now >= self._bare_cr_at:
            self._lines.unread()
            self._bare_cr_at = None
            self._say_bare_cr()
        else:
            self._on_silence(now)
        return self._taken()

    # What SMTP and POP3 fill in.

    @abstractmethod
    def _greet(self) -> None: ...

    @abstractmethod
    def _on_line(self, line: Line) -> None: ...

    @abstractmethod
    def _say_timeout(self) -> None: ...

    @abstractmethod
    def _say_bare_cr(self) -> None: ...

    @abstractmethod
    def _say_no_tls(self) -> None: ...

    @abstractmethod
    def _say_interrupted(self, refusal: Refusal) -> None: ...

    def _on_silence(self, now: float) -> None:  # noqa: B027 - nothing to do is the usual case
        """A moment of one's own in `_alarms` has come."""

    def _on_input_end(self) -> None:  # noqa: B027 - nothing to do is the usual case
        """Every whole line has been answered and no more will come."""

    def _alarms(self) -> tuple[float | None, ...]:
        return (self._deadline, self._bare_cr_at)

    # What they use.

    def _take_in(self, octets: bytes) -> None:
        self._lines.receive(octets)

    def _advance(self) -> None:
        """Answers every whole line, until a question comes up or nothing is left."""
        while self._may_go_on():
            if self._is_time_to_pause():
                self._pause()
                break
            if self._lines.begin_tls():
                # It waits for a TLS record that never comes: Thunderbird's search for the right
                # settings stands still for ten seconds, unless the connection closes.
                self._say_no_tls()
                self._close()
                break
            marks = self._lines.timing_marks()
            if marks:
                self._send(marks)
            line = self._lines.next_line()
            if line is None:
                self._lines_at_once = self._octets_at_once = 0
                break
            self._lines_at_once += 1
            self._renew_deadline(self._idle)
            self._on_line(line)
        self._watch_for_bare_cr()
        if self._input_ended and self._may_go_on():
            self._on_input_end()
            self._close()

    def _may_go_on(self) -> bool:
        return not self._closed and self._on_answer is None

    def _pause(self) -> None:
        """Lets others have their turn; the client's time is not renewed by it."""
        deadline = self._deadline

        def go_on(_outcome: Outcome) -> None:
            self._deadline = deadline

        self._ask(Pause(), go_on)

    def _is_time_to_pause(self) -> bool:
        much = self._lines_at_once >= _LINES_AT_ONCE or self._octets_at_once >= _OCTETS_AT_ONCE
        if much:
            self._lines_at_once = self._octets_at_once = 0
        return much

    def _watch_for_bare_cr(self) -> None:
        waiting = self._may_go_on() and self._lines.ends_in_bare_cr()
        self._bare_cr_at = self._clock() + _BARE_CR_PATIENCE if waiting else None

    def _renew_deadline(self, seconds: float) -> None:
        self._deadline = self._clock() + seconds if seconds else None

    def _send(self, octets: bytes) -> None:
        self._octets_at_once += len(octets)
        self._outputs.append(Send(octets))

    def _send_pieces(self, pieces: Iterator[bytes]) -> None:
        """Sends what may be long: no more of it is made than the client reads."""

        def go_on(outcome: Outcome) -> None:
            if not isinstance(outcome, Refusal):
                self._send_pieces(pieces)

        for piece in pieces:
            self._send(piece)
            if self._octets_at_once >= _OCTETS_AT_ONCE:
                self._octets_at_once = 0
                self._ask(Pause(), go_on)
                break

    def _ask(self, question: Question, on_answer: Callable[[Outcome], None]) -> None:
        self._on_answer = on_answer
        self._outputs.append(Ask(question))

    def _close(self) -> None:
        if not self._closed:
            self._closed = True
            self._outputs.append(Close())

    def _taken(self) -> list[Output]:
        outputs, self._outputs = self._outputs, []
        return outputs
