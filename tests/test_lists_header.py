"""What a message's own header says of loops and programs, however it is written."""

import pytest

from tpmailserver.delivery.header import Header


def header(*lines: bytes) -> Header:
    return Header(b"\n".join(lines) + b"\n\nbody\n")


@pytest.mark.parametrize(
    "value",
    [
        b" <td1.lab.example>",
        b"<TD1.Lab.Example>",
        b"\n <td1.lab.example>",
        b" all of\n\tus <td1.lab.example> (a list)",
        b" < td1.lab.example >",
        b" <td1.\n lab.example>",
        b' "<other.example>" <td1.lab.example>',
        b" \xe9l\xc3\xa8ves <td1.lab.example>",
        b" " + b"<" * 60_000 + b"td1.lab.example>",
    ],
)
def test_a_list_is_known_again(value: bytes) -> None:
    assert header(b"LIST-ID:" + value).list_ids == ("td1.lab.example",)


def test_the_list_that_came_first_is_named_first() -> None:
    """Each puts its fields on top."""
    found = header(b"List-Id: <b.example>", b"Subject: x", b"List-Id: <a.example>").list_ids
    assert found == ("a.example", "b.example")


@pytest.mark.parametrize(
    "line",
    [
        b"X-List-Id: <td1.lab.example>",
        b"\nList-Id: <td1.lab.example>",
        b" List-Id: <td1.lab.example>",
        b"List-Id: td1",
    ],
)
def test_what_names_no_list(line: bytes) -> None:
    assert header(b"Subject: x", line).list_ids == ()


@pytest.mark.parametrize(
    ("value", "automatic"),
    [
        (b" auto-replied", True),
        (b" auto-generated; owner-email=22000001", True),
        (b"\n\tauto-notified", True),
        (b" (no) auto-replied", True),
        (b" (no (no) no)auto-replied", True),
        (b" of some new kind", True),
        (b" no", False),
        (b" No(by hand)", False),
        (b" (by hand) no; x=y", False),
        (b"", False),
        (b" " + b"(" * 60_000, False),
    ],
)
def test_a_program_says_that_it_is_one(value: bytes, automatic: bool) -> None:
    assert header(b"Auto-Submitted:" + value).is_automatic is automatic
