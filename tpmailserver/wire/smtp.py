"""The SMTP server's side of a session, as a machine without a network (RFC 5321).

The rule it guards: no step is taken that the session's state does not permit, and a message is
asked about at MAIL, at each RCPT, at DATA and at its final dot, never later. States and the table
of verbs stand in `smtp_verbs`, the message's content in `smtp_data`, what a client asks about in
`smtp_enquiries`; here is one function a verb, in the order of the RFC.
"""

from dataclasses import dataclass

from tpmailserver.model import Address, LoggedIn, Refusal

from . import grammar, replies, sasl, smtp_paths
from .contract import BeginMessage, MayReceive, MaySend, Outcome, Output
from .conversation import Clock
from .grammar import Path
from .hints import NOT_OFFERED, is_farewell
from .replies import Reply, Smtp
from .smtp_data import DataPhase
from .smtp_enquiries import Enquiries
from .smtp_verbs import GREETED, VERBS, State

_BAD = frozenset({"500", "501", "503"})


@dataclass(frozen=True, slots=True)
class SmtpTerms:
    """What a server offers: its name, and its bounds in octets and seconds (0 lifts one)."""

    host: str
    message_size: int = 10 * 1024 * 1024
    recipients: int = 1000
    idle: float = 900
    data: float = 1800
    strict_line_ends: bool = False
    language: str = "en"


