"""What is read of a message's own header beside its lists: whatever stands there, nothing fails."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpmailserver.delivery.header import Header, words


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
        ("=?é?q?x?=".encode(), "=?é?q?x?="),  # a charset that is no ASCII
        ("été".encode(), "été"),
        (b"\xe9t\xe9", "\ufffdt\ufffd"),
        (b"", ""),
    ],
)
def test_a_subject_is_shown_as_far_as_that_goes(subject: bytes, shown: str) -> None:
    header = Header(b"Subject: " + subject + b"\nSubject: second\n\n")
    assert words(header.first("subject")) == shown


@given(
    st.binary(max_size=200) | st.text("aA:<> \t\n=?-;bqutf8Subject", max_size=200).map(str.encode)
)
def test_nothing_fails(head: bytes) -> None:
    header = Header(b"Subject:" + head)
    assert isinstance(words(header.first("Subject")), str)
    assert header.hops >= 0
    assert isinstance(header.list_ids, tuple)
    assert header.is_automatic in (True, False)
