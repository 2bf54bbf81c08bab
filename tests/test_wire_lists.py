"""What an SMTP session asks and says about lists, whatever policy and a list's program answer.

The answers are given by hand: to the machine, every answer is as good as another.
"""

import re

import pytest

from tpmailserver.model import Address, Delivered, Known, LoggedIn, Reason, Refusal
from tpmailserver.wire.contract import Ask, Expand, Output, Pause, Send, Verify
from tpmailserver.wire.smtp import SmtpSession, SmtpTerms

HOST = "mail.example.org"
PIECE = 64 * 1024
ALICE, BOB = Address("22000001", HOST), Address("22000002", HOST)
SMTP_LINE = re.compile(rb"([2-5])\d\d (\1\.\d\.\d )?[ -~]+\r\n")


class Spoken:
    """A session that is spoken to line by line."""

    def __init__(self, language: str = "en") -> None:
        self.machine = SmtpSession(SmtpTerms(HOST, language=language), lambda: 0.0)
        self.machine.begin()
        self.say("EHLO mypc")

    def say(self, line: str | bytes) -> list[Output]:
        octets = line.encode() if isinstance(line, str) else line
        return self.machine.receive(octets + b"\r\n")

    def hears(self, line: str, outcome: object) -> bytes:
        """What is said to a line whose question is answered so."""
        (asked,) = self.say(line)
        assert isinstance(asked, Ask)
        return said(self.machine.answer(outcome))  # type: ignore[arg-type]

    def sends(self, delivered: Delivered | Refusal) -> bytes:
        """What is said to the final dot of a message with this fate."""
        for line in ("MAIL FROM:<22000001>", "RCPT TO:<td1>", "DATA"):
            self.say(line)
            self.machine.answer(LoggedIn(""))  # anything but a refusal
        self.say("Subject: x\r\n\r\nx\r\n.")
        return said(self.machine.answer(delivered))


def said(outputs: list[Output]) -> bytes:
    return b"".join(each.octets for each in outputs if isinstance(each, Send))


def question(outputs: list[Output]) -> object:
    last = outputs[-1]
    assert isinstance(last, Ask), last
    return last.question


# VRFY and EXPN.


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        (b"td1", "td1"),
        (b"  TD1  ", "TD1"),
        (b"td1@mail.example.org", "td1@mail.example.org"),
        (b"<td1@mail.example.org>", "td1@mail.example.org"),
        (b"< td1 >", "td1"),
        (b"td1 SMTPUTF8", "td1"),
        (b"<td1> smtputf8 ", "td1"),
        (b'"td1"', "td1"),
        (b'"Bob \\"B\\" Martin"', 'Bob "B" Martin'),
        (b"Bob Martin", "Bob Martin"),
        (b"<td1", "<td1"),
        ("rené".encode(), "rené"),
        (b"ren\xe9", "ren\ufffd"),
        (b"x" * 256, "x" * 256),
    ],
)
def test_a_name_is_asked_about_as_it_was_meant(typed: bytes, name: str) -> None:
    assert question(Spoken().say(b"VRFY " + typed)) == Verify(name, "")
    assert question(Spoken().say(b"EXPN " + typed)) == Expand(name, "")


@pytest.mark.parametrize("verb", ["VRFY", "EXPN"])
def test_what_is_no_name_is_not_asked_about(verb: str) -> None:
    session = Spoken()
    for nothing in ("", " ", " <>", ' ""', "  SMTPUTF8"):
        assert said(session.say(verb + nothing)).startswith(
            b"501 5.5.4 the form is " + verb.encode()
        )
    assert said(session.say(f"{verb} {'x' * 257}")) == b"501 5.1.3 the path is over 256 octets\r\n"


def test_policy_hears_who_asks() -> None:
    session = Spoken()
    session.hears("AUTH PLAIN ADIyMDAwMDAxADIyMDAwMDAx", LoggedIn("22000001"))
    assert question(session.say("EXPN td1")) == Expand("td1", "22000001")


def test_a_known_name_has_an_address() -> None:
    line = b"250 2.1.5 <22000001@mail.example.org>\r\n"
    assert Spoken().hears("VRFY 22000001", Known((ALICE,))) == line


def test_a_list_has_a_line_for_each_member() -> None:
    lines = b"250-2.1.5 <22000001@mail.example.org>\r\n250 2.1.5 <22000002@mail.example.org>\r\n"
    assert Spoken().hears("EXPN td1", Known((ALICE, BOB))) == lines
    assert Spoken().hears("EXPN td1", Known((BOB,))) == lines.splitlines(keepends=True)[1]


