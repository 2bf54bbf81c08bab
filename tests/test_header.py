"""What is read of a message's own header: whatever stands there, nothing fails."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpmailserver.delivery.header import Header


@pytest.mark.parametrize(
    ("head", "lists"),
    [
        (b"List-Id: <td1.example.org>\n\n", ("td1.example.org",)),
        (b"LIST-ID:<TD1.Example.org>\n\n", ("td1.example.org",)),
        (b"List-Id : The first list\n\t<td1.example.org>\n\n", ("td1.example.org",)),
        (b"List-Id: <of a name> <td1.example.org>\n\n", ("td1.example.org",)),
        # Each hop puts its own on top.
        (b"List-Id: <b.x>\nSubject: x\nList-Id: <a.x>\n\n", ("a.x", "b.x")),
        (b"List-Id: td1.example.org\n\n", ()),
        (b"List-Id: \xff\xfe <a.x>\n\n", ("a.x",)),
        (b"X-List-Id: <a.x>\n\n", ()),
        (b"Subject: x\n List-Id: <a.x>\n\n", ()),
        (b"Subject: x\n\nList-Id: <a.x>\n", ()),
        (b"\nList-Id: <a.x>\n", ()),
        (b"no field\nList-Id: <a.x>\n\n", ("a.x",)),
        (b"", ()),
    ],
)
def test_the_lists_that_it_came_through(head: bytes, lists: tuple[str, ...]) -> None:
    assert Header(head).list_ids == lists


@pytest.mark.parametrize(
    ("value", "automatic"),
    [
        (b"no", False),
        (b" No (a remark)", False),
        (b"no; a=b", False),
        (b"", False),
        (b"auto-replied", True),
        (b"auto-generated; a=b", True),
        (b"\n auto-replied", True),
        (b"yes", True),
    ],
)
def test_whether_a_program_wrote_it(value: bytes, automatic: bool) -> None:
    assert Header(b"Auto-Submitted:" + value + b"\n\n").is_automatic is automatic


def test_one_of_two_fields_that_says_so_is_enough() -> None:
    head = b"Auto-Submitted: no\nAuto-Submitted: auto-replied\n\n"
    assert Header(head).is_automatic
    assert not Header(b"Subject: Auto-Submitted: auto-replied\n\n").is_automatic


def test_the_hops_are_the_received_fields() -> None:
    head = b"Received: by a\n\tReceived: folded\nX-Received: no\nreceived: by b\n\nReceived: body\n"
    assert Header(head).hops == 2


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        (b"two\n  lines", "two lines"),
        (b"=?utf-8?q?=C3=A9t=C3=A9?=", "été"),
        (b"=?no-such-charset?q?=C3=A9?=", "=?no-such-charset?q?=C3=A9?="),
        ("été".encode(), "été"),
        (b"\xe9t\xe9", "\ufffdt\ufffd"),
        (b"", ""),
    ],
)
def test_a_subject_is_shown_as_far_as_that_goes(subject: bytes, shown: str) -> None:
    assert Header(b"Subject: " + subject + b"\nSubject: second\n\n").first("subject") == shown


@given(
    st.binary(max_size=200) | st.text("aA:<> \t\n=?-;bqutf8Subject", max_size=200).map(str.encode)
)
def test_nothing_fails(head: bytes) -> None:
    header = Header(b"Subject:" + head)
    assert isinstance(header.first("Subject"), str)
    assert header.hops >= 0
    assert isinstance(header.list_ids, tuple)
    assert header.is_automatic in (True, False)
