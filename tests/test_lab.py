"""The lab's questions, answered by students' scripts: each of them shows what it must.

The scripts are in `lab/`; whichever is put there is run by the question in its name, and where it
uses plain `nc`, with every netcat. Question 14 has its own file, `test_lab_lists`.
"""

import re
import termios
from pathlib import Path

from .faults import DOMAIN
from .lab_scripts import FOLDER, Script, scripts
from .process import Account, ServerProcess
from .terminal import Terminal

THREE = (b"Subject: one\n\n1\n", b"Subject: two\n\n.\n..\n", b"Subject: three\n\nlast\n")


@scripts("q04-*.sh")
def test_question_4_reads_a_mail(
    server: ServerProcess, student: Account, tmp_path: Path, script: Script
) -> None:
    server.deliver(student, b"Subject: essai\n\nbonjour\n.\n")
    shown = script.run(server, tmp_path, student.number)
    stuffed = student.stored()[0].decode().replace("\n.", "\n..") + "."
    assert stuffed in "\n".join(shown)
    assert len(student.mail()) == 1


@scripts("q06-*.sh")
def test_question_6_sends_a_mail(
    server: ServerProcess, student: Account, tmp_path: Path, script: Script
) -> None:
    shown = script.run(server, tmp_path, student.number)
    assert any("250 2.0.0 delivered to 1 mailbox" in line for line in shown), shown
    assert student.mail() == ["Bonjour,\nce mail n'a pas d'en-tête.\n".encode()]
    # What the server adds, and nothing else: the mail program shows no From, Date or Subject.
    names = [line.partition(b":")[0] for line in student.stored()[0].splitlines()[:2]]
    assert names == [b"Return-Path", b"Received"]


@scripts("q07-*.sh")
def test_question_7_sends_a_mail_with_false_fields(
    server: ServerProcess, student: Account, tmp_path: Path, script: Script
) -> None:
    shown = script.run(server, tmp_path, student.number)
    assert any("250 2.0.0 delivered to 1 mailbox" in line for line in shown), shown
    assert student.mail()[0].decode() == (
        "From: Le Président <president@unicaen.fr>\nTo: toute la promotion\n"
        "Subject: examen annulé\n\nL'examen est annulé.\n"
    )
    # The truth stands above the lie.
    assert student.stored()[0].startswith(f"Return-Path: <{student.address}>\n".encode())


@scripts("q09-*.sh")
def test_question_9_counts_the_mails(
    server: ServerProcess, student: Account, tmp_path: Path, script: Script
) -> None:
    server.deliver(student, *THREE)
    shown = script.run(server, tmp_path, typed=f"{student.number}\n{student.number}\n")
    assert re.findall(r"\d+", shown[-1]) == ["3"], shown


@scripts("q09-*.sh")
def test_question_9_ends_with_a_wrong_password_too(
    server: ServerProcess, student: Account, tmp_path: Path, script: Script
) -> None:
    server.deliver(student, *THREE)
    shown = script.run(server, tmp_path, typed=f"{student.number}\nmy real password\n")
    assert not shown or "3" not in re.findall(r"\d+", shown[-1])
    assert "my real password" not in server.log


@scripts("q10-*.sh")
def test_question_10_hides_the_password(
    server: ServerProcess, student: Account, tmp_path: Path, script: Script
) -> None:
    server.deliver(student, *THREE)
    told = script.environment(server, tmp_path)
    with Terminal([str(script.path)], tmp_path, **told) as terminal:
        terminal.reads("Login : ")
        terminal.enters(student.number)
        terminal.reads("Mot de passe : ")
        terminal.until_off(termios.ECHO)
        before = terminal.screen
        terminal.enters(student.number)
        shown = terminal.reads(r"Vous avez \d+ mails")
        assert terminal.status() == 0
    assert before.count(student.number) == 1
    assert student.number not in terminal.screen.removeprefix(before)
    assert shown == "Vous avez 3 mails"


