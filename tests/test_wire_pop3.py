"""What a POP3 session says to refusals of policy that a conversation cannot bring about.

Here the answers are given by hand: to the machine, every answer is as good as another.
"""

import re

import pytest

from tpmailserver.model import MaildropOpened, Message, Reason, Refusal
from tpmailserver.wire.contract import Ask, Close, Output, Send, Update
from tpmailserver.wire.pop3 import Pop3Session, Pop3Terms

# RFC 2449 §8.1 and RFC 3206: the response codes that there are, AUTH for credentials only.
RESPONSE_CODE = re.compile(rb"-ERR (?:\[(?:IN-USE|AUTH|SYS/TEMP|SYS/PERM)\] )?[^\[\r\n]")
FACTS = ("td1", "members", "12:00:00")


class Spoken:
    """A session that is spoken to line by line."""

    def __init__(self) -> None:
        self.now = 0.0
        self.machine = Pop3Session(Pop3Terms("mail.example.org", "tpmailserver"), lambda: self.now)
        self.machine.begin()

    def say(self, line: str) -> list[Output]:
        return self.machine.receive(line.encode() + b"\r\n")

    def log_in(self, *messages: Message) -> None:
        self.say("USER 22000001")
        self.say("PASS 22000001")
        self.machine.answer(MaildropOpened("22000001", messages))


def one_reply(outputs: list[Output]) -> bytes:
    """The one line that came, whatever else the machine wants."""
    line = b"".join(each.octets for each in outputs if isinstance(each, Send))
    assert line.endswith(b"\r\n")
    assert line.count(b"\n") == 1
    assert len(line) <= 512
    assert line.isascii()
    return line


def message(number: int) -> Message:
    return Message(f"new/{number}", f"uid{number}", 20, 18)


@pytest.mark.parametrize("reason", Reason)
def test_every_refusal_is_one_line_with_a_response_code_that_there_is(reason: Reason) -> None:
    session = Spoken()
    session.say("USER 22000001")
    session.say("PASS 22000001")
    outputs = session.machine.answer(Refusal(reason, FACTS))
    assert RESPONSE_CODE.match(one_reply(outputs))
    ends = reason in (Reason.STOPPING, Reason.EXPELLED, Reason.FROZEN)
    assert isinstance(outputs[-1], Close) == ends
    if not ends:
        assert one_reply(session.say("STAT")) == b"-ERR log in first: USER, then PASS\r\n"


@pytest.mark.parametrize(
    ("refusal", "line"),
    [
        (
            Refusal(Reason.LOGINS_BUSY),
            b"-ERR [SYS/TEMP] too many logins at once; try again soon\r\n",
        ),
        (
            Refusal(Reason.TROUBLE),
            b"-ERR [SYS/TEMP] trouble on the server's side; try again later\r\n",
        ),
        (
            Refusal(Reason.NO_SPACE),
            b"-ERR [SYS/TEMP] the server is short of space; try again later\r\n",
        ),
    ],
)
def test_trouble_at_login_is_no_failed_login(refusal: Refusal, line: bytes) -> None:
    session = Spoken()
    for _ in range(20):
        session.say("USER 22000001")
        session.say("PASS 22000001")
        assert one_reply(session.machine.answer(refusal)) == line


@pytest.mark.parametrize("verb", ["RETR 1", "TOP 1 0"])
def test_trouble_with_one_message_leaves_the_others(verb: str) -> None:
    session = Spoken()
    session.log_in(message(1), message(2))
    session.say(verb)
    reply = one_reply(session.machine.answer(Refusal(Reason.TROUBLE)))
    assert reply.startswith(b"-ERR [SYS/TEMP] trouble")
    assert one_reply(session.say("STAT")) == b"+OK 2 40\r\n"


def test_what_cannot_be_removed_is_said_before_the_close() -> None:
    """RFC 1939 §6: -ERR where some messages were not removed, and the session ends either way."""
    session = Spoken()
    session.log_in(message(1), message(2), message(3))
    session.say("DELE 3")
    session.say("DELE 1")
    (asked,) = session.say("QUIT")
    assert isinstance(asked, Ask)
    assert isinstance(asked.question, Update)
    assert asked.question.deleted == (message(1), message(3))
    outputs = session.machine.answer(Refusal(Reason.NOT_ALL_REMOVED, ("1",)))
    wanted = b"-ERR [SYS/TEMP] some messages not removed (1); they will be there again\r\n"
    assert one_reply(outputs) == wanted
    assert isinstance(outputs[-1], Close)


@pytest.mark.parametrize(
    ("refusal", "line"),
    [
        (
            Refusal(Reason.STOPPING),
            b"-ERR [SYS/TEMP] the server is stopping; try again later\r\n",
        ),
        (
            Refusal(Reason.EXPELLED, ("your maildrop is being reset",)),
            b"-ERR [SYS/TEMP] your maildrop is being reset\r\n",
        ),
    ],
)
def test_the_server_ends_a_session_with_one_line(refusal: Refusal, line: bytes) -> None:
    session = Spoken()
    session.log_in(message(1))
    session.say("DELE 1")
    outputs = session.machine.interrupt(refusal)
    assert one_reply(outputs) == line
    assert isinstance(outputs[-1], Close)
    assert session.say("QUIT") == []


def test_a_line_in_cr_alone_ends_an_auth_exchange() -> None:
    """The -ERR ends it for the client (RFC 5034 §4), so the next line is a command."""
    session = Spoken()
    session.say("AUTH LOGIN")
    assert session.machine.receive(b"MjIwMDAwMDE=\r") == []
    session.now += 5
    reply = one_reply(session.machine.wake(session.now))
    assert reply == b"-ERR end a line with CR LF; that one ended in CR alone\r\n"
    assert one_reply(session.say("USER 22000001")) == b"+OK now send PASS\r\n"


def test_nothing_is_answered_while_a_question_waits() -> None:
    """RFC 2449 §6.6: replies in order, so what comes meanwhile is kept until the answer."""
    session = Spoken()
    session.say("USER 22000001")
    session.say("PASS 22000001")
    assert session.say("STAT") == []
    assert session.machine.end_of_input() == []
    outputs = session.machine.answer(MaildropOpened("22000001", (message(1),)))
    said = b"".join(each.octets for each in outputs if isinstance(each, Send))
    assert said == b"+OK maildrop of 22000001 has 1 message (20 octets)\r\n+OK 1 20\r\n"
    assert isinstance(outputs[-1], Close)