def test_the_longest_address_is_said_whole() -> None:
    longest = Address("x" * 64, "y" * 255)
    assert str(longest).encode() in Spoken().hears("EXPN td1", Known((longest, ALICE)))


def test_what_is_not_told_is_no_refusal() -> None:
    """252 counts as a good command, 550 neither as good nor as bad (RFC 5321 §4.2.1)."""
    session = Spoken()
    for answer, verb_is_known in ((Reason.NO_LIST, False), (Reason.NOT_VERIFIED, True)):
        for _ in range(49):
            session.say("XYZZY")
        session.hears("EXPN td1", Refusal(answer, ("td1",)))
        last = said(session.say("XYZZY"))
        assert last.startswith(b"500 " if verb_is_known else b"421 ")
        session = Spoken()


# A list of 30,000.

MANY = Known(tuple(Address(f"{number:08}", HOST) for number in range(30_000)))


def test_a_client_that_reads_nothing_is_said_one_piece() -> None:
    """Ten thousand EXPN of fourteen octets each would else ask for fourteen gigabytes."""
    session = Spoken()
    asked = session.machine.receive(b"EXPN promo\r\n" * 10_000)
    assert asked == [Ask(Expand("promo", ""))]
    piece = session.machine.answer(MANY)
    assert question(piece) == Pause()
    assert len(said(piece)) <= PIECE + 512
    assert session.say("NOOP") == []


def test_a_client_that_reads_hears_every_member_in_order() -> None:
    session = Spoken()
    outputs = session.machine.receive(b"EXPN promo\r\nNOOP\r\n")
    assert question(outputs) == Expand("promo", "")
    outputs = session.machine.answer(MANY)
    heard = said(outputs)
    while isinstance(outputs[-1], Ask):
        assert len(said(outputs)) <= PIECE + 512
        outputs = session.machine.answer(LoggedIn(""))
        heard += said(outputs)
    *members, last, ok = heard.splitlines(keepends=True)
    wanted = [b"2.1.5 <%08d@mail.example.org>\r\n" % number for number in range(30_000)]
    assert [b"250-" + each for each in wanted[:-1]] == members
    assert last == b"250 " + wanted[-1]
    assert ok == b"250 2.0.0 OK\r\n"


def test_a_client_that_is_gone_is_not_told_the_rest() -> None:
    session = Spoken()
    session.machine.receive(b"EXPN promo\r\nNOOP\r\n")
    session.machine.answer(MANY)
    assert said(session.machine.answer(Refusal(Reason.TROUBLE))) == b"250 2.0.0 OK\r\n"


# Reasons.

FACTS = {
    Reason.NOT_FOR_YOU_TO_POST: ("td1", "members"),
    Reason.LIST_SUSPENDED: ("td1", "loop: td1 -> liste-b -> td1"),
    Reason.LIST_BUDGET_SPENT: ("td1", "600", "10:40:00"),
    Reason.LIST_LOOP: ("td1 -> liste-b -> td1",),
    Reason.DECLINED: ("td1", "délai dépassé"),
}
LISTS = {
    Reason.NULL_SENDER_TO_LIST: b"550 5.7.2 td1 is a list and takes no mail from <>: ",
    Reason.NOT_FOR_YOU_TO_POST: b"550 5.7.2 td1 takes mail from its members only\r\n",
    Reason.LIST_EMPTY: b"550 5.2.4 nobody is on the list td1 yet; ",
    Reason.LIST_FULL: b"452 4.2.2 too much waits on the list td1; its owner must approve or reject",
    Reason.LIST_SUSPENDED: b"450 4.2.1 td1 is suspended until its teacher resumes it: loop: td1",
    Reason.LIST_BUDGET_SPENT: b"451 4.7.1 600 messages to td1 in ten minutes is the limit; go on at"
    b" 10:40:00\r\n",
    Reason.LIST_LOOP: b"554 5.4.6 loop: td1 -> liste-b -> td1; ",
    Reason.AUTOMATIC_TO_LIST: b"554 5.7.2 td1 is a list and sends on no automatic answer ",
    Reason.NOT_EXPANDED: b"451 4.2.4 the program of td1 failed; ",
    Reason.DECLINED: b"554 5.7.1 td1 does not take this message: delai depasse\r\n",
    Reason.NO_LIST: b"550 5.1.1 there is no list td1 here\r\n",
    Reason.LIST_HIDDEN: b"252 2.0.0 the members of td1 are shown to its members only, ",
    Reason.EXPANDED_BY_PROGRAM: b"252 2.0.0 a program decides with each message who gets ",
    Reason.NOT_VERIFIED: b"252 2.0.0 cannot tell about td1 here, but RCPT TO will\r\n",
}


