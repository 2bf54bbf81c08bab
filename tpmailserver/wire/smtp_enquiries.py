"""What a client may ask an SMTP server about: names, lists and its commands (RFC 5321 §3.5).

The rule it guards: who asks learns what the site's policy tells, and 252 is no error but the honest
answer of a site that does not tell (§7.3). A list may have every student of a university on it: its
members are said a piece at a time, each when the client has read the last.
"""

from abc import abstractmethod
from collections.abc import Iterable

from tpmailserver.model import Known, Refusal

from . import grammar
from .contract import Expand, Outcome, Verify
from .grammar import Flaw
from .refusals import REFUSALS
from .replies import FLAWS, Reply, Smtp
from .session import Session
from .smtp_verbs import VERBS, State
from .speaker import lines


class Enquiries(Session):
    """A session that answers VRFY, EXPN and HELP."""

    _login = ""

    @property
    @abstractmethod
    def _now(self) -> State: ...

    @abstractmethod
    def _form(self, verb: str) -> str:
        """How a command is written."""

    # RFC 5321 §4.1.1.6 and §4.1.1.7: VRFY and EXPN

    def _on_vrfy(self, argument: bytes) -> None:
        name = self._name("VRFY", argument)
        if name:
            self._ask(Verify(name, self._login), self._on_known)

    def _on_expn(self, argument: bytes) -> None:
        name = self._name("EXPN", argument)
        if name:
            self._ask(Expand(name, self._login), self._on_known)

    def _name(self, verb: str, argument: bytes) -> str:
        """The name that is asked about; "" where a reply has said what is wrong with it."""
        name = grammar.name(argument)
        if isinstance(name, Flaw):
            self._reply(FLAWS[name])
            return ""
        if not name:
            self._reply(Smtp.FORM, form=self._form(verb))
        return name

    def _on_known(self, outcome: Outcome) -> None:
        if isinstance(outcome, Known):
            texts = (
                self._speaker.text(Smtp.MAILBOX.text, address=each) for each in outcome.addresses
            )
            self._reply_lines(Smtp.MAILBOX, texts)
            return
        self._reply_refusal(outcome)
        if isinstance(outcome, Refusal) and REFUSALS[outcome.reason].code == "252":
            self._on_good_command()

    # §4.1.1.8: HELP

    def _on_help(self, argument: bytes) -> None:
        words = argument.decode("ascii", "replace").upper().split()
        topic = words[0] if words else ""
        names = [name for name, verb in VERBS.items() if self._now in verb.states]
        if topic and topic not in VERBS:
            self._reply(Smtp.NO_HELP, name=topic[:40])
        else:
            self._reply_lines(
                Smtp.HELP,
                [self._help(name, self._form(name)) for name in ([topic] if topic else names)],
            )

    def _reply_lines(self, reply: Reply, texts: Iterable[str]) -> None:
        self._on_good_command()
        self._send_pieces(lines(reply, texts))
