"""Question 14, answered by students' scripts: an account whose mail a script sends on to a list.

The solutions are `lab/q14-*`. Nothing is lost however they are stopped, and no loop of theirs is
endless; what the slips beside them do is stopped by the server, and `docs/lists-by-hand.md` says
after how many mails.
"""

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tpmailserver.settings import Settings

from .dialogues import ROOT
from .faults import DOMAIN, begin_mail, smtp, until
from .lab_scripts import FOLDER, Running, Script, scripts
from .process import Account, ServerProcess, server_process
from .tripwire import Tripwire, relay

PAGE = (ROOT / "docs" / "lists-by-hand.md").read_text()
ONE_NETCAT = ("nc.openbsd",)
BUDGET = 20

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


@pytest.fixture(scope="module")
def thrifty_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server whose budgets are soon spent."""
    with server_process(tmp_path_factory.mktemp("thrifty"), budget=BUDGET) as server:
        yield server


@pytest.fixture
def thrifty(thrifty_server: ServerProcess) -> Iterator[ServerProcess]:
    yield thrifty_server
    thrifty_server.check_log()


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


def sent_on(mailing_list: Account, taken: bytes) -> bytes:
    """What a list makes of a file in its account: its own stamp in the place of the return path."""
    stamp = f"List-Id: <{mailing_list.number}.{DOMAIN}>\n"
    return stamp.encode() + taken.partition(b"\n")[2]


def slip(name: str) -> Script:
    return Script(FOLDER / name, "")


BASH = slip("q14-bash.sh")


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
        thrifty.post(writer, mailing_list, *[b"Subject: hello\n\n"] * (BUDGET // 2 + 1))
    with sending_on(script, thrifty, tmp_path, mailing_list) as running:
        until(lambda: "4.7.1" in running.shown and mailing_list.count() == 2)
    assert len(member.mail()) == BUDGET


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
        two_sessions = slip("slip-list-two-sessions.sh")
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


def check(trap: str, member: Account, times: int = 1) -> str:
    """Holds the page to the mails that a trap made for a member; what ends it, as the page has it.

    A budget that is so many `times` smaller than the default makes as many mails fewer.
    """
    found = re.search(rf"^\| {re.escape(trap)} \| ([\d,]+) \| (.*) \|$", PAGE, re.MULTILINE)
    assert found, f"the page does not tell of the trap: {trap}"
    made = f"{member.count() * times:,}"
    print(f"{trap}: {made} mails, ended by {found[2]}")
    assert made == found[1]
    return found[2]


HELLO = b"Subject: hello\n\nHello.\n"
TIMES = Settings().limits.budget // BUDGET


@scripts("q14-*", ONE_NETCAT)
def test_a_list_on_its_own_list_that_checks(
    server: ServerProcess, student: Account, tmp_path: Path, script: Script
) -> None:
    mailing_list = server.new_account()
    enrol(tmp_path, mailing_list, [mailing_list, student])
    server.post(student, mailing_list, HELLO)
    with sending_on(script, server, tmp_path, mailing_list) as running:
        until(lambda: "non renvoyé" in running.shown and not mailing_list.count())
    assert "Return-Path" in check("the list is on its own list, and checks", student)


def test_a_list_on_its_own_list_that_does_not_check(
    server: ServerProcess, student: Account, tmp_path: Path
) -> None:
    mailing_list = server.new_account()
    enrol(tmp_path, mailing_list, [mailing_list, student])
    server.post(student, mailing_list, HELLO)
    script = slip("slip-list-no-check.sh")
    with sending_on(script, server, tmp_path, mailing_list, PAUSE="0") as running:
        until(lambda: "554 5.4.6" in running.shown)
    assert "554 5.4.6" in check("the same, and does not check", student)


def test_a_list_on_its_own_list_that_writes_a_new_header(
    server: ServerProcess, student: Account, tmp_path: Path
) -> None:
    mailing_list = server.new_account()
    enrol(tmp_path, mailing_list, [mailing_list, student])
    server.post(student, mailing_list, *[HELLO] * 20)
    script = slip("slip-list-new-header.py")
    with sending_on(script, server, tmp_path, mailing_list, PAUSE="0") as running:
        until(lambda: "4.7.1 600 messages in ten minutes" in running.shown)
    assert "451 4.7.1" in check("the same, and writes a new header", student)


@contextmanager
def pair(
    script: Script, server: ServerProcess, home: Path, lists: Sequence[Account]
) -> Iterator[list[Running]]:
    """Runs two lists at once."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(sending_on(script, server, home, each, PAUSE="0.02"))
            for each in lists
        ]


