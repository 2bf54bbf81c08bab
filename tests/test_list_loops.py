"""Loops over lists, built on purpose: each ends, and the refusal says which way it went.

`-s` shows how many messages each of them made.
"""

import poplib
import smtplib
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from email import message_from_bytes
from pathlib import Path

import pytest

from .faults import DOMAIN, Server, serving, site_for, until
from .listing import at, lists_of, mails, post

OWNER, WRITER, READER, ROBOT, OTHER = (f"2200000{each}" for each in range(1, 6))
ACCOUNTS = (OWNER, WRITER, READER, ROBOT, OTHER, "liste-b")
CONTENT = b"From: me\r\nSubject: round and round\r\n\r\nhello\r\n"

SendOn = Callable[[bytes], bytes]


def whole(message: bytes) -> bytes:
    """What a careful script sends on: the mail with all its header."""
    return message


def stripped(message: bytes) -> bytes:
    """What a beginner's script sends on: a header of its own, so that no trace is left."""
    body = message.partition(b"\n\n")[2]
    return b"Subject: from my list\n\n" + body


class Robot(threading.Thread):
    """A student's list server: polls an account by POP3 and sends on what is there.

    It stops at the first refusal, which it keeps.
    """

    def __init__(self, server: Server, account: str, target: str, send_on: SendOn) -> None:
        super().__init__(daemon=True)
        self._server = server
        self._account = account
        self._target = target
        self._send_on = send_on
        self._ending = threading.Event()
        self.sent = 0
        self.refusal = ""

    def run(self) -> None:
        while not self._ending.is_set() and not self.refusal:
            for message in self._take():
                self._send(message)

    def stop(self) -> None:
        self._ending.set()
        self.join(30)

    def _take(self) -> list[bytes]:
        with closing(poplib.POP3("127.0.0.1", self._server.pop3, timeout=30)) as pop:
            pop.user(self._account)
            pop.pass_(self._account)
            numbers = range(1, pop.stat()[0] + 1)
            found = [b"\n".join(pop.retr(each)[1]) + b"\n" for each in numbers]
            for each in numbers:
                pop.dele(each)
            pop.quit()
        return found

    def _send(self, message: bytes) -> None:
        with smtplib.SMTP("127.0.0.1", self._server.smtp, timeout=30) as smtp:
            try:
                smtp.sendmail(at(self._account), [at(self._target)], self._send_on(message))
            except smtplib.SMTPDataError as error:
                self.refusal = f"{error.smtp_code} {error.smtp_error.decode()}"
            except smtplib.SMTPRecipientsRefused as error:
                ((code, text),) = error.recipients.values()
                self.refusal = f"{code} {text.decode()}"
            else:
                self.sent += 1


@contextmanager
def robots(*all_of_them: Robot) -> Iterator[None]:
    """Lets scripts run while a `with` block lasts."""
    for each in all_of_them:
        each.start()
    try:
        yield
    finally:
        for each in all_of_them:
            each.stop()


def made(server: Server, what: str) -> int:
    """How many messages a loop has made, the first one included: printed, and returned."""
    count = server.log.count(" delivered id=")
    print(f"\n{what}: {count} messages")
    return count


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> Path:
    return site_for(tmp_path / "site", ACCOUNTS, list_breaker=5)


def test_a_list_account_that_sends_back_to_the_list(site: Path) -> None:
    """td1 → liste-b (a script that polls) → td1: the message bears the list's name."""
    lists_of(site).put("cours", [READER, "liste-b"], owner=OWNER)
    with serving(site) as server:
        robot = Robot(server, "liste-b", "cours", whole)
        with robots(robot):
            assert post(server, WRITER, ["cours"], CONTENT).code == 250
            until(lambda: robot.refusal)
        assert robot.refusal.startswith("554 5.4.6 loop: cours -> liste-b -> cours;")
        assert len(mails(server, READER)) == 1
        assert robot.sent == 0
        assert made(server, "a script on a list, header kept") == 1
        # The list is in use as before.
        assert post(server, WRITER, ["cours"], CONTENT).code == 250


def test_two_lists_joined_by_two_scripts(site: Path) -> None:
    lists = lists_of(site)
    lists.put("a", [ROBOT, READER])
    lists.put("b", [OTHER, READER])
    with serving(site) as server:
        first, second = Robot(server, ROBOT, "b", whole), Robot(server, OTHER, "a", whole)
        with robots(first, second):
            assert post(server, WRITER, ["a"], CONTENT).code == 250
            until(lambda: second.refusal)
        assert second.refusal.startswith(f"554 5.4.6 loop: a -> b -> {OTHER} -> a;")
        assert len(mails(server, READER)) == 2
        assert made(server, "two scripts between two lists, header kept") == 2


def test_a_list_within_a_list_is_not_passed_twice(site: Path) -> None:
    lists = lists_of(site)
    lists.put("inner", [ROBOT, READER])
    lists.put("outer", [OWNER, "inner"])
    with serving(site) as server:
        robot = Robot(server, ROBOT, "outer", whole)
        with robots(robot):
            assert post(server, WRITER, ["outer"], CONTENT).code == 250
            until(lambda: robot.refusal)
        assert robot.refusal.startswith(f"554 5.4.6 loop: inner -> {ROBOT} -> outer -> inner;")
        # All or nothing: who is on the outer list only did not get it a second time either.
        assert len(mails(server, OWNER)) == len(mails(server, READER)) == 1
        assert made(server, "a script on a list within a list, header kept") == 1


