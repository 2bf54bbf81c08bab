"""The worked hooks of the documentation do what they say: people copy them."""

import os
import pwd
import re
import shutil
import sqlite3
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from tpmailserver.delivery.expander import Declined, Held
from tpmailserver.delivery.hooks import expanders_of, run
from tpmailserver.delivery.programs import Program
from tpmailserver.delivery.threads import Inline
from tpmailserver.model import Address, Client, Envelope
from tpmailserver.settings import Hook, from_table

from .bare import at_once
from .faults import DOMAIN, ROOT
from .hook_server import Asker, post, program_at
from .process import HOST, Account, ServerProcess

EXAMPLES = ROOT / "docs" / "hooks"
AUTOREPLY = EXAMPLES / "autoreply.py"

TEXT = "Le secrétariat est fermé.\n.\nFrom Monday on it is open.\n" + "x" * 1500 + "\n"

# A moderated list.

OWNER = Address("22000001", DOMAIN)
MEMBERS = (Address("22000002", DOMAIN), Address("22000003", DOMAIN))


def moderated(tmp_path: Path, kind: str, sender: Address | None, login: str = "") -> object:
    hooks = tmp_path / "hooks"
    hooks.mkdir(exist_ok=True)
    shutil.copy(EXAMPLES / "moderated.py", hooks)
    hook = Hook("announcements", python=f"moderated:{kind}")
    (expander,) = expanders_of((hook,), tmp_path, {}).values()
    envelope = Envelope(sender, (), Client(None), "mypc", "ESMTPA", login)
    return at_once(
        run(expander, post(envelope=envelope, owner=OWNER, members=MEMBERS), Inline(), 10)
    )


@pytest.mark.parametrize("sender", [OWNER, Address("22000001", DOMAIN.upper())])
def test_the_owners_messages_pass(tmp_path: Path, sender: Address) -> None:
    assert moderated(tmp_path, "Moderated", sender) == MEMBERS
    assert moderated(tmp_path, "Moderated", sender, "22000001") == MEMBERS


@pytest.mark.parametrize("sender", [None, MEMBERS[0], Address("22000001", "elsewhere.example")])
def test_all_others_wait(tmp_path: Path, sender: Address | None) -> None:
    held = moderated(tmp_path, "Moderated", sender)
    assert held == Held(f"from {sender}, who is not the owner")


def test_a_login_beats_what_mail_from_says(tmp_path: Path) -> None:
    assert isinstance(moderated(tmp_path, "Moderated", OWNER, "22000002"), Held)
    assert moderated(tmp_path, "Moderated", MEMBERS[0], "22000001") == MEMBERS


def test_by_login_nothing_else_counts(tmp_path: Path) -> None:
    assert isinstance(moderated(tmp_path, "ModeratedByLogin", OWNER), Held)
    assert moderated(tmp_path, "ModeratedByLogin", OWNER, "22000001") == MEMBERS


# An automatic answer.


@dataclass(frozen=True, slots=True)
class Office:
    """An address that answers, and somebody who writes to it."""

    server: ServerProcess
    writer: Account
    folder: Path

    def receive(self, message: bytes, sender: str | None = None, port: int = 0) -> str:
        """Runs the program as the server does; what it says on standard error."""
        address = self.writer.address if sender is None else sender
        done = subprocess.run(
            [sys.executable, str(AUTOREPLY), *self.arguments(port)],
            input=message,
            env={"SENDER": address, "RECIPIENT": f"office@{DOMAIN}", "DOMAIN": DOMAIN},
            capture_output=True,
            check=True,
        )
        assert done.stdout == b"22000001\n"
        return done.stderr.decode()

    def arguments(self, port: int = 0) -> list[str]:
        text, state = self.folder / "office.txt", self.folder / "state"
        return ["22000001", str(text), str(state), HOST, str(port or self.server.smtp)]

    def answers(self) -> list[EmailMessage]:
        """What came back to the writer."""
        stored = self.writer.stored()
        return [message_from_bytes(each, policy=policy.default) for each in stored]  # type: ignore[arg-type]

    def answer(self, message: bytes) -> EmailMessage:
        assert self.receive(message) == ""
        (answer,) = self.answers()
        return answer

    def forget(self, days: float) -> None:
        """Makes all that was noted older."""
        with sqlite3.connect(self.folder / "state" / "answered.sqlite3") as file:
            file.execute("UPDATE answered SET at = at - ?", (days * 24 * 3600,))


@pytest.fixture
def office(server: ServerProcess, student: Account, open_folder: Path) -> Office:
    (open_folder / "office.txt").write_text(TEXT, "utf-8")
    (open_folder / "state").mkdir(mode=0o700)
    return Office(server, student, open_folder)


