"""The help of `tpmail` is whole lines, its examples do what they say, and the pages have it all."""

import shlex
from pathlib import Path

import click
import pytest

from tpmailserver.cli.command import run, tpmail
from tpmailserver.cli.sections import EXAMPLES

from .commands import FOLDER, every, made
from .desks import Piped, desk_at, hold
from .faults import serving

NUMBERS = tuple(f"220000{number:02}" for number in range(1, 41))


def test_the_pages_are_made_of_what_tpmail_says_now() -> None:
    stand = {each.name: each.read_text() for each in FOLDER.iterdir()}
    assert stand == made(), "run python -m tests.commands"


def test_every_command_has_its_heading_and_its_examples() -> None:
    below = [each.name for commands in tpmail.sections.values() for each in commands]
    assert sorted(below) == tpmail.list_commands(click.Context(tpmail))
    for context, command in every():
        path = context.command_path.removeprefix("tpmail ")
        assert isinstance(command, click.Group) or command.epilog, f"{path} has no example"


def test_the_help_of_every_command_fits_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for context, _ in every():
        run([*context.command_path.split()[1:], "--help"])
        output = capsys.readouterr().out
        assert output.startswith(f"Usage: {context.command_path} ")
        assert max(map(len, output.splitlines())) <= 80, output
        assert "..." not in output.partition("Options:")[2], f"a line is cut off:\n{output}"


def test_the_examples_of_init_make_a_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Piped(b""))
    for turn, example in enumerate(EXAMPLES["init"]):
        assert _typed(tmp_path / str(turn), example) == 0
        assert (tmp_path / str(turn) / "tpmail.sqlite3").exists()


def test_the_other_examples_one_after_the_other_beside_a_server(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    desk = desk_at(site)
    desk.database.add(NUMBERS, "tp1", 0.0)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", Piped(b"a new one\n"))
    Path("roster.csv").write_text("22000001,tp1\n22000041,tp2\n")
    with serving(site):
        for command, lines in EXAMPLES.items():
            if command == "init":
                continue
            if command in ("list approve", "list reject"):
                hold(desk, "seminar")
            for example in lines:
                status = _typed(site, example)
                output, errors = capsys.readouterr()
                # What is wrong with this machine is the doctor's to say.
                assert status == 0 or example == "tpmail doctor", f"{example}: {errors}"
                assert output


def _typed(site: Path, line: str) -> int:
    word, *arguments = shlex.split(line)
    assert word == "tpmail"
    return run(["--site", str(site), *arguments])
