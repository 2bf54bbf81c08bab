"""Templates of seed packs: octets stay octets, fields are filled in, and slips are named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpmailserver.admin.mails import as_stored, read_mail
from tpmailserver.admin.templates import Occasion, Slip, Student, filler, parse
from tpmailserver.model import Address

ALICE = Student("22000001", "tp1", "22000002")
BOB = Student("22000002", "tp1", "22000001")
NOW = Occasion("tp2", "01.eml", 1, "lab.example", "Mon, 23 Nov 2026 20:09:24 +0000", "1.M2R3.h")


def filled(octets: bytes, student: Student = ALICE, occasion: Occasion = NOW) -> bytes:
    template, slips = parse(octets)
    assert slips == ()
    return template.fill(student, occasion)


@pytest.mark.parametrize(
    ("written", "comes_to"),
    [
        (b"{number}@{domain}", b"22000001@lab.example"),
        (b"{group} {neighbour} {n}", b"tp1 22000002 1"),
        (b"{date}|{id}", b"Mon, 23 Nov 2026 20:09:24 +0000|1.M2R3.h"),
        (b"p {{ color: red }", b"p { color: red }"),
        (b"{{{number}}", b"{22000001}"),
        (b"{{number}", b"{number}"),
        (b"}}", b"}}"),
        (b"caf\xe9 \xc3\xa9 \x01\r\nx\r {n}\n", b"caf\xe9 \xc3\xa9 \x01\r\nx\r 1\n"),
        (b"{pick:\xe9t\xe9|\xe9t\xe9}", b"\xe9t\xe9"),
        (b"{filler:70}{n}", b"00000001 " + b"." * 54 + b"\n00000\n1"),
        (b"", b""),
    ],
)
def test_fields_are_filled_in_and_nothing_else_is_touched(written: bytes, comes_to: bytes) -> None:
    assert filled(written) == comes_to


def test_what_is_drawn_is_the_same_every_time_and_on_every_machine() -> None:
    """These are the values that classes have seen: they never change again."""
    written = b"{random:6} {random:6} {random:6:b} {pick:red|green|blue}"
    assert filled(written) == b"042656 042656 605891 red"
    assert filled(written, BOB) == b"586428 586428 299591 blue"
    other_mail = Occasion("tp2", "02.eml", 2, NOW.domain, NOW.date)
    assert filled(written, ALICE, other_mail) == b"046659 046659 205161 green"
    later = Occasion("tp2", "01.eml", 9, "other.example", "another day", "other")
    assert filled(written, ALICE, later) == filled(written)


@pytest.mark.parametrize("digits", [1, 9, 10, 59, 60])
def test_random_has_as_many_digits_as_asked_for(digits: int) -> None:
    numbers = {filled(b"{random:%d}" % digits, Student(str(n), "", "")) for n in range(50)}
    assert {len(each) for each in numbers} == {digits}
    assert all(each.isdigit() for each in numbers)
    assert len(numbers) > 1


@pytest.mark.parametrize("octets", [1, 63, 64, 65, 128, 1_048_576])
def test_filler_has_exactly_so_many_octets_in_numbered_lines(octets: int) -> None:
    made = filler(octets)
    assert len(made) == octets
    lines = made.split(b"\n")
    assert lines.pop() == b""
    assert max(map(len, lines)) <= 63
    assert lines[-1] in (b"%08d " % len(lines)).ljust(63, b".")


@pytest.mark.parametrize(
    ("written", "line", "says"),
    [
        (b"\n\n{nubmer}", 3, "did you mean {number}?"),
        (b"{Number}", 1, "did you mean {number}?"),
        (b"{ number }", 1, "did you mean {number}?"),
        (b"{color: red}", 1, "fields are number, group"),
        (b"{\xff}", 1, "'{\\\\xff}' is no field"),
        (b"{}", 1, "is no field"),
        (b"a\n{number", 2, 'not closed with "}"'),
        (b"{number\n}", 1, 'not closed with "}"'),
        (b"{number{n}", 1, 'not closed with "}"'),
        (b"{", 1, 'not closed with "}"'),
        (b"{{{", 1, 'not closed with "}"'),
        (b"{number:}", 1, "is written: {number}"),
        (b"{number:1}", 1, "is written: {number}"),
        (b"{random}", 1, "{random:6} for six digits"),
        (b"{random:0}", 1, "{random:6} for six digits"),
        (b"{random:61}", 1, "at most 60"),
        (b"{random:06}", 1, "{random:6} for six digits"),
        (b"{pick:a}", 1, "{pick:one|another}"),
        (b"{pick}", 1, "{pick:one|another}"),
        (b"{filler:0}", 1, "{filler:1000}"),
        (b"{filler:16777217}", 1, "at most 16,777,216"),
        ("{filler:٣}".encode(), 1, "{filler:1000}"),
    ],
)
def test_what_is_no_field_is_named_with_its_line(written: bytes, line: int, says: str) -> None:
    _, (slip,) = parse(written)
    assert slip.line == line
    assert says in slip.why
    assert "\n" not in slip.why


def test_every_slip_is_named_and_lines_are_counted_from_where_the_text_begins() -> None:
    _, slips = parse(b"{a}\r\n{n}{b}\r\n\r\n{c", first_line=3)
    assert [each.line for each in slips] == [3, 4, 6]


@given(st.binary() | st.text("{}:|rn6\n").map(str.encode))
def test_any_octets_are_a_template_or_have_a_slip(octets: bytes) -> None:
    template, slips = parse(octets)
    if not slips and b"{" not in octets:
        assert template.fill(ALICE, NOW) == octets
    for each in slips:
        assert 1 <= each.line <= octets.count(b"\n") + 1


def test_what_is_a_students_own_tells_who_gets_the_same_file() -> None:
    same, _ = parse(b"{domain} {n} {date} {id} {filler:9}")
    assert same.own(ALICE, NOW) == same.own(BOB, NOW) == ()
    for written in (b"{number}", b"{neighbour}", b"{random:9}"):
        theirs, _ = parse(written)
        assert theirs.own(ALICE, NOW) != theirs.own(BOB, NOW)
    group, _ = parse(b"{group}")
    assert group.own(ALICE, NOW) == group.own(BOB, NOW)


@pytest.mark.parametrize(
    ("saved", "stored"),
    [
        (b"A: b\r\n\r\nx\r\n", b"A: b\n\nx\n"),
        (b"A: b\r\n\r\nx\ny\r\n\rz", b"A: b\n\nx\ny\n\rz"),
        (b"A: b\n\nx\r\ny\n", b"A: b\n\nx\r\ny\n"),
        (b"x", b"x"),
        (b"x\r", b"x\r"),
    ],
)
def test_the_first_line_says_which_line_ends_a_file_has(saved: bytes, stored: bytes) -> None:
    assert as_stored(saved) == stored
    mail, slips = read_mail("01.eml", saved)
    assert slips == ()
    assert mail.content.fill(ALICE, NOW) == stored


def test_seed_lines_are_taken_out_and_make_the_envelope() -> None:
    mail, slips = read_mail(
        "01.eml",
        b"X-Seed-Sender: {neighbour}\r\nx-seed-helo:pc-{n}\r\nX-SEED-Address: ::ffff:10.3.17.4\r\n"
        b"X-Seed-Login: {number}\r\nFrom: a\r\n\r\nX-Seed-Sender: in the body\r\n",
    )
    assert slips == ()
    assert mail.content.fill(ALICE, NOW) == b"From: a\n\nX-Seed-Sender: in the body\n"
    envelope = mail.envelope(ALICE, NOW)
    assert envelope.sender == Address("22000002", "lab.example")
    assert (envelope.helo, str(envelope.client)) == ("pc-1", "10.3.17.4")
    assert (envelope.login, envelope.protocol) == ("22000001", "ESMTPA")
    assert mail.own(ALICE, NOW) != mail.own(BOB, NOW)


@pytest.mark.parametrize(
    ("lines", "sender", "protocol"),
    [
        (b"", Address("postmaster", "lab.example"), "local"),
        (b"X-Seed-Sender: <>\n", None, "local"),
        (b"X-Seed-Sender: a.b@c.example\n", Address("a.b", "c.example"), "local"),
        (b"X-Seed-Address: fd00::1\n", Address("postmaster", "lab.example"), "SMTP"),
        (b"X-Seed-Helo: pc\n", Address("postmaster", "lab.example"), "SMTP"),
    ],
)
def test_what_seed_lines_do_not_say_has_a_default(
    lines: bytes, sender: Address | None, protocol: str
) -> None:
    mail, slips = read_mail("01.eml", lines + b"From: a\n\nx\n")
    assert slips == ()
    envelope = mail.envelope(ALICE, NOW)
    assert (envelope.sender, envelope.protocol) == (sender, protocol)


@pytest.mark.parametrize(
    ("octets", "line", "says"),
    [
        (b"X-Seed-Sender: a b\n\n", 1, "an address, a number, or <>, not 'a b'"),
        (b"X-Seed-Sender:\n\n", 1, "not ''"),
        (b"X-Seed-Helo: p c\n\n", 1, "the name of a machine"),
        (b"X-Seed-Address: pc\n\n", 1, "an IPv4 or IPv6 address"),
        (b"X-Seed-Login: <>\n\n", 1, "takes a number"),
        (b"X-Seed-Login: a\nX-Seed-Login: b\n\n", 2, "a second X-Seed-Login"),
        (b"X-Seed-Form: a\n\n", 1, "there are X-Seed-Sender"),
        (b"X-Seed-Sender: {nubmer}\n\n", 1, "did you mean {number}?"),
        (b"From: a\nX-Seed-Sender: b\n\nx\n", 2, "at the very top"),
        (b"X-Seed-Helo: a\nFrom: a\nX-Seed-Sender: b\n\nx\n", 3, "at the very top"),
        (b"X-Seed-Helo: a\n\nx\n\n{y}\n", 5, "is no field"),
        (b"", 0, "the file is empty"),
        (b"\xef\xbb\xbfFrom: a\n\n", 1, "byte order mark"),
        (b"From: a\n\n\0\n", 3, "a NUL"),
        ("From: a\n\n".encode("utf-16"), 1, "a NUL"),
    ],
)
def test_a_mail_that_cannot_be_used_is_named_with_its_line(
    octets: bytes, line: int, says: str
) -> None:
    _, (slip,) = read_mail("01.eml", octets)
    assert isinstance(slip, Slip)
    assert slip.line == line
    assert says in slip.why
