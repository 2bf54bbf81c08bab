"""What is fuzzed: functions that take any octets, and fail where a promise of the wire is broken.

The rule they guard: whatever comes, and however policy answers, there is no exception; what is said
is whole lines of printable ASCII; nothing that could be a line end gets into a question; and the
network cuts where it likes without changing anything.

For the two machines the first octet says how many of the octets that follow are policy's answers;
what a client sends comes after them.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace

from tpmailserver.delivery.header import Header, words
from tpmailserver.model import (
    Accepted,
    Address,
    Delivered,
    Known,
    LoggedIn,
    MaildropOpened,
    Message,
    Reason,
    Refusal,
)
from tpmailserver.settings import Settings
from tpmailserver.store.names import as_read, describe
from tpmailserver.tap import pop3_terms, smtp_terms
from tpmailserver.wire import contract as wire
from tpmailserver.wire import grammar
from tpmailserver.wire.content import IncomingContent
from tpmailserver.wire.lines import LineEnd
from tpmailserver.wire.outgoing import OutgoingContent
from tpmailserver.wire.pop3 import Pop3Session
from tpmailserver.wire.smtp import SmtpSession

from ..garbage import TIMING_ANSWER

MESSAGES = (b"Subject: one\n\n.\n..dots\nend", b"", b"Subject: two\n\nx\n")
LISTED = tuple(
    Message(f"new/{number}.x,S=1,W=1", f"{number}.x", len(content), len(content))
    for number, content in enumerate(MESSAGES)
)
ENGLISH, FRENCH = Settings(maildrop="shared"), Settings(language="fr", line_ends="strict")
_REASONS = tuple(Reason)
_FACTS = ("fact", "members", "2", "3")
# A tab is a blank: what stands in a name of VRFY is nobody's rule (RFC 5321 §3.5.1).
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def smtp(octets: bytes) -> None:
    """Any client and any policy of SMTP."""
    _converse("smtp", octets)


def pop3(octets: bytes) -> None:
    """Any client and any policy of POP3."""
    _converse("pop3", octets)


def names(octets: bytes) -> None:
    """Any name of a file in a Maildir: a unique-id that RFC 1939 allows, whatever its flags."""
    file = os.fsdecode(octets.replace(b"\0", b"").replace(b"/", b""))
    described = describe(file)
    assert re.fullmatch("[!-~]{1,70}", described.uidl), described
    assert describe(as_read(file)) == described


def header(octets: bytes) -> None:
    """Any header of a message: it is read without a word."""
    found = Header(octets)
    assert found.hops >= 0
    assert found.is_automatic in (True, False)
    assert all(not re.search(r"\s", each) for each in found.list_ids), found.list_ids
    words(found.first("Subject"))


def paths(octets: bytes) -> None:
    """Any argument of MAIL, RCPT, VRFY and HELO; an address is the same when it is read again."""
    for domain in ("here.example", "x"):
        path = grammar.path(octets, domain)
        if isinstance(path, grammar.Path) and path.address is not None:
            _check_words(path.address)
            again = grammar.path(f"<{path.address}>".encode(), domain)
            # Quotes that the local part did not need are gone, so only its length may differ.
            assert again == replace(path, parameters={}), (path, again)
    grammar.name(octets)
    said = grammar.helo_name(octets)
    assert said is None or re.fullmatch(r"[!-~]+", said), said


def content(octets: bytes) -> None:
    """Any content: cut anywhere it is the same, and what follows its end is not touched."""
    ends = (LineEnd.CRLF, LineEnd.LF)
    choice, octets = octets[:1] or b"\0", octets[1:]
    end, strict = ends[choice[0] & 1], bool(choice[0] & 2)
    whole = _taken_in([octets], end, strict)
    for size in (1, 2 + choice[0] % 30):
        assert _taken_in(_pieces(octets, size), end, strict) == whole, size
    stored, rest, ended, _ = whole
    if ended:
        assert octets.endswith(rest)
    for lines in (None, 0, choice[0] % 7):
        said = _sent_out([stored], lines)
        for size in (1, 2 + choice[0] % 30):
            assert _sent_out(_pieces(stored, size), lines) == said, size
        assert said.endswith(b".\r\n")
        assert b"\r\n.\r\n" not in said[:-1], said
    undone = re.sub(rb"(?m)^\.", b"", _sent_out([stored], None).removesuffix(b".\r\n"))
    unended = b"\r\n" if stored and not stored.endswith(b"\n") else b""
    assert undone == stored.replace(b"\n", b"\r\n") + unended


TARGETS = {each.__name__: each for each in (smtp, pop3, names, header, paths, content)}


# One conversation, three times.


def _converse(protocol: str, octets: bytes) -> None:
    count = octets[0] if octets else 0
    decisions, octets = octets[1 : 1 + count], octets[1 + count :]
    whole = _Talk(protocol, decisions).hears([octets])
    cut = count % 29 + 2
    assert _Talk(protocol, decisions).hears(_pieces(octets, cut)) == whole, f"cut by {cut}"
    assert _Talk(protocol, decisions).hears(_pieces(octets, 1)) == whole, "cut by 1"


class _Talk:
    """A machine whose policy answers by octets: 0 is yes, any other a reason to refuse."""

    def __init__(self, protocol: str, decisions: bytes) -> None:
        self._protocol = protocol
        self._decisions = iter(decisions)
        settings = FRENCH if decisions[:1] >= b"\x80" else ENGLISH
        clock = float
        if protocol == "smtp":
            self.machine = SmtpSession(smtp_terms(settings), clock)
        else:
            self.machine = Pop3Session(pop3_terms(settings), clock)
        self._said: list[bytes] = []
        self._streamed: list[bytes] = []
        self._content: list[bytes] = []
        self._questions: list[wire.Question] = []
        self._fetched = b""

    def hears(self, pieces: Iterator[bytes] | list[bytes]) -> tuple[object, ...]:
        """What a client says, to its end; all that came of it."""
        self._run(self.machine.begin())
        for piece in pieces:
            self._run(self.machine.receive(piece))
        self._run(self.machine.end_of_input())
        assert self.machine.is_over
        assert self.machine.wake_at is None
        said = b"".join(self._said).replace(TIMING_ANSWER, b"")
        self._check(said)
        return said, b"".join(self._content), self._questions, self._streamed

    def _run(self, outputs: list[wire.Output]) -> None:
        while outputs:
            for output in outputs:
                match output:
                    case wire.Send(octets):
                        self._said.append(octets)
                    case wire.Content(octets):
                        self._content.append(octets)
                    case wire.Discard():
                        self._content.append(b"(discarded)")
                    case wire.Stream(lines):
                        self._streamed.append(_sent_out([self._fetched], lines))
            last = outputs[-1]
            outputs = []
            if isinstance(last, wire.Ask):
                outputs = self.machine.answer(self._answer(last.question))

    def _answer(self, question: wire.Question) -> wire.Outcome:
        if isinstance(question, wire.Pause):
            return Accepted()
        self._questions.append(question)
        _check_words(question)
        decision = next(self._decisions, 0)
        if decision:
            return Refusal(_REASONS[decision % len(_REASONS)], _FACTS)
        match question:
            case wire.LogIn() if self._protocol == "smtp":
                return LoggedIn("22000001")
            case wire.LogIn():
                return MaildropOpened("22000001", LISTED, 1, 1)
            case wire.Verify() | wire.Expand():
                return Known((Address("22000001", "here"), Address("22 000002", "here")))
            case wire.EndMessage():
                return Delivered(len(self._questions), "1.x")
            case wire.Fetch(message):
                self._fetched = MESSAGES[LISTED.index(message)]
        return Accepted()

    def _check(self, said: bytes) -> None:
        lines = said.split(b"\r\n")
        assert lines.pop() == b"", said
        for line in lines:
            assert re.fullmatch(rb"[ -~]{0,510}", line), line
            if self._protocol == "smtp":
                assert re.match(rb"[2-5]\d\d[ -]", line), line


def _check_words(value: object) -> None:
    """No word of a question could end a line of a header, or is half of a character."""
    if isinstance(value, str):
        assert not _CONTROL.search(value), repr(value)
        value.encode("utf-8")
    elif isinstance(value, tuple):
        for each in value:
            _check_words(each)
    elif is_dataclass(value):
        for field in fields(value):
            _check_words(getattr(value, field.name))


def _taken_in(
    octets: Iterator[bytes] | list[bytes], end: LineEnd, strict: bool
) -> tuple[bytes, bytes, bool, bool]:
    incoming = IncomingContent(end, strict=strict)
    found, rest = b"", b""
    for piece in octets:
        if incoming.ended:
            rest += piece
        else:
            found += incoming.receive(piece)
    return found, incoming.rest + rest, incoming.ended, incoming.bare_lf


def _sent_out(pieces: Iterator[bytes] | list[bytes], lines: int | None) -> bytes:
    outgoing = OutgoingContent(lines)
    said = b""
    for piece in pieces:
        said += outgoing.send(piece)
        if outgoing.is_complete:
            break
    return said + outgoing.end()


def _pieces(octets: bytes, size: int) -> Iterator[bytes]:
    return (octets[at : at + size] for at in range(0, len(octets), size))
