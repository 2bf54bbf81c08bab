r"""Reads a conversation: `C:` what the client sends, `S:` what the server must say.

    # A comment.
    @ pop3                    which protocol (first line of a conversation)
    C: USER 22000001          a line of the client; it ends in CRLF, or as `@ ends` says
    S: +OK *                  a line of the server; each `*` stands for any text within it
    C: a raw \* octet         in C: and S: lines, `\x07`, `\r`, `\n`, `\0`, `\\` and `\*`

Stage directions:

    @ ends LF                 from here the client ends its lines so: CRLF, LF, CR, or escapes
    @ send USER 2200\x08      octets without a line end
    @ receive \xff\xfc\x06    octets of the server that are no line
    @ wait 2                  the client is silent for so many seconds
    @ half-close              the client closes its half
    @ closed                  the server has closed the connection, and nothing more has come
    @ setting line_ends strict   a setting of the site; limits too (`@ setting budget 2`)
    @ mail 22000001 Subject: a\n\nbody\n   a message that lies in a mailbox before it begins
    @ over tcp only           what the machine alone cannot show
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent / "transcripts"
ACCOUNTS = ("22000001", "22000002", "22000003")
DOMAIN = "tpmail.info.unicaen.fr"

_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)")
_PLAIN = {b"r": b"\r", b"n": b"\n", b"0": b"\0", b"t": b"\t"}
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
        parts = re.split(rb"(?<!\\)\*", self.text)
        return re.compile(b".*".join(re.escape(unescaped(part)) for part in parts), re.DOTALL)


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: float


@dataclass(frozen=True, slots=True)
class HalfClose:
    pass


@dataclass(frozen=True, slots=True)
class Closed:
    pass


Step = Sent | Expected | Wait | HalfClose | Closed


@dataclass
class Transcript:
    name: str
    protocol: str = ""
    tcp_only: bool = False
    settings: dict[str, str] = field(default_factory=dict)
    mail: list[tuple[str, bytes]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)


def unescaped(text: bytes) -> bytes:
    def octets(found: re.Match[bytes]) -> bytes:
        code = found[1]
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
        case "smtp" | "pop3":
            transcript.protocol = word.decode()
        case "send":
            transcript.steps.append(Sent(unescaped(rest)))
        case "receive":
            transcript.steps.append(Expected(unescaped(rest), raw=True))
        case "wait":
            transcript.steps.append(Wait(float(rest)))
        case "half-close":
            transcript.steps.append(HalfClose())
        case "closed":
            transcript.steps.append(Closed())
        case "setting":
            key, _, value = rest.decode().partition(" ")
            transcript.settings[key] = value
        case "mail":
            number, _, message = rest.partition(b" ")
            transcript.mail.append((number.decode(), unescaped(message)))
        case "over":
            transcript.tcp_only = True
        case _:
            raise ValueError(f"no stage direction: {text!r}")


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

    def check_nothing_left(self) -> None:
        assert not self._heard, f"{self._name}: more was said: {self._heard!r}"

    def _story(self, expected: bytes, heard: bytes) -> str:
        before = b"\n  ".join(self._log[-6:])
        return f"{self._name}\n  {before!r}\nexpected {expected!r}\n   heard {heard!r}"
