"""What an SMTP and a POP3 session have in common: lines, verbs, bad commands, AUTH.

The rule it guards: exactly one reply for every command line, whatever stands in it, and a verb is
carried out only in a state that its protocol's table permits. A subclass has one method a verb,
`_on_helo` for HELO, and these methods only ever see a line that is well made.
"""

import re
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from tpmailserver.model import Reason, Refusal

from . import sasl
from .contract import LogIn, Outcome
from .conversation import Clock, Conversation
from .hints import hint, is_http
from .lines import Line, LineEnd
from .replies import Reply
from .speaker import Speaker

_COMMAND_AT_MOST = 512
_VERB = re.compile(rb"[ \t]*([^ \t]*)[ \t]?(.*)", re.DOTALL)
_BAD_COMMANDS_AT_MOST = 50
_FAILED_LOGINS_AT_MOST = 10
# How the code of a positive reply begins (RFC 5321 §4.2.1, RFC 1939 §3); any other refuses.
_POSITIVE = ("2", "3", "+")
# RFC 5321 §3.8: whoever says 421 closes.
_FAREWELLS = frozenset({Reason.STOPPING, Reason.EXPELLED, Reason.FROZEN})


@dataclass(frozen=True, slots=True)
class Verb:
    """A command: when it may come, what it looks like, what it is for, its longest line."""

    states: frozenset[Enum]
    form: str
    purpose: str
    octets: int = _COMMAND_AT_MOST


class Catalogue(Protocol):
    """The replies that both protocols have under the same name."""

    TOO_LONG: Reply
    CONTROL: Reply
    BARE_LF: Reply
    BARE_CR: Reply
    NO_TLS: Reply
    NO_ARGUMENT: Reply
    CHALLENGE: Reply
    UNKNOWN_MECHANISM: Reply
    TOO_MANY_LOGINS: Reply
    TOO_MANY_BAD_COMMANDS: Reply