@pytest.mark.parametrize("reason", LISTS)
def test_a_reason_has_a_code_and_says_what_to_do(reason: Reason) -> None:
    refusal = Refusal(reason, FACTS.get(reason, ("td1",)))
    line = Spoken().hears("EXPN td1", refusal)
    assert line.startswith(LISTS[reason])
    french = Spoken("fr").hears("EXPN td1", refusal)
    assert french[:9] == line[:9]
    assert french != line


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("reason", Reason)
def test_every_refusal_is_one_line(reason: Reason, language: str) -> None:
    facts = ("x" * 300, "members", "é" * 600)
    line = Spoken(language).hears("EXPN td1", Refusal(reason, facts))
    assert SMTP_LINE.fullmatch(line), line
    assert len(line) <= 512


def test_who_may_write_is_worded_and_a_name_is_not() -> None:
    refusal = Refusal(Reason.NOT_FOR_YOU_TO_POST, ("members", "owner"))
    assert (
        Spoken().hears("EXPN x", refusal) == b"550 5.7.2 members takes mail from its owner only\r\n"
    )
    french = Spoken("fr").hears("EXPN x", refusal)
    assert french == b"550 5.7.2 members ne prend de courrier que de son proprietaire\r\n"


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("Le quota « été » est dépassé", 'Le quota " ete " est depasse'),
        ("C\u2019est écrit \u2013 au cœur…", "C'est ecrit - au coeur..."),
        ("Δεν γίνεται", "??? ???????"),
        ("{0} {list} %s", "{0} {list} %s"),
        ("a\r\n250 2.0.0 delivered", "a??250 2.0.0 delivered"),
        ("\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 100_000, "??? ???? "),
        ("x" * 1_000_000, "x" * 400),
    ],
)
def test_a_program_s_own_words_stay_one_line_of_ascii(why: str, words: str) -> None:
    line = Spoken().sends(Refusal(Reason.DECLINED, ("td1", why)))
    assert SMTP_LINE.fullmatch(line)
    assert len(line) <= 512
    assert line.startswith(f"554 5.7.1 td1 does not take this message: {words}".encode())


# The final dot.

HELD = {
    ("en", Delivered(2, "ID", ())): b"250 2.0.0 delivered to 2 mailboxes, id=ID\r\n",
    ("en", Delivered(1, "ID", ("td1",))): (
        b"250 2.0.0 delivered to 1 mailbox, held for the owner of td1, id=ID\r\n"
    ),
    ("en", Delivered(0, "ID", ("td1", "td2"))): (
        b"250 2.0.0 held for the owner of td1, td2, id=ID\r\n"
    ),
    ("en", Delivered(0, "ID", ())): (
        b"250 2.0.0 taken by the list's program, which sends it to nobody, id=ID\r\n"
    ),
    ("fr", Delivered(1, "ID", ("td1",))): (
        b"250 2.0.0 remis dans 1 boite, en attente chez le proprietaire de td1, id=ID\r\n"
    ),
    ("fr", Delivered(0, "ID", ("td1",))): (
        b"250 2.0.0 en attente chez le proprietaire de td1, id=ID\r\n"
    ),
    ("fr", Delivered(0, "ID", ())): (
        b"250 2.0.0 pris par le programme de la liste, qui ne l'envoie a personne, id=ID\r\n"
    ),
}


@pytest.mark.parametrize(("language", "delivered"), HELD)
def test_the_final_dot_says_where_a_message_waits(language: str, delivered: Delivered) -> None:
    assert Spoken(language).sends(delivered) == HELD[language, delivered]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_many_lists_leave_room_for_the_id(language: str) -> None:
    names = tuple(f"{number:064}" for number in range(1000))
    line = Spoken(language).sends(Delivered(30_000, "1" * 70, names))
    assert line.endswith(b", ..., id=" + b"1" * 70 + b"\r\n")
    assert len(line) <= 512
