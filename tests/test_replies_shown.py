"""Every reply of SMTP's catalogue is heard in a conversation.

A reply that no conversation shows is one that nobody has read, and no student finds its example.
"""

import re

import pytest

from tpmailserver.model import Reason
from tpmailserver.wire.refusals import REFUSALS
from tpmailserver.wire.replies import FLAWS, Reply, Smtp, smtp_fault
from tpmailserver.wire.sasl import Fault

from .transcript import Expected, all_transcripts, read, unescaped

NOT_IN_A_CONVERSATION = {
    Reason.LOGINS_BUSY: "sixty-four logins would have to wait for a thread",
    Reason.EXPELLED: "the instructor ends the session",
    Reason.STOPPING: "the server stops",
    Reason.FROZEN: "the instructor stops a protocol for a while",
    Reason.NO_SPACE: "the disk is full",
    Reason.TROUBLE: "the disk is broken",
    Reason.MAILDROP_IN_USE: "POP3 alone has maildrops",
    Reason.MESSAGE_GONE: "POP3 alone reads messages",
    Reason.NOT_ALL_REMOVED: "POP3 alone removes messages",
}
GREETS_WITHOUT_STATUS = {
    Reason.FOREIGN_NETWORK,
    Reason.TOO_MANY_SESSIONS,
    Reason.TOO_MANY_FROM_ADDRESS,
}


def catalogue() -> dict[str, Reply]:
    replies = {name: reply for name, reply in vars(Smtp).items() if isinstance(reply, Reply)}
    replies |= {each.name: reply for each, reply in FLAWS.items()}
    replies |= {each.name: smtp_fault(each) for each in Fault}
    for reason, said in REFUSALS.items():
        if reason not in NOT_IN_A_CONVERSATION:
            status = "" if reason in GREETS_WITHOUT_STATUS else said.status
            replies[reason.name] = Reply(said.code, status, said.text)
    return {name: reply for name, reply in replies.items() if reply.text}


def lines_expected() -> set[str]:
    said: set[str] = set()
    for path in all_transcripts():
        for step in read(path).steps:
            if isinstance(step, Expected):
                said.update(unescaped(step.text).decode("latin-1").split("\r\n"))
    return said


LINES = lines_expected()


@pytest.mark.parametrize("name", catalogue())
def test_is_heard_in_a_conversation(name: str) -> None:
    reply = catalogue()[name]
    words = (
        f"{reply.code} {reply.status} {reply.text}"
        if reply.status
        else f"{reply.code} {reply.text}"
    )
    pattern = re.compile(".*".join(map(re.escape, re.split(r"\{\w*\}", words))))
    assert any(map(pattern.fullmatch, LINES)), f"no conversation shows {words!r}"