class Session(Conversation):
    """One session of a protocol with verbs."""

    def __init__(
        self, says: Catalogue, verbs: Mapping[str, Verb], clock: Clock, language: str
    ) -> None:
        super().__init__(clock)
        self._speaker = Speaker(language)
        self._says = says
        self._verbs = verbs
        self._strict_line_ends = False
        self._line_end = LineEnd.CRLF
        self._bad_commands = 0
        self._failed_logins = 0
        self._exchange: sasl.Exchange | None = None

    @property
    def state(self) -> Enum:
        """Where the session is, in the words of its protocol's table of verbs."""
        return self._now

    # What a protocol fills in.

    @property
    @abstractmethod
    def _now(self) -> Enum:
        """The session's state, as the table of verbs knows it."""

    @abstractmethod
    def _on_unknown(self, verb: bytes, argument: bytes) -> None: ...

    @abstractmethod
    def _on_out_of_order(self, verb: str) -> None: ...

    @abstractmethod
    def _on_log_in(self, outcome: Outcome) -> None: ...

    @abstractmethod
    def _is_bad(self, reply: Reply) -> bool:
        """Whether a reply says that the command itself was wrong."""

    @abstractmethod
    def _fault(self, fault: sasl.Fault) -> Reply: ...

    @abstractmethod
    def _refusal(self, refusal: Refusal) -> bytes: ...

    # Lines and their verbs.

    def _on_line(self, line: Line) -> None:
        if self._exchange is not None:
            self._on_sasl_response(line)
            return
        verb, argument = _split(line.text)
        name = verb.decode("ascii", "replace").upper()
        known = self._verbs.get(name)
        limit = known.octets if known else _COMMAND_AT_MOST
        if line.overlong or line.length > limit:
            self._reply(self._says.TOO_LONG, limit=limit)
        elif control := line.control_character():
            self._reply(self._says.CONTROL, name=control)
        elif self._strict_line_ends and line.end is LineEnd.LF:
            self._reply(self._says.BARE_LF)
        elif known is None:
            self._on_unknown(verb, argument.strip(b" "))
            if is_http(verb, argument):
                # What follows is not a person's: a web page can make a browser send mail so.
                self._close()
        elif self._now not in known.states:
            self._on_out_of_order(name)
        else:
            self._line_end = line.end
            handle: Callable[[bytes], None] = getattr(self, f"_on_{name.lower()}")
            handle(argument)

    def _hint(self, verb: bytes, argument: bytes) -> str:
        text, meant = hint(verb, argument, self._verbs)
        return self._speaker.text(text, meant=meant)

    def _help(self, name: str, form: str) -> str:
        """The line of HELP for a verb."""
        return f"{form} - {self._speaker.text(self._verbs[name].purpose)}"

    def _took_argument(self, verb: str, argument: bytes) -> bool:
        """Says so where a verb that takes no argument has one."""
        found = bool(argument.strip(b" \t"))
        if found:
            self._reply(self._says.NO_ARGUMENT, verb=verb)
        return found

    # Replies, and the count of bad commands.

    def _reply(self, reply: Reply, **facts: object) -> None:
        if self._is_bad(reply):
            self._bad_commands += 1
        elif reply.code.startswith(_POSITIVE):
            self._on_good_command()
        if self._bad_commands < _BAD_COMMANDS_AT_MOST:
            self._send(self._speaker.line(reply, **facts))
        else:
            count = self._bad_commands
            self._send(self._speaker.line(self._says.TOO_MANY_BAD_COMMANDS, count=count))
            self._close()

    def _on_good_command(self) -> None:
        self._bad_commands = 0

    def _reply_refusal(self, outcome: Outcome) -> None:
        """Says why policy refused; this is never a bad command."""
        assert isinstance(outcome, Refusal), outcome
        self._send(self._refusal(outcome))
        if outcome.reason in _FAREWELLS:
            self._close()

    def _say_bare_cr(self) -> None:
        self._exchange = None
        self._reply(self._says.BARE_CR)

    def _say_no_tls(self) -> None:
        self._reply(self._says.NO_TLS)

    def _say_interrupted(self, refusal: Refusal) -> None:
        self._send(self._refusal(refusal))

    # AUTH (RFC 4954, RFC 5034).

    def _start_exchange(self, argument: bytes) -> None:
        mechanism, _, initial = argument.partition(b" ")
        started = sasl.start(mechanism.decode("ascii", "replace"), initial.strip(b" ") or None)
        if started is None:
            # What stands there may be a password in base64: it is not shown.
            self._reply(self._says.UNKNOWN_MECHANISM)
        else:
            self._exchange, step = started
            self._on_sasl_step(step)

    def _on_sasl_response(self, line: Line) -> None:
        assert self._exchange is not None
        if line.overlong:
            self._on_sasl_step(sasl.Fault.TOO_LONG)
        elif self._strict_line_ends and line.end is LineEnd.LF:
            self._exchange = None
            self._reply(self._says.BARE_LF)
        else:
            self._on_sasl_step(self._exchange.respond(line.text.strip(b" ")))

    def _on_sasl_step(self, step: sasl.Step) -> None:
        if isinstance(step, sasl.Challenge):
            self._reply(self._says.CHALLENGE, challenge=sasl.encoded(step))
            return
        self._exchange = None
        if isinstance(step, sasl.Fault):
            self._reply(self._fault(step))
        else:
            self._ask(LogIn(step.login, step.password), self._on_log_in)

    def _reply_failed_login(self, outcome: Outcome) -> None:
        """Says why a login failed, and closes at the tenth wrong password."""
        assert isinstance(outcome, Refusal), outcome
        self._failed_logins += outcome.reason is Reason.BAD_LOGIN
        if self._failed_logins >= _FAILED_LOGINS_AT_MOST:
            self._reply(self._says.TOO_MANY_LOGINS, count=self._failed_logins)
            self._close()
        else:
            self._reply_refusal(outcome)


def _split(text: bytes) -> tuple[bytes, bytes]:
    """A verb and its argument, which starts behind one space or tab and keeps its own spaces."""
    found = _VERB.match(text)
    assert found is not None, "the pattern matches anything"
    return found[1], found[2]
