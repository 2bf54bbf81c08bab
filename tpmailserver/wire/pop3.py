"""The POP3 server's side of a session, as a machine without a network (RFC 1939).

The rule it guards: a session sees the maildrop as it was at login, and nothing is removed before
QUIT (§6). States and the table of verbs stand in `pop3_verbs`; here is one function a verb, in the
order of the RFC, then those of RFC 2449 (CAPA) and RFC 5034 (AUTH), then the courtesies.
"""

import re
from dataclasses import dataclass

from tpmailserver.model import MaildropOpened, Message, Refusal, Secret

from . import replies, sasl
from .contract import Fetch, LogIn, Outcome, Stream, Update
from .conversation import Clock
from .hints import NOT_OFFERED, is_near
from .pop3_verbs import VERBS, State
from .replies import Pop3, Reply
from .session import Session
from .speaker import Count

_NUMBER = re.compile(rb"[0-9]+")
_DIGITS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Pop3Terms:
    """What a server offers: its name, its program's name, and its patience in seconds."""

    host: str
    implementation: str
    idle: float = 600
    strict_line_ends: bool = False
    language: str = "en"


class Pop3Session(Session):
    """One POP3 session."""

    def __init__(self, terms: Pop3Terms, clock: Clock) -> None:
        super().__init__(Pop3, VERBS, clock, terms.language)
        self._terms = terms
        self._idle = terms.idle
        self._strict_line_ends = terms.strict_line_ends
        self._state = State.AUTHORIZATION
        self._login = ""
        self._messages: tuple[Message, ...] = ()
        self._deleted: set[int] = set()
        self._read: set[int] = set()
        self._last = self._read_before = 0

    @property
    def marked(self) -> int:
        """How many messages are marked deleted and not yet removed."""
        return len(self._deleted)

    @property
    def _now(self) -> State:
        return self._state

    def _greet(self) -> None:
        # No timestamp in angle brackets: clients would take it for an offer of APOP (§7).
        self._reply(Pop3.GREETING, host=self._terms.host)

    def _on_unknown(self, verb: bytes, argument: bytes) -> None:
        shown = verb[:40].decode("ascii", "replace")
        if not verb:
            self._reply(Pop3.EMPTY)
        elif self._state is State.NAMED and not is_near(verb, VERBS):
            # A password without PASS in front of it is not shown, here as anywhere.
            self._reply(Pop3.PASS_NEXT)
        elif shown.upper() in NOT_OFFERED:
            self._reply(Pop3.NOT_OFFERED, verb=shown)
        else:
            self._reply(Pop3.UNKNOWN, verb=shown, hint=self._hint(verb, argument))

    def _on_out_of_order(self, verb: str) -> None:
        if self._state is State.TRANSACTION:
            self._reply(Pop3.LOGGED_IN, account=self._login)
        else:
            self._reply(Pop3.USER_FIRST if verb == "PASS" else Pop3.LOG_IN_FIRST)

    # RFC 1939 §7: USER and PASS

    def _on_user(self, argument: bytes) -> None:
        login = argument.strip(b" \t")
        # PASS belongs to a successful USER, and a name has no space in it.
        self._state = State.AUTHORIZATION
        if not login or b" " in login.strip(b"<> "):
            self._reply(Pop3.FORM, form=VERBS["USER"].form)
            return
        self._login = login.decode("utf-8", "replace")
        self._state = State.NAMED
        self._reply(Pop3.PASSWORD_WANTED)

    def _on_pass(self, argument: bytes) -> None:
        if not argument:
            self._reply(Pop3.FORM, form=VERBS["PASS"].form)
            return
        self._state = State.AUTHORIZATION
        # The argument is all that follows one space (§7): spaces may belong to the password.
        self._ask(LogIn(self._login, Secret(argument)), self._on_log_in)

    def _on_log_in(self, outcome: Outcome) -> None:
        if not isinstance(outcome, MaildropOpened):
            self._reply_failed_login(outcome)
            return
        self._state = State.TRANSACTION
        self._login = outcome.account
        self._messages = outcome.messages
        self._last = self._read_before = outcome.read_before
        note = ""
        if outcome.abandoned:
            deletions = Count(outcome.abandoned, "deletion")
            note = self._speaker.text(Pop3.ABANDONED, deletions=deletions)
        octets = sum(message.octets for message in self._messages)
        messages = Count(len(self._messages), "message")
        self._reply(
            Pop3.OPENED, account=outcome.account, messages=messages, octets=octets, note=note
        )

    # §5: the TRANSACTION state

    def _on_stat(self, argument: bytes) -> None:
        if self._took_argument("STAT", argument):
            return
        left = self._left()
        octets = sum(message.octets for _, message in left)
        self._reply(Pop3.STAT, messages=len(left), octets=octets)

    def _on_list(self, argument: bytes) -> None:
        if argument.strip(b" \t"):
            number = self._number("LIST", argument)
            if number:
                value = self._messages[number - 1].octets
                self._reply(Pop3.LISTING, number=number, value=value)
            return
        left = self._left()
        octets = sum(message.octets for _, message in left)
        self._reply(Pop3.COUNT, messages=Count(len(left), "message"), octets=octets)
        self._send_lines([f"{number} {message.octets}" for number, message in left])

    def _on_retr(self, argument: bytes) -> None:
        number = self._number("RETR", argument)
        if number:
            octets = self._messages[number - 1].octets
            self._fetch(number, Stream(None), self._speaker.line(Pop3.RETR, octets=octets))

    def _on_dele(self, argument: bytes) -> None:
        number = self._number("DELE", argument)
        if number:
            self._deleted.add(number)
            self._last = max(self._last, number)
            self._reply(Pop3.DELETED, number=number)

    def _on_noop(self, argument: bytes) -> None:
        if not self._took_argument("NOOP", argument):
            self._reply(Pop3.NOTHING_DONE)

    def _on_rset(self, argument: bytes) -> None:
        if self._took_argument("RSET", argument):
            return
        unmarked = Count(len(self._deleted), "message")
        self._deleted.clear()
        self._last = self._read_before
        self._reply(Pop3.UNMARKED, unmarked=unmarked, messages=len(self._messages))

    def _fetch(self, number: int, stream: Stream, reply: bytes) -> None:
        def on_fetched(outcome: Outcome) -> None:
            if isinstance(outcome, Refusal):
                self._reply_refusal(outcome)
                return
            self._bad_commands = 0
            self._send(reply)
            self._outputs.append(stream)
            if stream.body_lines is None:
                self._read.add(number)
                self._last = max(self._last, number)

        self._ask(Fetch(self._messages[number - 1]), on_fetched)

    # §6: the UPDATE state

    def _on_quit(self, argument: bytes) -> None:
        if self._took_argument("QUIT", argument):
            return
        if self._state is not State.TRANSACTION:
            self._reply(Pop3.BYE, host=self._terms.host)
            self._close()
            return
        deleted = self._numbered(self._deleted)
        read = self._numbered(self._read - self._deleted)
        self._ask(Update(deleted, read), self._on_updated)

    def _on_updated(self, outcome: Outcome) -> None:
        if isinstance(outcome, Refusal):
            self._reply_refusal(outcome)
        else:
            self._reply(Pop3.REMOVED, removed=Count(len(self._deleted), "message"))
        self._close()

    # §7: TOP and UIDL

    def _on_top(self, argument: bytes) -> None:
        first, _, lines = argument.strip(b" \t").partition(b" ")
        lines = lines.strip(b" \t")
        if not _NUMBER.fullmatch(lines):
            self._reply(Pop3.FORM, form=VERBS["TOP"].form)
            return
        number = self._number("TOP", first)
        if number:
            body_lines = int(lines)
            reply = self._speaker.line(Pop3.TOP, lines=Count(body_lines, "line"))
            self._fetch(number, Stream(body_lines), reply)

    def _on_uidl(self, argument: bytes) -> None:
        if argument.strip(b" \t"):
            number = self._number("UIDL", argument)
            if number:
                value = self._messages[number - 1].uidl
                self._reply(Pop3.LISTING, number=number, value=value)
            return
        self._reply(Pop3.UIDLS)
        self._send_lines([f"{number} {message.uidl}" for number, message in self._left()])

    # RFC 2449: CAPA; RFC 5034: AUTH

    def _on_capa(self, argument: bytes) -> None:
        if self._took_argument("CAPA", argument):
            return
        self._reply(Pop3.CAPABILITIES)
        self._send_lines(
            [
                "TOP",
                "UIDL",
                "USER",
                "SASL " + " ".join(sasl.MECHANISMS),
                "RESP-CODES",
                "AUTH-RESP-CODE",  # RFC 3206
                "PIPELINING",
                "EXPIRE NEVER",
                "LOGIN-DELAY 0",
                f"IMPLEMENTATION {self._terms.implementation}",
            ]
        )

    def _on_auth(self, argument: bytes) -> None:
        if argument.strip(b" \t"):
            # PASS may only follow USER (§7), and this is another login.
            self._state = State.AUTHORIZATION
            self._start_exchange(argument.strip(b" \t"))
            return
        # No RFC has AUTH alone, but older clients ask so and expect a list.
        self._reply(Pop3.MECHANISMS)
        self._send_lines(list(sasl.MECHANISMS))

    # Courtesies: LAST (RFC 1460 §6) and HELP

    def _on_last(self, argument: bytes) -> None:
        if not self._took_argument("LAST", argument):
            self._reply(Pop3.LAST, number=self._last)

    def _on_help(self, argument: bytes) -> None:
        topic = argument.strip(b" \t").decode("ascii", "replace").upper()
        names = [name for name, verb in VERBS.items() if self._state in verb.states]
        if topic and topic not in VERBS:
            self._reply(Pop3.NO_HELP, name=topic[:40])
            return
        self._reply(Pop3.HELP)
        self._send_lines(
            [self._help(name, VERBS[name].form) for name in ([topic] if topic else names)]
        )

    # Time runs out: RFC 1939 §3 wants no word then, and no UPDATE.

    def _say_timeout(self) -> None:
        """Says nothing."""

    # What the verbs use.

    def _left(self) -> list[tuple[int, Message]]:
        """The messages that are not marked deleted, with their numbers."""
        numbered = enumerate(self._messages, 1)
        if not self._deleted:
            return list(numbered)
        return [(number, each) for number, each in numbered if number not in self._deleted]

    def _numbered(self, numbers: set[int]) -> tuple[Message, ...]:
        return tuple(self._messages[number - 1] for number in sorted(numbers))

    def _number(self, verb: str, argument: bytes) -> int:
        """The message number in an argument; 0 where a reply has said what is wrong with it."""
        digits = argument.strip(b" \t")
        if not _NUMBER.fullmatch(digits):
            self._reply(Pop3.FORM, form=VERBS[verb].form)
            return 0
        number = int(digits)
        if not 1 <= number <= len(self._messages):
            shown = digits[:_DIGITS_SHOWN].decode() + "..." * (len(digits) > _DIGITS_SHOWN)
            self._reply(Pop3.NO_SUCH_MESSAGE, number=shown, messages=len(self._messages))
            return 0
        if number in self._deleted:
            self._reply(Pop3.IS_DELETED, number=number)
            return 0
        return number

    def _send_lines(self, texts: list[str]) -> None:
        """The lines of a multi-line response and its final dot (§3)."""
        self._send("".join(f"{text}\r\n" for text in texts).encode("ascii") + b".\r\n")

    def _is_bad(self, reply: Reply) -> bool:
        return reply.code == "-ERR" and reply not in (Pop3.NO_SUCH_MESSAGE, Pop3.IS_DELETED)

    def _fault(self, fault: sasl.Fault) -> Reply:
        return replies.pop3_fault(fault)

    def _refusal(self, refusal: Refusal) -> bytes:
        return self._speaker.pop3_refusal(refusal)
