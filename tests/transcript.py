r"""Reads a conversation: `C:` what the client sends, `S:` what the server must say.

    # A comment.
    @ pop3                    which protocol (first line of a conversation)
    C: USER 22000001          a line of the client; it ends in CRLF, or as `@ ends` says
    S: +OK *                  a line of the server; each `*` stands for any text within it
    S: 250-...                a whole reply of several lines, whatever they say
    C: a raw \* octet         in C: and S: lines, `\x07`, `\r`, `\n`, `\0`, `\\` and `\*`
    C: NOOP \{506 x}          506 times x

Stage directions:

    @ ends LF                 from here the client ends its lines so: CRLF, LF, CR, or escapes
    @ send USER 2200\x08      octets without a line end
    @ receive \xff\xfc\x06    octets of the server that are no line
    @ wait 2                  the client is silent for so many seconds
    @ half-close              the client closes its half
    @ hang up                 the client is gone: its connection is closed, whatever is unread
    @ closed                  the server has closed the connection, and nothing more has come
    @ setting line_ends strict   a setting of the site; limits too (`@ setting budget 2`)
    @ account liste-b         an account beside those that are always there
    @ list friends 22000001 td1  a list and its members, who stand already; a second line adds some
    @ list-owner friends 22000001
    @ list-post friends members   who may write to it: everyone, members, owner
    @ list-suspended friends loop: a -> b -> a   it is suspended, and why
    @ list-hook friends tests.expanders:Holds    what expands it, in the place of its members
    @ mail 22000001 Subject: a\n\nbody\n   a message that lies in a mailbox before it begins
    @ over tcp only           what the machine alone cannot show

A second protocol line, `@ smtp` or `@ pop3`, opens another connection beside the first; the lines
that follow belong to it, until a direction goes back:

    @ connection 1            from here the lines belong to the first connection again

What lies in the mailboxes when all is over, in any order:

    @ delivered 22000002 Subject: a\n\nbody\n   this message, below what the server put on top
    @ stamped 22000002 Return-Path: <>\n*        what the server put on top, with wildcards
    @ nothing 22000002        no message
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent / "transcripts"
ACCOUNTS = ("22000001", "22000002", "22000003")
DOMAIN = "tpmail.info.unicaen.fr"

_ESCAPE = re.compile(rb"\\(?:\{(?P<times>[0-9]+) (?P<what>(?:\\.|[^\\}])*)\}|(x[0-9a-fA-F]{2}|.))")
_PLAIN = {b"r": b"\r", b"n": b"\n", b"0": b"\0", b"t": b"\t"}
_TRACE = rb"Return-Path: .*\nReceived: .*\n\t.*\n"
_OF_A_LIST = rb"\tfor .*;\n\t.*\nList-Id: .*\nList-Post: .*\nList-Help: .*\nPrecedence: list\n"
_STAMPS = re.compile(rb"(%s(?:%s|\t.*\n))?((?s:.*))" % (_TRACE, _OF_A_LIST))
_ENDS = {"CRLF": b"\r\n", "LF": b"\n", "CR": b"\r"}


@dataclass(frozen=True, slots=True)
class Sent:
    octets: bytes


@dataclass(frozen=True, slots=True)
class Expected:
    """One line, or with `raw` exact octets."""

    text: bytes
    raw: bool = False

    def pattern(self) -> re.Pattern[bytes]:
        """The line as a regular expression."""
        if self.is_whole_reply:
            return re.compile(re.escape(self.text.removesuffix(b"-...")) + b"[ -].*")
        return pattern_of(self.text)

    @property
    def is_whole_reply(self) -> bool:
        """Whether this stands for all lines of an SMTP reply, the last of which has no hyphen."""
        return not self.raw and self.text.endswith(b"-...")


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: float


@dataclass(frozen=True, slots=True)
class HalfClose:
    pass


@dataclass(frozen=True, slots=True)
class Closed:
    pass


@dataclass(frozen=True, slots=True)
class HangUp:
    pass


@dataclass(frozen=True, slots=True)
class Connect:
    """Another connection is opened; the steps that follow belong to it."""

    protocol: str


@dataclass(frozen=True, slots=True)
class Turn:
    """The steps that follow belong to this connection, counted from 0."""

    connection: int


Step = Sent | Expected | Wait | HalfClose | Closed | HangUp | Connect | Turn

_DIRECTIONS: dict[bytes, type[HalfClose | Closed | HangUp]] = {
    b"half-close": HalfClose,
    b"closed": Closed,
    b"hang": HangUp,
}


@dataclass
class Transcript:
    name: str
    protocol: str = ""
    tcp_only: bool = False
    settings: dict[str, str] = field(default_factory=dict)
    lists: list[tuple[str, str, str]] = field(default_factory=list)
    """What is said of lists, in order: ("list", "friends", "22000001 td1")."""
    accounts: list[str] = field(default_factory=list)
    """Accounts beside `ACCOUNTS`."""
    mail: list[tuple[str, bytes]] = field(default_factory=list)
    delivered: dict[str, list[bytes]] = field(default_factory=dict)
    stamped: list[tuple[str, bytes]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)


def pattern_of(text: bytes) -> re.Pattern[bytes]:
    """What a text with wildcards stands for."""
    parts = re.split(rb"(?<!\\)\*", text)
    return re.compile(b".*".join(re.escape(unescaped(part)) for part in parts), re.DOTALL)


def unescaped(text: bytes) -> bytes:
    def octets(found: re.Match[bytes]) -> bytes:
        if found["times"]:
            return unescaped(found["what"]) * int(found["times"])
        code = found[3]
        if len(code) == 3:
            return bytes([int(code[1:], 16)])
        return _PLAIN.get(code, code)

    return _ESCAPE.sub(octets, text)


def read(path: Path) -> Transcript:
    """The conversation in a file."""
    transcript = Transcript(str(path.relative_to(FOLDER)))
    end = b"\r\n"
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        mark, _, text = line.partition(b" ")
        if not line.strip() or mark == b"#":
            continue
        if mark == b"C:":
            transcript.steps.append(Sent(unescaped(text) + end))
        elif mark == b"S:":
            transcript.steps.append(Expected(text))
        elif mark == b"@" and text.startswith(b"ends "):
            name = text.removeprefix(b"ends ").decode()
            end = _ENDS.get(name) or unescaped(name.encode())
        elif mark == b"@":
            _direct(transcript, text)
        else:
            raise ValueError(f"{path}:{number}: {line!r} is no line of a conversation")
    assert transcript.protocol, f"{path} does not say which protocol"
    return transcript


def _direct(transcript: Transcript, text: bytes) -> None:
    word, _, rest = text.partition(b" ")
    match word.decode():
        case "smtp" | "pop3" if transcript.protocol:
            transcript.steps.append(Connect(word.decode()))
        case "smtp" | "pop3":
            transcript.protocol = word.decode()
        case "connection":
            transcript.steps.append(Turn(int(rest) - 1))
        case "send":
            transcript.steps.append(Sent(unescaped(rest)))
        case "receive":
            transcript.steps.append(Expected(unescaped(rest), raw=True))
        case "wait":
            transcript.steps.append(Wait(float(rest)))
        case "half-close" | "closed" | "hang":
            transcript.steps.append(_DIRECTIONS[word]())
        case "setting":
            key, _, value = rest.decode().partition(" ")
            transcript.settings[key] = value
        case "list" | "list-owner" | "list-post" | "list-suspended" | "list-hook":
            name, _, value = rest.decode().partition(" ")
            transcript.lists.append((word.decode(), name, value))
        case "account" | "mail" | "delivered" | "stamped" | "nothing":
            _direct_mailbox(transcript, word, rest)
        case "over":
            transcript.tcp_only = True
        case _:
            raise ValueError(f"no stage direction: {text!r}")


def _direct_mailbox(transcript: Transcript, word: bytes, text: bytes) -> None:
    name, _, content = text.partition(b" ")
    number = name.decode()
    if word == b"account":
        transcript.accounts.append(number)
    elif word == b"mail":
        transcript.mail.append((number, unescaped(content)))
    elif word == b"stamped":
        transcript.stamped.append((number, content))
    else:
        messages = transcript.delivered.setdefault(number, [])
        if word == b"delivered":
            messages.append(unescaped(content))


def check_mailboxes(transcript: Transcript, site: Path) -> None:
    """Checks what a conversation says of the mailboxes against the files of the site."""
    for number, messages in transcript.delivered.items():
        found = sorted(message for _, message in _mailbox(site, number))
        assert found == sorted(messages), f"{transcript.name}: {number} has {found}"
    for number, stamps in transcript.stamped:
        found = [stamp for stamp, _ in _mailbox(site, number)]
        assert any(pattern_of(stamps).fullmatch(each) for each in found), (
            f"{transcript.name}: {number} has {found}"
        )


def _mailbox(site: Path, number: str) -> list[tuple[bytes, bytes]]:
    """The messages of a mailbox, each as what the server put on top and what it was given."""
    divided = (
        _STAMPS.fullmatch(each.read_bytes()) for each in site.glob(f"maildirs/{number}/new/*")
    )
    return [(found[1] or b"", found[2]) for found in divided if found is not None]


def all_transcripts() -> list[Path]:
    return sorted(FOLDER.rglob("*.txt"))


class Script:
    """Checks what the server said against a transcript's lines, in order."""

    def __init__(self, transcript: Transcript) -> None:
        self._name = transcript.name
        self._heard = b""
        self._log: list[bytes] = []

    def hear(self, octets: bytes) -> None:
        self._heard += octets

    def has(self, expected: Expected) -> bool:
        """Whether enough was heard to judge this."""
        if expected.is_whole_reply:
            return re.search(rb"(?m)^\d{3} .*\n", self._heard) is not None
        return len(self._heard) >= len(expected.text) if expected.raw else b"\n" in self._heard

    def check(self, expected: Expected) -> None:
        if expected.raw:
            length = len(expected.text)
            heard, self._heard = self._heard[:length], self._heard[length:]
            assert heard == expected.text, self._story(expected.text, heard)
            return
        line, newline, self._heard = self._heard.partition(b"\n")
        assert newline, self._story(expected.text, b"(nothing) " + line)
        assert line.endswith(b"\r"), f"{self._name}: {line!r} does not end in CRLF"
        heard = line.removesuffix(b"\r")
        assert expected.pattern().fullmatch(heard), self._story(expected.text, heard)
        self._log.append(heard)
        if expected.is_whole_reply and heard[3:4] == b"-":
            self.check(expected)

    def check_nothing_left(self) -> None:
        assert not self._heard, f"{self._name}: more was said: {self._heard!r}"

    def _story(self, expected: bytes, heard: bytes) -> str:
        before = b"\n  ".join(self._log[-6:])
        return f"{self._name}\n  {before!r}\nexpected {expected!r}\n   heard {heard!r}"