@scripts("q11-*.sh")
def test_question_11_shows_every_subject(
    server: ServerProcess, student: Account, tmp_path: Path, script: Script
) -> None:
    server.deliver(
        student,
        b"From: a\nSubject: bonjour\n\n.\n",
        b"Subject: un sujet\n qui continue\nTo: b\n\nx\n",
        b"From: c\n\nni sujet\n..\n",
        "subject: été\n\nminuscule\n".encode(),
    )
    shown = script.run(server, tmp_path, typed=f"{student.number}\n{student.number}\n")
    found = re.findall("bonjour|un sujet|été", "\n".join(shown))
    assert found == ["bonjour", "un sujet", "été"], shown
    assert len(student.mail()) == 4


def test_question_11_unfolds_a_subject_and_names_a_missing_one(
    server: ServerProcess, student: Account, tmp_path: Path
) -> None:
    server.deliver(student, b"Subject: un sujet\n qui continue\nTo: b\n\nx\n", b"From: c\n\nx\n")
    script = Script(FOLDER / "q11-top-bash.sh", "")
    shown = script.run(server, tmp_path, typed=f"{student.number}\n{student.number}\n")
    assert shown == ["1 : un sujet qui continue", "2 : (pas de sujet)"]


MAIL = "From: moi\nSubject: par script\n\nBonjour,\nc'est réussi.\n"


@scripts("q12-*.sh")
def test_question_12_sends_what_it_reads(
    server: ServerProcess, student: Account, tmp_path: Path, script: Script
) -> None:
    shown = script.run(server, tmp_path, student.number, typed=MAIL)
    assert any("250 2.0.0 delivered to 1 mailbox" in line for line in shown), shown
    assert student.mail() == [MAIL.encode()]


@scripts("q12-*.sh")
def test_question_12_with_a_line_that_is_a_dot(
    server: ServerProcess, student: Account, tmp_path: Path, script: Script
) -> None:
    """Who doubles dots sends all of it; who does not learns from the next reply why not."""
    mail = f"{MAIL}.\nLa suite\n"
    shown = script.run(server, tmp_path, student.number, typed=mail)
    if student.mail() != [mail.encode()]:
        assert student.mail() == [MAIL.encode()]
        assert any('a body line "." must be sent ".."' in line for line in shown), shown


def test_a_final_dot_that_is_none_is_explained(
    server: ServerProcess, student: Account, tmp_path: Path
) -> None:
    script = Script(FOLDER / "slip-headers-crlf.sh", "nc.openbsd")
    shown = script.run(server, tmp_path, student.number, typed="Bonjour\n")
    assert shown[-1].startswith("554 5.6.0 nothing delivered: the first line ended in CR LF")
    assert student.mail() == []


@scripts("q13-*.sh")
def test_question_13_sends_to_a_list(
    server: ServerProcess, student: Account, tmp_path: Path, script: Script
) -> None:
    friends = [server.new_account() for _ in range(3)]
    addresses = [friends[0].address, f"inconnu@{DOMAIN}", friends[1].address, friends[2].number]
    (tmp_path / "liste").write_text("\n".join(addresses))  # no line end after the last
    shown = script.run(server, tmp_path, "liste", typed=MAIL)
    assert [friend.mail() for friend in friends] == [[MAIL.encode()]] * 3, shown
    assert any(f"there is no mailbox inconnu@{DOMAIN} here" in line for line in shown)


@scripts("q13-*.sh")
def test_question_13_with_a_list_that_was_written_on_windows(
    server: ServerProcess, student: Account, tmp_path: Path, script: Script
) -> None:
    """The CR at the end of an address is named, where it is not just a part of the line's end."""
    (tmp_path / "liste").write_bytes(f"{student.address}\r\n".encode())
    shown = script.run(server, tmp_path, "liste", typed=MAIL)
    if student.mail() != [MAIL.encode()]:
        assert student.mail() == []
        assert any("control character (CR 0x0d)" in line for line in shown), shown
