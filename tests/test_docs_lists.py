"""What docs/lists.md shows of `tpmail` is what it says, command by command, on one site.

Remarks of the page say what has happened between two commands: `hook LIST MODULE:OBJECT` is in the
settings now, a message `waits LIST WRITER SUBJECT`, a list is `suspended LIST WHY`.
"""

import os
import re
import shlex
import time
from hashlib import sha256
from itertools import count
from pathlib import Path

import pytest

from tpmailserver.cli.command import run
from tpmailserver.settings import Settings
from tpmailserver.site import open_site
from tpmailserver.store.names import UniqueNames

from .desks import Piped
from .faults import DOMAIN

NOW = 1_700_000_000.0
PAGE = (Path(__file__).parent.parent / "docs" / "lists.md").read_text()
STEP = re.compile(
    r"^<!-- (?P<what>hook|waits|suspended) (?P<name>\S+) (?P<rest>.*) -->$"
    r"|^\$ tpmail (?P<command>.*)\n(?P<says>(?:(?!\$ |```).*\n)*)",
    re.MULTILINE,
)


class Happenings:
    """What happens to a site between two commands; the same each time."""

    def __init__(self, folder: Path) -> None:
        turns = count()
        names = UniqueNames(
            lambda: NOW, lambda size: sha256(b"%d" % next(turns)).digest()[:size], "tpmail"
        )
        self._folder = folder
        self._stores = open_site(folder, Settings(), names).stores

    def hook(self, name: str, python: str) -> None:
        (self._folder / "tpmail.toml").write_text(f'[hooks.{name}]\npython = "{python}"\n')

    def waits(self, name: str, rest: str) -> None:
        writer, _, subject = rest.partition(" ")
        draft = self._stores.spool.draft(f"Return-Path: <{writer}@{DOMAIN}>\n".encode())
        draft.write(f"Subject: {subject}\n\nHello.\n".encode())
        self._stores.held.deliver(draft, [name])
        for each in (self._folder / "held" / name / "new").iterdir():
            os.utime(each, (NOW, NOW))

    def suspended(self, name: str, why: str) -> None:
        self._stores.database.lists.suspend(name, why)


def test_the_page_shows_what_tpmail_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Europe/Paris")
    time.tzset()
    monkeypatch.setattr("sys.stdin", Piped(b""))
    happenings = Happenings(tmp_path)
    commands = 0
    for step in STEP.finditer(PAGE):
        if step["what"]:
            getattr(happenings, step["what"])(step["name"], step["rest"])
            continue
        run(["--site", str(tmp_path), *shlex.split(step["command"])])
        output, errors = capsys.readouterr()
        said = (output + errors).replace(str(tmp_path), "/srv/tpmail")
        assert said == step["says"], f"tpmail {step['command']}\n{said}"
        commands += 1
    assert commands > 10