def test_the_answer_is_what_rfc_3834_says(office: Office) -> None:
    answer = office.answer(
        b"From: <other@elsewhere.example>\nReply-To: <third@elsewhere.example>\n"
        b"Subject: Hours\nMessage-ID: <2@pc>\nReferences: <0@pc>\n <1@pc>\n\nWhen?\n"
    )
    assert answer["Return-Path"] == "<>"
    assert answer["To"] == office.writer.address
    assert answer["From"] == f"office@{DOMAIN}"
    assert answer["Subject"] == "Auto: Hours"
    assert answer["Auto-Submitted"] == "auto-replied"
    assert answer["In-Reply-To"] == "<2@pc>"
    assert answer["References"] == "<0@pc> <1@pc> <2@pc>"
    assert answer["Date"].datetime
    assert answer["Message-ID"].endswith(f"@{DOMAIN}>")
    assert answer.get_content() == TEXT


def test_without_a_header_there_is_an_answer_too(office: Office) -> None:
    """As a message is that was typed by hand."""
    answer = office.answer(b"\nWhen do you open?\n")
    assert answer["Subject"] == "Auto: (no subject)"
    assert answer["In-Reply-To"] is None
    assert answer["References"] is None


def test_references_are_made_of_what_there_is(office: Office) -> None:
    answer = office.answer(b"Message-ID: <2@pc>\nIn-Reply-To: <1@pc>\n\n")
    assert answer["References"] == "<1@pc> <2@pc>"


def test_of_many_references_the_last_stay(office: Office) -> None:
    before = b"".join(b" <%d.%s@pc>\n" % (number, b"x" * 100) for number in range(1000))
    answer = office.answer(b"Message-ID: <2@pc>\nReferences:" + before + b"\n")
    references = answer["References"].split()
    assert len(references) == 20
    assert references[-1] == "<2@pc>"
    assert "<999." in references[-2]


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        ("Été".encode(), "Auto: Été"),
        (b"=?utf-8?q?=C3=89t=C3=A9_?=\n =?iso-8859-1?q?=E0?= la mer", "Auto: Été à la mer"),
        (b"=?no-such-charset?q?abc?=", "Auto: =?no-such-charset?q?abc?="),
        (b"=?utf-8?b?=FF?=", "Auto: =?utf-8?b?=FF?="),
        (b"=?utf-8?q?a=0D=0ABcc:_all@lab.example?=", "Auto: a Bcc: all@lab.example"),
        (b"\xff\x00", "Auto: \N{REPLACEMENT CHARACTER}?"),
        ("é".encode() * 500, "Auto: " + "é" * 120),
    ],
)
def test_the_subject_is_readable_and_safe(office: Office, subject: bytes, shown: str) -> None:
    office.answer(b"Subject: " + subject + b"\n\n")
    (stored,) = office.writer.stored()
    header = stored.partition(b"\n\n")[0]
    assert header.isascii()
    assert b"\nbcc:" not in header.lower()
    assert all(len(line) <= 78 for line in header.split(b"\n"))
    # As clients read it: Python's new parser decodes no word of an unknown charset.
    words = re.sub(r"\?=\s+=\?", "?==?", str(office.answers()[0]["Subject"]))
    assert words == shown


@pytest.mark.parametrize(
    "field",
    [
        b"Auto-Submitted: auto-replied",
        b"auto-submitted: Auto-Generated (cron); owner=x",
        b"Auto-Submitted: no\nAuto-Submitted: auto-notified",
        b"List-Id: <td1.lab.example>",
        b"LIST-POST: NO",
        b"Precedence: bulk",
        b"Precedence: List",
        b"Precedence: junk ",
    ],
)
def test_programs_and_lists_get_no_answer(office: Office, field: bytes) -> None:
    assert office.receive(b"Subject: x\n" + field + b"\n\nx\n") == ""
    assert office.answers() == []


def test_who_says_that_it_is_no_program_gets_one(office: Office) -> None:
    office.answer(b"Auto-Submitted: (by hand) No\nPrecedence: first-class\n\nAuto-Submitted: x\n")


@pytest.mark.parametrize(
    "sender",
    ["", f"owner-td1@{DOMAIN}", f"td1-Request@{DOMAIN}", f"MAILER-DAEMON@{DOMAIN}"],
)
def test_nobody_there_gets_no_answer(office: Office, sender: str) -> None:
    assert office.receive(b"Subject: x\n\n", sender) == ""
    assert not list((office.folder / "state").iterdir())


def test_one_answer_in_seven_days(office: Office) -> None:
    for _ in range(3):
        assert office.receive(b"\n") == ""
    office.forget(6.9)
    assert office.receive(b"\n", office.writer.address.upper()) == ""
    assert len(office.answers()) == 1
    office.forget(0.2)
    assert office.receive(b"\n") == ""
    assert len(office.answers()) == 2


def test_one_answer_to_messages_that_come_at_once(office: Office) -> None:
    with ThreadPoolExecutor() as pool:
        said = list(pool.map(office.receive, [b"\n"] * 8))
    assert said == [""] * 8
    assert len(office.answers()) == 1


