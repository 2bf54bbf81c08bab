"""The roster file, as registrars' offices and text editors write it."""

import pytest

from tpmailserver.admin.roster import read


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_any_line_end_with_or_without_byte_order_mark(mark, line_end):
    lines = [b"22000001", b"", b"# group 1", b"  00000002\t", b"ANNA # x", b"22000001"]
    roster = read(mark + line_end.join(lines))
    assert roster.numbers == ("22000001", "00000002", "anna")
    assert roster.faults == ()


def test_each_bad_line_is_named_with_its_number():
    roster = read(b"22000001\r\n\r\n22 000 002\r\n22000003\r\n;;\r\n1-9\r\n\xe9\r\n")
    assert [fault.line for fault in roster.faults] == [3, 5, 6, 7]
    assert "more than a number" in roster.faults[0].why
    assert "is a range" in roster.faults[2].why
    assert all(fault.why.isprintable() for fault in roster.faults)


def test_a_comment_may_be_in_any_encoding():
    assert read("22000001 # Zoé\n".encode("latin-1")).numbers == ("22000001",)


def test_utf_16_is_named_and_not_guessed():
    roster = read("22000001\n".encode("utf-16"))
    assert roster.numbers == ()
    assert "save it as UTF-8" in roster.faults[0].why


@pytest.mark.parametrize("octets", [b"", b"\n\n", b"# nobody\n", b"\xef\xbb\xbf"])
def test_an_empty_roster_has_no_fault(octets):
    assert read(octets).numbers == ()
    assert read(octets).faults == ()
