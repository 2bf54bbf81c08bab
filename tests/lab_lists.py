"""A list server of question 14, as a student runs it: an account, a file of members, a script."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .dialogues import ROOT
from .lab_scripts import FOLDER, Running, Script
from .process import Account, ServerProcess

PAGE = (ROOT / "docs" / "lists-by-hand.md").read_text()
ONE_NETCAT = ("nc.openbsd",)


@contextmanager
def sending_on(
    script: Script, server: ServerProcess, home: Path, mailing_list: Account, **more: str
) -> Iterator[Running]:
    """Runs a list's script in a folder of its own, where its file of members is."""
    (home / mailing_list.number).mkdir(exist_ok=True)
    with script.running(
        server,
        home / mailing_list.number,
        mailing_list.number,
        "membres",
        typed=f"{mailing_list.number}\n",
        **more,
    ) as running:
        yield running


def enrol(home: Path, mailing_list: Account, members: Sequence[Account]) -> None:
    """Writes the file of members."""
    write_members(home, mailing_list, "".join(f"{member.address}\n" for member in members))


def write_members(home: Path, mailing_list: Account, text: str) -> None:
    (home / mailing_list.number).mkdir(exist_ok=True)
    (home / mailing_list.number / "membres").write_bytes(text.encode())


def script_named(name: str) -> Script:
    """A script that uses no netcat."""
    return Script(FOLDER / name, "")


BASH = script_named("q14-bash.sh")
