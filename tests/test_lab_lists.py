"""Question 14, answered by students' scripts: an account whose mail a script sends on to a list.

The solutions are `lab/q14-*`. Every member gets a mail once and as it was written, and nothing is
lost however a script is stopped.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from .dialogues import ROOT
from .faults import DOMAIN, begin_mail, smtp, until
from .lab_lists import BASH, ONE_NETCAT, PAGE, enrol, script_named, sending_on, write_members
from .lab_scripts import Script, scripts
from .process import SMALL_BUDGET, Account, ServerProcess
from .tripwire import Tripwire, relay

WRITTEN = (
    "From: Zoé <zoe@example.org>\nSubject: réunion à 14 h\nX-Folded: one\n\t two\n\n".encode()
    + b".\n..\n.profile\n...\n\n\n  two spaces before, two after  \n\t\n"
    + b"\\n is no line end, %s no word, $HOME no folder, `date` no date\n-n\n"
    + b"Return-Path: <nobody@example.org>\nList-Id: <in.the.body>\n"
    + b"long " * 20_000
    + b"\n"
    + bytes(each for each in range(1, 256) if each not in b"\r\n")
    + b"\na CR \r in a line\n\xe9t\xe9 in Latin-1\n\n.\n\n"
)


def sent_on(mailing_list: Account, taken: bytes) -> bytes:
    """What a list makes of a file in its account: its own stamp in the place of the return path."""
    stamp = f"List-Id: <{mailing_list.number}.{DOMAIN}>\n"
    return stamp.encode() + taken.partition(b"\n")[2]


@scripts("q14-*")
def test_every_member_gets_a_mail_once_as_it_was_written(
    server: ServerProcess, student: Account, tmp_path: Path, script: Script
) -> None:
    mailing_list, *members = (server.new_account() for _ in range(3))
    server.post(student, mailing_list, WRITTEN, b"Subject: another\n\n")
    wanted = [sent_on(mailing_list, each) for each in mailing_list.stored()]
    assert wanted[0].endswith(b"\n" + WRITTEN)
    # A line end of Windows, an empty line, a member who is there twice, no line end after the last.
    first, second = (each.address for each in members)
    write_members(tmp_path, mailing_list, f"{first}\r\n\n{second}\n{first}")
    with sending_on(script, server, tmp_path, mailing_list):
        until(lambda: not mailing_list.count())
    assert [member.mail() for member in members] == [wanted] * 2
    for member in members:
        # Who hears of trouble with a copy is the list.
        assert member.stored()[0].startswith(f"Return-Path: <{mailing_list.address}>\n".encode())
    assert student.mail() == []


@scripts("q14-*", ONE_NETCAT)
def test_an_unknown_member_keeps_nothing_from_the_others(
    server: ServerProcess, student: Account, tmp_path: Path, script: Script
) -> None:
    mailing_list, member = server.new_account(), server.new_account()
    write_members(tmp_path, mailing_list, f"inconnu@{DOMAIN}\n{member.address}\nbob@example.org\n")
    server.post(student, mailing_list, b"Subject: hello\n\n")
    with sending_on(script, server, tmp_path, mailing_list) as running:
        until(lambda: not mailing_list.count())
    assert len(member.mail()) == 1
    assert re.search(f"inconnu@{DOMAIN} refusée : 550 .*there is no mailbox", running.shown)
    assert re.search("bob@example.org refusée : 550 .*is not on this site", running.shown)


def test_the_list_is_an_account_that_tpmail_adds(
    server: ServerProcess, student: Account, tmp_path: Path
) -> None:
    mailing_list = Account("liste-b", server.site / "maildirs" / "liste-b")
    command = [sys.executable, "-m", "tpmailserver.cli", "--site", str(server.site)]
    subprocess.run([*command, "add", "liste-b"], cwd=ROOT, check=True, capture_output=True)
    enrol(tmp_path, mailing_list, [student])
    server.post(student, mailing_list, b"Subject: hello\n\n")
    with sending_on(BASH, server, tmp_path, mailing_list):
        until(student.count)
    assert student.stored()[0].startswith(f"Return-Path: <liste-b@{DOMAIN}>\n".encode())


# Where the script is killed, and how many copies each member has when it was started anew.
MOMENTS = [
    ("pop3", "RETR 1", 1),
    ("smtp", ".", 1),
    ("pop3", "DELE 1", 2),
    ("pop3", "QUIT", 2),
]


@scripts("q14-*", ONE_NETCAT)
@pytest.mark.parametrize(("port", "line", "copies"), MOMENTS)
def test_a_script_that_is_killed_loses_nothing(
    server: ServerProcess,
    student: Account,
    tmp_path: Path,
    script: Script,
    port: str,
    line: str,
    copies: int,
) -> None:
    """Between the 250 and the removal nobody can tell whether the mail was sent: it is, again."""
    mailing_list, member = server.new_account(), server.new_account()
    enrol(tmp_path, mailing_list, [member])
    server.post(student, mailing_list, b"Subject: hello\n\nonce\n.\n")
    wanted = sent_on(mailing_list, mailing_list.stored()[0])
    wire = Tripwire(line)
    variable = {"pop3": "PORT_POP", "smtp": "PORT_SMTP"}[port]
    with relay(getattr(server, port), wire) as where:
        told = {variable: str(where)}
        with sending_on(script, server, tmp_path, mailing_list, **told) as running:
            wire.wait()
            running.kill()
            wire.cut()
    assert mailing_list.count() == 1
    assert member.count() == copies - 1
    with sending_on(script, server, tmp_path, mailing_list):
        until(lambda: not mailing_list.count())
    assert member.mail() == [wanted] * copies


@scripts("q14-*", ONE_NETCAT)
def test_a_connection_that_falls_silent_sends_no_half_mail(
    server: ServerProcess, student: Account, tmp_path: Path, script: Script
) -> None:
    mailing_list, member = server.new_account(), server.new_account()
    enrol(tmp_path, mailing_list, [member])
    server.post(student, mailing_list, WRITTEN)
    wanted = sent_on(mailing_list, mailing_list.stored()[0])
    with relay(server.pop3, Tripwire("a line that nobody says"), len(WRITTEN) // 2) as where:
        told = {"PORT_POP": str(where), "ATTENTE": "1"}
        with sending_on(script, server, tmp_path, mailing_list, **told):
            until(lambda: not mailing_list.count())
    assert member.mail() == [wanted]


@scripts("q14-*", ONE_NETCAT)
def test_what_comes_from_the_list_or_from_a_program_is_not_sent_on(
    server: ServerProcess, student: Account, tmp_path: Path, script: Script
) -> None:
    mailing_list, member = server.new_account(), server.new_account()
    enrol(tmp_path, mailing_list, [member])
    server.post(mailing_list, mailing_list, b"Subject: from the list\n\n")
    with smtp(server.smtp) as peer:
        said = ["MAIL FROM:<>", f"RCPT TO:<{mailing_list.number}>", "DATA", "Subject: failed\r\n."]
        assert [peer.say(line)[:3] for line in said] == ["250", "250", "354", "250"]
    identity = f"<{mailing_list.number}.{DOMAIN}>".encode()
    for field in (b"List-Id: " + identity, b"auto-submitted: Auto-replied"):
        server.post(student, mailing_list, field + b"\nSubject: not this one\n\n")
    for field in (b"List-Id: <another.example.org>", b"Auto-Submitted: no"):
        server.post(student, mailing_list, field + b"\nSubject: this one\n\n" + identity)
    with sending_on(script, server, tmp_path, mailing_list):
        until(lambda: not mailing_list.count())
    assert [each.count(b"this one") for each in member.mail()] == [1, 1]
    assert all(b"not this one" not in each for each in member.mail())


@scripts("q14-*", ONE_NETCAT)
def test_what_the_server_will_never_take_is_put_aside(
    server: ServerProcess, student: Account, tmp_path: Path, script: Script
) -> None:
    """Or it would be tried again for ever, a few times a minute."""
    mailing_list, member = server.new_account(), server.new_account()
    enrol(tmp_path, mailing_list, [member])
    server.post(student, mailing_list, b"Received: a\n" * 50 + b"Subject: far\n\n")
    server.post(student, mailing_list, b"Subject: near\n\n")
    with sending_on(script, server, tmp_path, mailing_list) as running:
        until(lambda: not mailing_list.count())
    assert "554 5.4.6 loop: " in running.shown.replace("554 b'", "554 ")
    assert [b"Subject: near" in each for each in member.mail()] == [True]
    (aside,) = (tmp_path / mailing_list.number).glob("refus.*")
    assert b"Subject: far" in aside.read_bytes()


@scripts("q14-*", ONE_NETCAT)
def test_what_the_server_does_not_take_now_stays_in_the_account(
    thrifty: ServerProcess, tmp_path: Path, script: Script
) -> None:
    mailing_list, member, *writers = (thrifty.new_account() for _ in range(4))
    enrol(tmp_path, mailing_list, [member])
    for writer in writers:
        thrifty.post(writer, mailing_list, *[b"Subject: hello\n\n"] * (SMALL_BUDGET // 2 + 1))
    with sending_on(script, thrifty, tmp_path, mailing_list) as running:
        until(lambda: "4.7.1" in running.shown and mailing_list.count() == 2)
    assert len(member.mail()) == SMALL_BUDGET


def test_a_number_is_of_one_session_only(
    server: ServerProcess, student: Account, tmp_path: Path
) -> None:
    """A mail that was begun first, and ended while number 1 was on its way, is now number 1."""
    mailing_list, member = server.new_account(), server.new_account()
    enrol(tmp_path, mailing_list, [member])
    wire = Tripwire(".")
    with smtp(server.smtp) as slow, relay(server.smtp, wire) as where:
        begin_mail(slow, [mailing_list.number])
        slow.send(b"Subject: slow\r\n")
        server.post(student, mailing_list, b"Subject: quick\n\n")
        two_sessions = script_named("slip-list-two-sessions.sh")
        with sending_on(two_sessions, server, tmp_path, mailing_list, PORT_SMTP=str(where)):
            wire.wait()
            assert slow.say(".").startswith("250 ")
            wire.let_pass()
            until(lambda: not mailing_list.count())
    subjects = re.findall(b"Subject: .*", b"".join(member.mail()))
    assert subjects == [b"Subject: quick"] * 2, "the slow one is lost"


def test_the_page_shows_the_script() -> None:
    shown = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    assert len(shown) >= 4
    for lines in shown:
        assert lines in BASH.path.read_text()
