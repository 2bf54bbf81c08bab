"""Mails that the server itself writes: few, plain, and never an answer to a mail.

The rule it guards: a letter of the server's comes by the way that every mail takes on disk, stamped
and in `new/`, and shows by its `Received:` field that no client brought it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import format_datetime

from tpmailserver.model import Address, Client, Envelope
from tpmailserver.store.maildir import Mailboxes
from tpmailserver.store.namespace import POSTMASTER
from tpmailserver.store.spool import Spool

from .stamps import Stamps

# RFC 3834 §5: a program wrote this of itself. Lists send no such mail on and nobody answers it.
AUTOMATIC = ("Auto-Submitted: auto-generated",)


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail from the postmaster to one account; `fields` are further lines of its header.

    `sender` is the envelope's, None for the null path: then nothing comes back.
    """

    sender: Address | None
    recipient: Address
    subject: str
    text: str
    fields: Sequence[str] = ()


class Letters:
    """Writes letters into mailboxes."""

    def __init__(
        self, domain: str, mailboxes: Mailboxes, spool: Spool, clock: Callable[[], float]
    ) -> None:
        self._domain = domain
        self._mailboxes = mailboxes
        self._spool = spool
        self._clock = clock

    def deliver(self, letter: Letter, mailbox: str) -> None:
        """Puts a letter into a mailbox; writes files."""
        envelope = Envelope(
            letter.sender, (letter.recipient,), Client(None, session="tpmail"), "tpmail", "local"
        )
        draft = self._spool.draft(Stamps(envelope, self._domain, self._clock).direct())
        draft.write(self._header(letter, draft.identity))
        draft.write(b"\n" + letter.text.encode())
        self._mailboxes.deliver(draft, (mailbox,))

    def _header(self, letter: Letter, identity: str) -> bytes:
        # RFC 2047 for accents in the subject; RFC 2045 for those of the text.
        plain = letter.subject.isascii()
        subject = letter.subject if plain else Header(letter.subject, "utf-8").encode()
        lines = (
            f"From: {POSTMASTER}@{self._domain}",
            f"To: {letter.recipient}",
            f"Subject: {subject}",
            f"Date: {format_datetime(datetime.fromtimestamp(self._clock()).astimezone())}",
            f"Message-ID: <{identity}@{self._domain}>",
            *letter.fields,
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: 8bit",
        )
        return "".join(line + "\n" for line in lines).encode()
