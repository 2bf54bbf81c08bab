"""What an instructor reads of a class at work: it fits a screen, and the stuck are on top."""

import re
import sys
import time
from dataclasses import replace

import pytest

from tpmailserver.admin.desk import FrozenSeen, HolderSeen, ServerFacts, SessionSeen
from tpmailserver.admin.sessions import Frozen, Kicked, Thawed
from tpmailserver.admin.status import PostsWaiting, Status
from tpmailserver.cli.faces import Words

NOW = time.time()
LISTENING = ("SMTP on [::] port 25 (every address, IPv4 as well)",) * 2


def session(account, protocol="POP3", state="in the maildrop", client="192.168.7.31", since=NOW):
    return SessionSeen(protocol, client, account, state, since)


def a_class(sessions, holders=(), frozen=()):
    facts = ServerFacts(1234567, NOW, LISTENING, 1_234, tuple(holders), tuple(frozen))
    return Status(facts, tuple(sessions), 42, 1)


@pytest.fixture
def shown(capsys, monkeypatch):
    """The lines of a report on a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")

    def show(report, how=Words.show):
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        how(Words(), report)
        return re.sub(r"\x1b\[\d*m", "", capsys.readouterr().out).splitlines()

    return show


def forty():
    readers = [
        session(f"220000{n:02}", client=f"2001:db8:7::{n:x}", since=NOW + n) for n in range(40)
    ]
    holders = [HolderSeen(each.account, each.client, each.since) for each in readers]
    stuck = session("", "SMTP", "in a message", "192.168.7.99", NOW - 900)
    return a_class([*readers, stuck], holders, [FrozenSeen("SMTP", NOW)])


def test_a_class_of_forty_fits_a_screen_and_the_stuck_is_on_top(shown):
    lines = shown(forty())
    assert len(lines) <= 22
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    for each in (
        "41 sessions (40 POP3, 1 SMTP) open, 40 maildrops held",
        "40 POP3 in the maildrop, 1 SMTP in a message",
        "FROZEN: SMTP since",
        "tpmail thaw smtp",
        "and 31 more: tpmail status --all",
    ):
        assert each in text
    rows = [line.split() for line in lines if "in a message" in line or "2001:" in line]
    assert rows[1][:2] == ["-", "192.168.7.99"]
    assert rows[2][0] == "22000000"


def test_lists_that_want_a_decision_are_named_on_a_line_each(shown):
    names = tuple(f"list{n}" for n in range(30))
    waiting = tuple(PostsWaiting(each, 7) for each in names)
    lines = shown(replace(forty(), suspended=names, waiting=waiting))
    assert len(lines) <= 22
    assert max(map(len, lines)) <= 80
    assert lines.count(
        "SUSPENDED: list0, list1, list2 and 27 more; tpmail list show list0 says why"
    )
    assert lines.count(
        "waiting for approval: list0 7, list1 7 and 28 more; see tpmail list show list0"
    )
    assert "and 33 more: tpmail status --all" in lines
    alone = shown(Status(None, (), 5, 2, ("td1",), (PostsWaiting("staff", 1),)))
    assert alone == [
        "no server runs on this site",
        "5 accounts in 2 groups",
        "SUSPENDED: td1; tpmail list show td1 says why",
        "waiting for approval: staff 1; see tpmail list show staff",
    ]


def test_all_of_them_are_shown_where_that_is_asked_for(shown):
    lines = shown(forty(), Words.show_whole)
    assert sum("2001:" in line for line in lines) == 40
    assert "more" not in lines[-1]


def test_a_student_has_one_line_whatever_they_have_open(shown):
    lines = shown(
        a_class(
            [
                session("22000001"),
                session("22000001", "SMTP", "greeted", since=NOW + 1),
                session("22000001", "SMTP", "greeted", since=NOW + 2),
            ],
            [HolderSeen("22000001", "192.168.7.31", NOW)],
        )
    )
    (line,) = [each for each in lines if "22000001" in each]
    assert line.split(maxsplit=3)[1] == "192.168.7.31"
    assert "POP3 in the maildrop, SMTP greeted x2" in line


def test_who_has_not_logged_in_is_a_line_an_address(shown):
    nobody = [session("", "SMTP", "before HELO", f"10.0.0.{n}") for n in (1, 1, 2)]
    lines = shown(a_class(nobody))
    assert sum("10.0.0." in each for each in lines) == 2
    assert any("SMTP before HELO x2" in each for each in lines)


def test_a_maildrop_that_is_held_without_a_session_is_shown_too(shown):
    lines = shown(a_class([], [HolderSeen("22000007", "another process", None)]))
    (line,) = [each for each in lines if "22000007" in each]
    assert "another process" in line
    assert "maildrop held" in line


def test_what_a_kick_and_a_freeze_have_done_is_said(shown):
    closed = (session("22000001"), session("22000001", "SMTP"), session("", "SMTP"))
    assert shown(Kicked(closed, ("22000002", "22000003"))) == [
        "3 sessions (1 POP3, 2 SMTP) closed; nothing is removed",
        "1 student told why: 22000001",
        "no session open: 22000002-22000003",
    ]
    assert shown(Kicked((), ("22000002",)))[0] == "0 sessions closed; nothing is removed"
    assert shown(Frozen(("SMTP", "POP3"), ("SMTP",), 2)) == [
        "POP3 stopped; 2 sessions told and closed",
        "SMTP stopped already",
        "who connects is told why; tpmail thaw lets them go on",
    ]
    assert shown(Thawed(("SMTP",), ("POP3",))) == ["SMTP goes on", "POP3 had not been stopped"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["kick"], "whom?"),
        (["kick", "--all", "22000001"], "say whom in one way"),
        (["freeze", "imap"], "imap"),
        (["thaw", "smtp", "pop3"], "pop3"),
    ],
)
def test_bad_usage_is_one_line(tpmail, arguments, says):
    status, output, errors = tpmail(*arguments)
    assert (status, output, errors.count("\n")) == (2, "", 1)
    assert says in errors


@pytest.mark.parametrize("arguments", [["kick", "--all"], ["freeze"], ["thaw", "SMTP"]])
def test_without_a_server_there_is_nothing_to_do_it_to(tpmail, tmp_path, arguments):
    tpmail("init")
    status, output, errors = tpmail(*arguments)
    assert (status, output, errors.count("\n")) == (1, "", 1)
    assert "no server runs on this site" in errors
