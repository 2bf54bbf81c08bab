"""What the fuzz starts from: all that the clients of the transcripts say, and what was kept.

A kept input is one that reached code which no earlier one had: `kept/TARGET.txt`, one a line.
"""

from collections.abc import Iterator
from pathlib import Path

from ..garbage import CRUMBS, GOOD_POP3, GOOD_SMTP, IN_DATA
from ..transcript import Connect, Sent, Transcript, all_transcripts, read

KEPT = Path(__file__).parent / "kept"
_WORD_AT_MOST = 40


def seeds_of(target: str) -> Iterator[bytes]:
    """The inputs of a target."""
    yield from said_by_transcripts(target)
    yield from kept(target)


def said_by_transcripts(target: str) -> Iterator[bytes]:
    """What clients say; for a target that is no conversation, a few inputs of its kind."""
    if target in ("smtp", "pop3"):
        for path in all_transcripts():
            yield from (b"\0" + each for each in _said(read(path), target))
    elif target == "paths":
        for path in all_transcripts():
            for said in _said(read(path), "smtp"):
                yield from (line.partition(b":")[2].strip() for line in said.splitlines())
    elif target == "names":
        yield from (
            b"1732376757.M123456R4f3a9c0b1d2e3f40.tpmail,S=812,W=835:2,S",
            b"1.x:1,",
            b":2,",
        )
    elif target == "header":
        yield b"Received: a\nAuto-Submitted: (c) no; x\nSubject: =?utf-8?q?=C3=A9?=\n\n"
        yield b"List-Id: a <a.b>\n\tx: y\nReceived : b\n\n"
    else:
        yield from (
            bytes([kind]) + b"\r\n".join(IN_DATA) + b"\r\n.\r\nQUIT\r\n" for kind in range(4)
        )


def spoken() -> list[bytes]:
    """Words that the fuzz may put in."""
    return [each for each in (*GOOD_SMTP, *GOOD_POP3, *CRUMBS) if len(each) <= _WORD_AT_MOST]


def kept(target: str) -> list[bytes]:
    """The inputs that were kept."""
    file = KEPT / f"{target}.txt"
    lines = file.read_text("ascii").splitlines() if file.exists() else []
    return [line.encode().decode("unicode_escape").encode("latin-1") for line in lines]


def keep(target: str, inputs: list[bytes]) -> None:
    """Writes inputs down in the place of those before, each on a line of ASCII."""
    KEPT.mkdir(exist_ok=True)
    lines = sorted(each.decode("latin-1").encode("unicode_escape").decode() for each in inputs)
    (KEPT / f"{target}.txt").write_text("".join(f"{line}\n" for line in lines))


def _said(transcript: Transcript, protocol: str) -> Iterator[bytes]:
    speaking, said = transcript.protocol, b""
    for step in transcript.steps:
        if isinstance(step, Connect):
            if speaking == protocol:
                yield said
            speaking, said = step.protocol, b""
        elif isinstance(step, Sent):
            said += step.octets
    if speaking == protocol:
        yield said