def test_two_lists_that_have_each_other_and_check(
    server: ServerProcess, student: Account, tmp_path: Path
) -> None:
    first, second = server.new_account(), server.new_account()
    enrol(tmp_path, first, [second, student])
    enrol(tmp_path, second, [first, student])
    server.post(student, first, HELLO)
    with pair(BASH, server, tmp_path, [first, second]) as running:
        until(lambda: "passé par la liste" in running[0].shown and not first.count())
    assert "List-Id" in check("two lists have each other, and check", student)


def test_two_lists_that_have_each_other_and_do_not_check(
    server: ServerProcess, student: Account, tmp_path: Path
) -> None:
    first, second = server.new_account(), server.new_account()
    enrol(tmp_path, first, [second, student])
    enrol(tmp_path, second, [first, student])
    server.post(student, first, HELLO)
    with pair(slip("slip-list-no-check.sh"), server, tmp_path, [first, second]) as running:
        until(lambda: "554 5.4.6" in running[0].shown + running[1].shown)
    assert "554 5.4.6" in check("the same, and do not check", student)


def test_two_lists_each_with_both_addresses(thrifty: ServerProcess, tmp_path: Path) -> None:
    """Each mail becomes two, so the budgets are spent long before fifty rounds."""
    first, second, student = (thrifty.new_account() for _ in range(3))
    enrol(tmp_path, first, [first, second, student])
    enrol(tmp_path, second, [first, second, student])
    thrifty.post(student, first, HELLO)
    with pair(slip("slip-list-no-check.sh"), thrifty, tmp_path, [first, second]) as running:
        until(lambda: all("451 4.7.1" in each.shown for each in running))
    trap = "two lists have each other and themselves, and do not check"
    assert "451 4.7.1" in check(trap, student, TIMES)


def test_a_member_whose_program_answers_everything(thrifty: ServerProcess, tmp_path: Path) -> None:
    """An answer is a new mail to the list; nothing in it tells the list's script that it is one."""
    mailing_list, away, student = (thrifty.new_account() for _ in range(3))
    enrol(tmp_path, mailing_list, [away, student])
    thrifty.post(student, mailing_list, *[HELLO] * 5)
    answering = slip("slip-answers-everything.sh")
    with sending_on(BASH, thrifty, tmp_path, mailing_list) as running:  # noqa: SIM117
        with sending_on(answering, thrifty, tmp_path, away):
            until(lambda: "451 4.7.1" in running.shown)
    assert "451 4.7.1" in check("a member's program answers everything", student, TIMES)


def test_a_member_whose_program_answers_politely(
    server: ServerProcess, student: Account, tmp_path: Path
) -> None:
    mailing_list, away = server.new_account(), server.new_account()
    enrol(tmp_path, mailing_list, [away, student])
    server.post(student, away, HELLO, HELLO)
    server.post(student, mailing_list, HELLO)
    with sending_on(BASH, server, tmp_path, mailing_list):
        until(lambda: not mailing_list.count())
    (through_the_list,) = student.mail()
    with sending_on(slip("answers-politely.sh"), server, tmp_path, away) as running:
        until(lambda: "pas de réponse" in running.shown and not away.count())
    assert mailing_list.stored() == []
    answer, *others = [each for each in student.mail() if each != through_the_list]
    assert answer.startswith(b"Auto-Submitted: auto-replied\n")
    assert others == []
