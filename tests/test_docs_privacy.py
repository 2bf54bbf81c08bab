"""What docs/privacy.md says is stored, readable and erased is so.

Two students use a real server: what of them lies where, before and after `tpmail forget`.
"""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree

import pytest

from tpmailserver.cli.command import run
from tpmailserver.settings import Settings
from tpmailserver.site import open_site
from tpmailserver.store.tables import TABLES

from .desks import Piped, hold, mode
from .dialogues import ROOT
from .faults import Peer, mail, pop3, serving, site_for, smtp, until

PAGE = (ROOT / "docs" / "privacy.md").read_text()
ONE, TWO, NOBODY = "22000001", "22000002", "22000099"
SUBJECT, WRONG = "a-subject-of-hers", "a-password-of-elsewhere"
TYPED = re.compile(r"^\$ (tpmail .*)\n((?:(?!\$ |```).*\n)*)", re.MULTILINE)
EVENT = re.compile(r"\[tpmailserver\.net\.events#info\] (.*)")
VARIES = re.compile(r"^\S+ [0-9a-f]{8}(?= )|(?<= id=)\S+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Used:
    """A site that a class has used: what lay in it while the server ran, and the server's log."""

    site: Path
    names: frozenset[str]
    log: str


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Used:
    folder = tmp_path_factory.mktemp("privacy") / "site"
    site = site_for(folder, (ONE, TWO), failed_login_delay=0.05)
    desk = open_site(site, Settings()).desk()
    with serving(site, umask=0) as server:
        with smtp(server.smtp) as client:
            assert client.say("AUTH PLAIN ADIyMDAwMDAxADIyMDAwMDAx").startswith("235 ")
            assert client.say(f"MAIL FROM:<{ONE}>").startswith("250 ")
            assert client.say(f"RCPT TO:<{NOBODY}>").startswith("550 ")
            assert client.say("RSET").startswith("250 ")
            for number in (ONE, TWO, TWO):
                text = f"Subject: {SUBJECT}\r\n\r\nHello.\r\n".encode()
                assert mail(client, (number,), text, ONE).startswith("250 ")
        for number, delete in ((ONE, "NOOP"), (TWO, "DELE 1")):
            with pop3(server.pop3, number) as client:
                assert client.say(delete).startswith("+OK")
                assert client.say("QUIT").startswith("+OK")
        with Peer(server.pop3) as client:
            client.reply()
            assert client.say(f"USER {NOBODY}").startswith("+OK")
            assert client.say(f"PASS {WRONG}").startswith("-ERR")
        until(lambda: len(desk.database.seen().get(ONE, ())) == 2)
        assert run(["--site", str(site), "snapshot", "exam"]) == 0
        names = frozenset(each.name for each in site.iterdir())
        server.stop()
        log = server.log
    hold(desk, "td1", f"Return-Path: <{ONE}@x>\n".encode())
    return Used(site, names, log)


def test_the_page_names_every_folder_file_and_table(used: Used) -> None:
    assert {"locks", "spool", "snapshots", "control.socket"} < used.names
    for name in used.names | TABLES.tables.keys():
        assert re.search(rf"^\|.*`{re.escape(name)}[`/]", PAGE, re.MULTILINE), name


def test_the_places_of_a_number_are_those_that_the_page_says(used: Used) -> None:
    places = {each.relative_to(used.site).parts[0] for each in _traces(used.site, ONE)}
    assert places == {"maildirs", "snapshots", "held", "locks", "tpmail.sqlite3"}


def test_nobody_else_on_the_machine_can_read_it(used: Used) -> None:
    for each in used.site.rglob("*"):
        if each.name != "tpmail.toml":  # the test's own
            assert mode(each) == (0o700 if each.is_dir() else 0o600), each


def test_the_log_has_lines_as_the_page_shows_them_and_no_others(used: Used) -> None:
    (shown,) = re.findall(r"as these:\n\n```\n(.*?)```", PAGE, re.DOTALL)
    said = "\n".join(EVENT.findall(used.log))
    assert {*_steady(said).splitlines()} >= {*_steady(shown).splitlines()}
    kinds = {_steady(line).replace(ONE, "N").replace(TWO, "N") for line in said.splitlines()}
    assert kinds <= {
        _steady(line).replace(ONE, "N").replace(TWO, "N").replace("POP3", protocol)
        for line in shown.splitlines()
        for protocol in ("POP3", "SMTP")
    }


def test_a_subject_is_in_no_log_and_a_rejected_password_nowhere(used: Used) -> None:
    assert SUBJECT not in used.log
    assert WRONG not in used.log
    assert _traces(used.site, SUBJECT)
    assert not _traces(used.site, WRONG)


def test_what_is_erased_and_what_stays(
    used: Used,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", Piped(b""))
    site = copytree(used.site, tmp_path / "site")
    typed = TYPED.findall(PAGE)
    assert len(typed) == 2
    for line, says in typed:
        assert run(["--site", str(site), *shlex.split(line)[1:]]) == 0
        assert capsys.readouterr().out == says
    kept = {each.relative_to(site).parts for each in _traces(site, ONE)}
    assert {parts[0] for parts in kept} == {"maildirs", "snapshots", "held"}
    assert {parts[-3] for parts in kept} == {TWO, "td1"}


def _traces(site: Path, text: str) -> list[Path]:
    """The files that bear a text, in their name or inside."""
    return [
        each
        for each in site.rglob("*")
        if each.is_file()
        and (text in str(each.relative_to(site)) or text.encode() in each.read_bytes())
    ]


def _steady(lines: str) -> str:
    return VARIES.sub("ANY", lines)
