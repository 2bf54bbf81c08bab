"""What docs/instructor.md tells to type works: its commands, in their order, beside a real server.

Remarks of the page say what has happened between two commands: the `server` starts, a student
`reads` (logs in by POP3 and stays), `types` a message by SMTP, sends a `mail` to another, `hears` a
line and is closed. Behind `file NAME` stands a file. What is another each time (a moment, a port,
a process, a password) is the same to the test; a line of three dots stands for any lines.
"""

import re
import shlex
from contextlib import ExitStack, suppress
from pathlib import Path

import click
import pytest

from tpmailserver.cli.command import run, tpmail
from tpmailserver.store.database import DATABASE, Database

from .desks import Piped
from .dialogues import ROOT
from .faults import Peer, Server, pop3, serving, smtp, until

DOCS = ROOT / "docs"
STEP = re.compile(
    r"^<!-- (?P<what>\w+)(?: (?P<who>\S+))?(?: (?P<rest>.*))? -->\n"
    r"(?:```\n(?P<text>(?:(?!```).*\n)*))?"
    r"|^\$ (?P<command>.*)\n(?P<says>(?:(?!\$ |```).*\n)*)",
    re.MULTILINE,
)
TYPED = re.compile(r"`(tpmail [^`]*)`")
VARIES = (
    (r"\d{8}-\d{6}-", "STAMP-"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d", "MOMENT"),
    (r"today \d\d:\d\d", "TODAY"),
    (r"\d\d:\d\d:\d\d", "TIME"),
    (r"process \d+", "PROCESS"),
    (r"\d+(?:\.\d+){3}", "ADDRESS"),
    (r"port \d+", "PORT"),
    (r" {2,}", "  "),
    (r"(?m) +$", ""),
    (r"in \d+ ms", "in a moment"),
    (r"(?m)^password  \S+$", "password  ANOTHER"),
)


class Semester:
    """What happens to a site between two commands."""

    def __init__(self, site: Path, until_the_end: ExitStack) -> None:
        self._site = site
        self._until_the_end = until_the_end
        self._server: Server | None = None
        self._clients: dict[str, Peer] = {}

    def file(self, name: str, _: str, text: str) -> None:
        Path(name).write_text(text)

    def server(self, *_: str) -> None:
        self._server = self._until_the_end.enter_context(serving(self._site))

    def reads(self, number: str, *_: str) -> None:
        assert self._server
        self._clients[number] = self._until_the_end.enter_context(pop3(self._server.pop3, number))
        until(lambda: number in Database(self._site / DATABASE).seen())

    def types(self, number: str, *_: str) -> None:
        self._begin(number, number)

    def mail(self, number: str, recipient: str, *_: str) -> None:
        client = self._begin(number, recipient)
        assert client.say("Subject: hello\r\n\r\nHello.\r\n.").startswith("250 ")
        client.close()

    def hears(self, number: str, line: str, *_: str) -> None:
        assert self._clients[number].reply() == line
        assert self._clients[number].rest() == b""
        self._clients[number].close()

    def _begin(self, number: str, recipient: str) -> Peer:
        assert self._server
        client = self._until_the_end.enter_context(smtp(self._server.smtp))
        assert client.say(f"MAIL FROM:<{number}>").startswith("250 ")
        assert client.say(f"RCPT TO:<{recipient}>").startswith("250 ")
        assert client.say("DATA").startswith("354 ")
        return client


def test_the_page_shows_what_tpmail_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", Piped(b""))
    commands = 0
    with ExitStack() as until_the_end:
        semester = Semester(tmp_path / "site", until_the_end)
        for step in STEP.finditer((DOCS / "instructor.md").read_text()):
            if step["what"]:
                happens = getattr(semester, step["what"])
                happens(step["who"] or "", step["rest"] or "", step["text"] or "")
                continue
            word, *arguments = shlex.split(step["command"])
            assert word == "tpmail"
            run(["--site", str(tmp_path / "site"), *arguments])
            output, errors = capsys.readouterr()
            said = (output + errors).replace(str(tmp_path / "site"), "/srv/tpmail")
            assert _fits(step["says"], said), f"$ {step['command']}\n{said}"
            commands += 1
    assert commands > 20


@pytest.mark.parametrize("page", ["instructor.md", "privacy.md"])
def test_what_a_sentence_tells_to_type_is_understood(page: str) -> None:
    typed = TYPED.findall((DOCS / page).read_text())
    assert typed
    for line in typed:
        command: click.Command = tpmail
        words = shlex.split(line)[1:]
        while isinstance(command, click.Group):
            command = command.commands[words.pop(0)]
        with suppress(click.exceptions.Exit):  # it has shown its help
            command.make_context(command.name, words).close()


def _fits(shown: str, said: str) -> bool:
    parts = ("\n" + shown).split("\n...\n")
    pattern = r"\n(?:.*\n)*".join(re.escape(_steady(part)) for part in parts)
    return re.fullmatch(pattern, "\n" + _steady(said)) is not None


def _steady(text: str) -> str:
    for pattern, same in VARIES:
        text = re.sub(pattern, same, text)
    return text
