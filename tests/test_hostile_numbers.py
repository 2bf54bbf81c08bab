"""Message numbers that are none: one clear line for each, and nothing is read or removed by it."""

import pytest

from .faults import Peer, pop3
from .process import Account, ServerProcess

ODD = (
    *("0", "-1", "+1", "1e3", "1.0", "0x1", "1_000", "1,2", "1-2", "*", "1;", "1'--", "one", "<1>"),
    *(str(2**31), str(2**32 + 1), str(2**63), str(2**64), str(2**64 + 1), "9" * 400),
    *("\N{ARABIC-INDIC DIGIT ONE}", "\N{FULLWIDTH DIGIT ONE}", "\N{SUPERSCRIPT ONE}"),
    *("1 2", "1\t1", "2 1", "\N{NO-BREAK SPACE}1", "1" + "0" * 10_000, "0" * 10_000 + "1"),
)
SPELT = ("01", "1 ", "1\t", "  1", "0" * 400 + "1")
"""Which are one all the same."""


@pytest.fixture
def reader(server: ServerProcess, student: Account) -> Peer:
    server.deliver(student, b"Subject: one\n", b"Subject: two\n")
    return pop3(server.pop3, student.number)


@pytest.mark.parametrize("number", ODD, ids=lambda number: ascii(number)[:20])
def test_an_odd_number_is_refused_in_one_line(reader: Peer, number: str) -> None:
    with reader:
        stat = reader.say("STAT")
        for line in (
            f"LIST {number}",
            f"UIDL {number}",
            f"RETR {number}",
            f"DELE {number}",
            f"TOP {number} 0" if number != "1 2" else "TOP 3 1 2",
            f"STAT {number}",
            f"RSET {number}",
            f"NOOP {number}",
        ):
            said = reader.say(line)
            assert said.startswith("-ERR "), (line, said)
            assert len(said) <= 510
            assert reader.say("STAT") == stat
        assert reader.say("QUIT") == "+OK goodbye, 0 messages removed"


@pytest.mark.parametrize("lines", ODD[1:], ids=lambda number: ascii(number)[:20])
def test_odd_lines_of_top_are_refused_or_many(reader: Peer, lines: str) -> None:
    with reader:
        said = reader.say(f"TOP 1 {lines}")
        if lines.isascii() and lines.isdigit() and len(lines) < 500:
            assert said.startswith("+OK")
            assert b"Subject: one\r\n" in reader.text()
        else:
            assert said.startswith("-ERR "), said
        assert reader.say("NOOP").startswith("+OK")


@pytest.mark.parametrize("number", SPELT, ids=lambda number: ascii(number)[:20])
def test_one_may_be_spelt_in_many_ways(reader: Peer, number: str) -> None:
    with reader:
        assert reader.say(f"LIST {number}").startswith("+OK 1 ")
        assert reader.say(f"UIDL {number}").startswith("+OK 1 ")
        assert reader.say(f"RETR {number}").startswith("+OK")
        assert b"Subject: one\r\n" in reader.text()
        assert reader.say(f"DELE {number}").startswith("+OK")
        assert reader.say("RSET").startswith("+OK")