def test_the_breaker_stops_a_loop_without_a_trace(site: Path) -> None:
    """The script throws the header away: only how much it writes gives it away."""
    lists_of(site).put("cours", [READER, ROBOT], owner=OWNER)
    with serving(site) as server:
        robot = Robot(server, ROBOT, "cours", stripped)
        with robots(robot):
            assert post(server, WRITER, ["cours"], CONTENT).code == 250
            until(lambda: robot.refusal)
        way = f"loop: cours -> {ROBOT} -> cours"
        assert robot.refusal.startswith(f"554 5.4.6 {way};")
        assert made(server, "a script on a list, header thrown away") == 1 + 5
        # From here on it is suspended, for everybody, and says why.
        suspended = post(server, WRITER, ["cours"], CONTENT)
        assert suspended.code == 450
        assert suspended.text.startswith("4.2.1 cours is suspended ")
        assert way in suspended.text
        assert len(mails(server, READER)) == 6
        (notice,) = mails(server, OWNER)
        mail = message_from_bytes(notice)
        assert mail["Return-Path"] == "<>"
        assert mail["Auto-Submitted"] == "auto-generated"
        assert way in mail.get_payload()
        assert lists_of(site).resume("cours")
        until(lambda: post(server, WRITER, ["cours"], CONTENT).code == 250)
        assert len(mails(server, OWNER)) == 1


def test_the_breaker_names_a_way_over_two_lists(site: Path) -> None:
    lists = lists_of(site)
    lists.put("a", [ROBOT])
    lists.put("b", [OTHER])
    with serving(site) as server:
        first, second = Robot(server, ROBOT, "b", stripped), Robot(server, OTHER, "a", stripped)
        with robots(first, second):
            assert post(server, WRITER, ["a"], CONTENT).code == 250
            until(lambda: first.refusal or second.refusal)
        refusal = first.refusal or second.refusal
        assert refusal.startswith(
            (
                f"554 5.4.6 loop: b -> {OTHER} -> a -> {ROBOT} -> b;",
                f"554 5.4.6 loop: a -> {ROBOT} -> b -> {OTHER} -> a;",
            )
        )
        # The first, and five of each; one may be on its way when the other is stopped.
        assert made(server, "two scripts between two lists, header thrown away") <= 1 + 5 + 5


def test_a_flood_that_is_no_loop_is_not_called_one(site: Path) -> None:
    lists_of(site).put("cours", [READER])
    with serving(site) as server:
        for _ in range(5):
            assert post(server, WRITER, ["cours"], CONTENT).code == 250
        answer = post(server, WRITER, ["cours"], CONTENT)
        assert answer.code == 450
        assert f"{WRITER} wrote 5 messages" in answer.text
        # Nobody owns it: the postmaster is told.
        (notice,) = (site / "maildirs" / "postmaster" / "new").iterdir()
        assert b"The list cours is suspended" in notice.read_bytes()


def test_an_answering_machine_on_a_list_answers_once(site: Path) -> None:
    """Its answer to the list is from a program, and the list does not send it on."""
    lists_of(site).put("cours", [ROBOT, READER])

    def answer(_message: bytes) -> bytes:
        return b"Auto-Submitted: auto-replied\nSubject: I am away\n\nuntil Monday\n"

    with serving(site) as server:
        robot = Robot(server, ROBOT, "cours", answer)
        with robots(robot):
            assert post(server, WRITER, ["cours"], CONTENT).code == 250
            until(lambda: robot.refusal)
        assert robot.refusal.startswith("554 5.7.2 cours ")
        assert len(mails(server, READER)) == 1


def test_the_null_sender_reaches_no_list_and_everybody_else(site: Path) -> None:
    lists_of(site).put("cours", [READER])
    with serving(site) as server:
        assert post(server, "", ["cours"], CONTENT).code == 550
        assert post(server, "", [READER], CONTENT).code == 250


def test_two_accounts_that_forward_to_each_other(site: Path) -> None:
    """No list at all: the Received fields count the turns (RFC 5321 §6.3)."""
    with serving(site) as server:
        first, second = Robot(server, ROBOT, OTHER, whole), Robot(server, OTHER, ROBOT, whole)
        with robots(first, second):
            assert post(server, WRITER, [ROBOT], CONTENT).code == 250
            until(lambda: first.refusal or second.refusal)
        assert made(server, "two scripts between two accounts, header kept") == 1 + 50
        refusal = first.refusal or second.refusal
        assert refusal.startswith("554 5.4.6 loop: 2200000")
        assert f"@{DOMAIN} -> 2200000" in refusal


def test_the_budget_of_a_list_is_for_all_its_writers_together(tmp_path: Path) -> None:
    site = site_for(tmp_path / "site", ACCOUNTS, list_budget=3)
    lists_of(site).put("cours", [READER])
    with serving(site) as server:
        for sender in (OWNER, WRITER, ROBOT):
            assert post(server, sender, ["cours"], CONTENT).code == 250
        answer = post(server, OTHER, ["cours"], CONTENT)
        assert answer.code == 451
        assert answer.text.startswith(
            "4.7.1 3 messages to cours in ten minutes is the limit; go on"
        )
        assert post(server, OTHER, [READER], CONTENT).code == 250