@pytest.mark.parametrize("trouble", ["missing", "open to others", "a file", "another's"])
def test_a_folder_that_cannot_be_trusted_means_no_answer(office: Office, trouble: str) -> None:
    state = office.folder / "state"
    if trouble == "open to others":
        state.chmod(0o777)
    elif trouble == "another's":
        if os.geteuid() != 0:
            pytest.skip("only root gives a folder away: run it as root")
        os.chown(state, pwd.getpwnam("nobody").pw_uid, -1)
    else:
        state.rmdir()
    if trouble == "a file":
        state.write_text("")
    assert office.receive(b"\n").startswith("no answer: ")
    assert office.answers() == []


def test_a_server_that_does_not_listen_keeps_no_message_back(office: Office) -> None:
    assert office.receive(b"\n", port=1).startswith("no answer: ")


def test_an_address_that_is_not_there_keeps_no_message_back(office: Office) -> None:
    said = office.receive(b"\n", f"no-such-number@{DOMAIN}")
    assert said.startswith("no answer: ")


def test_as_a_hook_with_the_bounds_of_one(office: Office) -> None:
    """By its first line, and as the user that it is meant for."""
    if not Path("/usr/bin/python3").exists():
        pytest.skip("/usr/bin/python3 is missing: apt install python3")
    state = office.folder / "state"
    if os.geteuid() == 0:
        user = pwd.getpwnam(Asker.runs_as)
        os.chown(state, user.pw_uid, user.pw_gid)
    program = shutil.copy(AUTOREPLY, office.folder)
    hook = Hook("office", (program, *office.arguments()))
    envelope = Envelope(Address(office.writer.number, DOMAIN), (), Client(None), "mypc", "SMTP")
    message = post(b"Subject: Hours\n\n" + b"x" * 5_000_000, envelope=envelope)
    assert Program(hook).expand(message) == ("22000001",)
    (answer,) = office.answers()
    assert answer["Subject"] == "Auto: Hours"
    assert [each.name for each in state.iterdir()] == ["answered.sqlite3"]
    assert (state / "answered.sqlite3").stat().st_mode & 0o777 == 0o600


# The page.

PAGE = (EXAMPLES.parent / "hooks.md").read_text()
FILES = dict(re.findall(r"<!-- file (\S+) -->\n```\w+\n(.*?)```", PAGE, re.DOTALL))
TABLES = tomllib.loads("".join(re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)))


def test_the_tables_of_the_page_are_right() -> None:
    assert [each.name for each in from_table(TABLES).hooks] == ["poll", "td1", "seminar"]


def test_the_bounds_of_the_page_are_the_defaults() -> None:
    shown = dict(re.findall(r"^\| `(\w+) = (\d+)`", PAGE, re.MULTILINE))
    usual = Hook("poll")
    assert shown == {
        name: str(getattr(usual, name)) for name in ("seconds", "memory", "output", "processes")
    }


@pytest.mark.parametrize(
    ("message", "comes", "votes"),
    [
        ("Subject: yes\n\nno\n", {"recipients": []}, "22000001@lab.example yes\n"),
        ("subject:no\n\n", {"recipients": []}, "22000001@lab.example no\n"),
        ("\nSubject: yes\n", {"declined": "write yes or no as the subject"}, ""),
        ("Subject: $(id); yes\n\n", {"recipients": ["22000001"]}, ""),
    ],
)
def test_the_program_of_the_page(
    open_folder: Path, message: str, comes: object, votes: str
) -> None:
    open_folder.chmod(0o777)
    program = program_at(open_folder / "poll", FILES["poll"])
    assert Asker()(program, str(open_folder), content=message.encode()) == comes
    file = open_folder / "votes"
    assert (file.read_text() if file.exists() else "") == votes


def test_the_lines_to_try_it_by_hand(open_folder: Path) -> None:
    program_at(open_folder / "poll", FILES["poll"])
    (lines,) = re.findall(r"```sh\n(printf.*?)```", PAGE, re.DOTALL)
    shell = ["/bin/sh", "-c", lines.replace("/tmp", ".")]
    done = subprocess.run(shell, cwd=open_folder, capture_output=True, text=True, check=True)
    assert done.stdout == "exit code 99\n"
    assert (open_folder / "votes").read_text() == "22000002@tpmail.info.unicaen.fr yes\n"


def test_the_python_of_the_page(tmp_path: Path) -> None:
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks" / "short.py").write_text(FILES["short.py"])
    hook = Hook("td1", python=TABLES["hooks"]["td1"]["python"])
    (expander,) = expanders_of((hook,), tmp_path, {}).values()
    assert at_once(run(expander, post(b"x" * 2000, members=MEMBERS), Inline(), 10)) == MEMBERS
    declined = at_once(run(expander, post(b"x" * 2001), Inline(), 10))
    assert declined == Declined("2,000 octets at most")


def test_the_plugin_of_the_page(tmp_path: Path) -> None:
    file = tmp_path / "twisted" / "plugins" / "seminar.py"
    file.parent.mkdir(parents=True)
    file.write_text(FILES["twisted/plugins/seminar.py"])
    script = (
        "from tests.hook_server import post\n"
        "from tpmailserver.tap.plugins import expanders\n"
        "print(expanders()['seminar'].expand(post(members=('one',))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "['one']\n"