class SmtpSession(DataPhase, Enquiries):
    """One SMTP session."""

    def __init__(self, terms: SmtpTerms, clock: Clock) -> None:
        super().__init__(Smtp, VERBS, clock, terms.language)
        self._terms = terms
        self._idle = terms.idle
        self._data_time = terms.data
        self._size_limit = terms.message_size
        self._strict_line_ends = terms.strict_line_ends
        self._state = State.START
        self._helo = ""
        self._extended = False
        self._sender: Address | None = None
        self._protocol = ""
        self._declared_octets = 0
        self._recipients: list[Address] = []

    def refuse(self, refusal: Refusal) -> list[Output]:
        """The connection is not wanted (RFC 5321 §3.1): the reason in place of a greeting."""
        self._send(self._speaker.smtp_unwelcome(refusal))
        self._close()
        return self._taken()

    @property
    def _now(self) -> State:
        return self._state

    def _greet(self) -> None:
        self._reply(Smtp.GREETING, host=self._terms.host)

    def _on_unknown(self, verb: bytes, argument: bytes) -> None:
        shown = verb[:40].decode("ascii", "replace") or "(an empty line)"
        if shown.upper() in NOT_OFFERED:
            self._reply(Smtp.NOT_OFFERED, verb=shown)
        elif self._state is State.AFTER_MESSAGE and not is_farewell(verb):
            self._reply(Smtp.UNKNOWN_AFTER_MESSAGE, verb=shown)
        elif not verb:
            self._reply(Smtp.EMPTY)
        else:
            self._reply(Smtp.UNKNOWN, verb=shown, hint=self._hint(verb, argument))

    def _on_out_of_order(self, verb: str) -> None:
        if self._state is State.START:
            self._reply(Smtp.AUTH_NEEDS_EHLO if verb == "AUTH" else Smtp.HELO_FIRST)
        elif self._state in GREETED:
            self._reply(Smtp.MAIL_FIRST)
        elif verb == "MAIL":
            self._reply(Smtp.MAIL_ALREADY, address=_path_of(self._sender))
        elif verb == "AUTH":
            self._reply(Smtp.AUTH_IN_MAIL)
        elif self._state is State.REFUSED:
            self._reply(Smtp.NO_VALID_RECIPIENTS)
        else:
            self._reply(Smtp.RCPT_FIRST)

    # RFC 5321 §4.1.1.1: HELO and EHLO

    def _on_helo(self, argument: bytes) -> None:
        if self._took_name("HELO", argument):
            self._extended = False
            self._reply(Smtp.HELO, host=self._terms.host, name=self._helo)

    def _on_ehlo(self, argument: bytes) -> None:
        if self._took_name("EHLO", argument):
            self._extended = True
            welcome = self._speaker.text(Smtp.HELO.text, host=self._terms.host, name=self._helo)
            self._reply_lines(Smtp.EXTENSIONS, [welcome, *self._extensions()])

    def _took_name(self, verb: str, argument: bytes) -> bool:
        name = grammar.helo_name(argument.strip(b" \t"))
        if name is None:
            self._reply(Smtp.HELO_NAME, verb=verb)
            return False
        self._helo = name
        self._forget_message()
        return True

    def _extensions(self) -> list[str]:
        return [
            "PIPELINING",  # RFC 2920
            f"SIZE {self._size_limit}",  # RFC 1870; 0 means no fixed maximum
            "8BITMIME",  # RFC 6152
            "SMTPUTF8",  # RFC 6531
            "ENHANCEDSTATUSCODES",  # RFC 2034
            "AUTH " + " ".join(sasl.MECHANISMS),  # RFC 4954
            "EXPN",  # RFC 5321 §3.5.2 asks that it be listed
            "HELP",
        ]

    # AUTH (RFC 4954 §4)

    def _on_auth(self, argument: bytes) -> None:
        argument = argument.strip(b" \t")
        if not self._extended:
            self._reply(Smtp.AUTH_NEEDS_EHLO)
        elif self._login:
            self._reply(Smtp.ALREADY_LOGGED_IN, account=self._login)
        elif not argument:
            self._reply(Smtp.NO_MECHANISM)
        else:
            self._start_exchange(argument)

    def _on_log_in(self, outcome: Outcome) -> None:
        if isinstance(outcome, LoggedIn):
            self._login = outcome.account
            self._reply(Smtp.LOGGED_IN, account=outcome.account)
        else:
            self._reply_failed_login(outcome)

    # §4.1.1.2: MAIL

    def _on_mail(self, argument: bytes) -> None:
        path = self._path("MAIL", argument)
        if path is None:
            return
        limit = self._size_limit
        wrong = smtp_paths.wrong_parameter(path, limit)
        if wrong is not None:
            unknown = smtp_paths.unknown_parameter(path)
            self._reply(wrong, limit=limit, name=unknown, verb="MAIL")
            return
        self._protocol = self._protocol_keyword(path)
        self._declared_octets = smtp_paths.declared_octets(path)
        sender = path.address
        self._ask(MaySend(sender, self._login), lambda answer: self._on_may_send(sender, answer))

    def _on_may_send(self, sender: Address | None, outcome: Outcome) -> None:
        if isinstance(outcome, Refusal):
            self._reply_refusal(outcome)
            return
        self._state = State.ADDRESSED
        self._sender = sender
        self._reply(Smtp.SENDER, address=_path_of(sender))

    def _protocol_keyword(self, path: Path) -> str:
        """The `with` keyword of the Received field (RFC 3848, RFC 6531 §4.3)."""
        base = "ESMTP" if self._extended or self._login else "SMTP"
        if "SMTPUTF8" in path.parameters:
            base = "UTF8SMTP"
        return base + "A" if self._login else base

    # §4.1.1.3: RCPT

    def _on_rcpt(self, argument: bytes) -> None:
        path = self._path("RCPT", argument)
        if path is None:
            return
        limit = self._terms.recipients
        if path.address is None:
            self._reply(Smtp.NULL_RECIPIENT, form=self._form("RCPT"))
        elif path.parameters:
            self._reply(Smtp.UNKNOWN_PARAMETER, name=min(path.parameters), verb="RCPT")
        elif not path.is_ascii and not self._protocol.startswith("UTF8"):
            self._reply(Smtp.NEEDS_SMTPUTF8)
        elif 0 < limit <= len(self._recipients):
            self._reply(Smtp.TOO_MANY_RECIPIENTS, limit=limit)
        else:
            recipient = path.address
            octets = self._declared_octets
            question = MayReceive(recipient, octets, self._sender, self._login)
            self._ask(question, lambda answer: self._on_may_receive(recipient, answer))

    def _on_may_receive(self, recipient: Address, outcome: Outcome) -> None:
        if isinstance(outcome, Refusal):
            if self._state is State.ADDRESSED:
                self._state = State.REFUSED
            self._reply_refusal(outcome)
            return
        self._recipients.append(recipient)
        self._state = State.DIRECTED
        self._reply(Smtp.RECIPIENT, address=_path_of(recipient))

    # §4.1.1.4: DATA

    def _on_data(self, argument: bytes) -> None:
        if self._took_argument("DATA", argument):
            return
        recipients = tuple(self._recipients)
        question = BeginMessage(self._sender, recipients, self._helo, self._protocol, self._login)
        self._ask(question, self._on_begin_message)

    def _on_begin_message(self, outcome: Outcome) -> None:
        if isinstance(outcome, Refusal):
            self._forget_message()
            self._reply_refusal(outcome)
            return
        self._begin_content()

    def _after_message(self) -> None:
        self._forget_message()
        self._state = State.AFTER_MESSAGE

    # §4.1.1.5 to §4.1.1.10: RSET, NOOP, QUIT; VRFY, EXPN and HELP are in `smtp_enquiries`

    def _on_rset(self, argument: bytes) -> None:
        if not self._took_argument("RSET", argument):
            self._forget_message()
            self._reply(Smtp.RESET)

    def _on_noop(self, _argument: bytes) -> None:
        self._reply(Smtp.OK)

    def _on_quit(self, argument: bytes) -> None:
        if not self._took_argument("QUIT", argument):
            self._reply(Smtp.BYE, host=self._terms.host)
            self._close()

    # What the verbs use.

    def _path(self, verb: str, argument: bytes) -> Path | None:
        """The path of MAIL or RCPT; None where a reply has said what is wrong with it."""
        path = smtp_paths.read(verb, argument, self._terms.host)
        if isinstance(path, Path):
            return path
        self._reply(path, **smtp_paths.facts(verb, argument, self._known_address))
        return None

    @property
    def _known_address(self) -> str:
        """This student's own address, as far as the session has heard of it."""
        return str(self._sender or f"{self._login or 'NUMBER'}@{self._terms.host}")

    def _form(self, verb: str) -> str:
        """How a command is written."""
        return VERBS[verb].form.format(address=self._known_address)

    def _forget_message(self) -> None:
        self._state = State.READY if self._helo else State.START
        self._sender = None
        self._recipients = []

    def _on_good_command(self) -> None:
        super()._on_good_command()
        if self._state is State.AFTER_MESSAGE:
            self._state = State.READY

    def _is_bad(self, reply: Reply) -> bool:
        return reply.code in _BAD

    def _fault(self, fault: sasl.Fault) -> Reply:
        return replies.smtp_fault(fault)

    def _refusal(self, refusal: Refusal) -> bytes:
        return self._speaker.smtp_refusal(refusal)


def _path_of(address: Address | None) -> str:
    return f"<{address or ''}>"
