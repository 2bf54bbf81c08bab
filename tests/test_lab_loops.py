"""How question 14 goes round, and what ends it: by the script's care, or by the server's bounds.

`docs/lists-by-hand.md` says how many mails each trap makes; what happens is held to it. The slips
are `lab/slip-*`.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tpmailserver.settings import Settings

from .faults import until
from .lab_lists import BASH, ONE_NETCAT, PAGE, enrol, script_named, sending_on
from .lab_scripts import Running, Script, scripts
from .process import SMALL_BUDGET, Account, ServerProcess

HELLO = b"Subject: hello\n\nHello.\n"
TIMES = Settings().limits.budget // SMALL_BUDGET


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
    script = script_named("slip-list-no-check.sh")
    with sending_on(script, server, tmp_path, mailing_list, PAUSE="0") as running:
        until(lambda: "554 5.4.6" in running.shown)
    assert "554 5.4.6" in check("the same, and does not check", student)


def test_a_list_on_its_own_list_that_writes_a_new_header(
    server: ServerProcess, student: Account, tmp_path: Path
) -> None:
    mailing_list = server.new_account()
    enrol(tmp_path, mailing_list, [mailing_list, student])
    server.post(student, mailing_list, *[HELLO] * 20)
    script = script_named("slip-list-new-header.py")
    with sending_on(script, server, tmp_path, mailing_list, PAUSE="0") as running:
        # Each of the 600 is on the disk before the next one is sent.
        until(lambda: "4.7.1 600 messages in ten minutes" in running.shown, patience=120)
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
    with pair(script_named("slip-list-no-check.sh"), server, tmp_path, [first, second]) as running:
        until(lambda: "554 5.4.6" in running[0].shown + running[1].shown)
    assert "554 5.4.6" in check("the same, and do not check", student)


def test_two_lists_each_with_both_addresses(thrifty: ServerProcess, tmp_path: Path) -> None:
    """Each mail becomes two, so the budgets are spent long before fifty rounds."""
    first, second, student = (thrifty.new_account() for _ in range(3))
    enrol(tmp_path, first, [first, second, student])
    enrol(tmp_path, second, [first, second, student])
    thrifty.post(student, first, HELLO)
    with pair(script_named("slip-list-no-check.sh"), thrifty, tmp_path, [first, second]) as running:
        until(lambda: all("451 4.7.1" in each.shown for each in running))
    trap = "two lists have each other and themselves, and do not check"
    assert "451 4.7.1" in check(trap, student, TIMES)


def test_a_member_whose_program_answers_everything(thrifty: ServerProcess, tmp_path: Path) -> None:
    """An answer is a new mail to the list; nothing in it tells the list's script that it is one."""
    mailing_list, away, student = (thrifty.new_account() for _ in range(3))
    enrol(tmp_path, mailing_list, [away, student])
    thrifty.post(student, mailing_list, *[HELLO] * 5)
    answering = script_named("slip-answers-everything.sh")
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
    with sending_on(script_named("answers-politely.sh"), server, tmp_path, away) as running:
        until(lambda: "pas de réponse" in running.shown and not away.count())
    assert mailing_list.stored() == []
    answer, *others = [each for each in student.mail() if each != through_the_list]
    assert answer.startswith(b"Auto-Submitted: auto-replied\n")
    assert others == []
