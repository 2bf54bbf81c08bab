"""Lists have bounds: a list of everybody costs no more memory than its members, whoever asks."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tpmailserver.settings import Settings
from tpmailserver.site import open_site

from .faults import Server, serving, site_for, smtp

EVERYBODY = tuple(f"{number:08}" for number in range(22_000_001, 22_030_001))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of 30,000 accounts, who are all on the list "promo"."""
    folder = tmp_path_factory.mktemp("large") / "site"
    site = site_for(folder, EVERYBODY[:1], 'lists_visible = "open"')
    open_site(folder, Settings()).stores.database.add(EVERYBODY, "promo", 0.0)
    with serving(site) as server:
        yield server
        assert "Traceback" not in server.log


def test_a_list_that_is_read(large: Server) -> None:
    with smtp(large.smtp) as reader, large.growing_at_most(16):
        reader.send(b"EXPN promo\r\nQUIT\r\n")
        said = reader.rest().splitlines()
    assert len(said) == len(EVERYBODY) + 1
    assert said[0] == b"250-2.1.5 <22000001@tpmail.info.unicaen.fr>"
    assert said[-2] == b"250 2.1.5 <22030000@tpmail.info.unicaen.fr>"
    assert said[-1].startswith(b"221 ")


def test_a_list_that_nobody_reads(large: Server) -> None:
    """A few octets that ask for fourteen gigabytes: what is not read is not said."""
    with smtp(large.smtp) as deaf, large.growing_at_most(16):
        deaf.send(b"EXPN promo\r\n" * 10_000)
        with smtp(large.smtp) as other:
            assert other.say("NOOP") == "250 2.0.0 OK"


def test_a_list_that_a_class_does_not_read(large: Server) -> None:
    """All that they have not been told yet is one and the same tuple."""
    with ExitStack() as stack, large.growing_at_most(16):
        for _ in range(20):
            deaf = stack.enter_context(smtp(large.smtp))
            deaf.send(b"EXPN promo\r\n" * 100)
        with smtp(large.smtp) as other:
            assert other.say("NOOP") == "250 2.0.0 OK"


def test_a_list_that_is_asked_for_and_not_awaited(large: Server) -> None:
    """Who hangs up hears nothing more, so nothing more is made of what it asked for."""
    with large.working_at_most(5.0):
        with smtp(large.smtp) as gone:
            gone.send(b"EXPN promo\r\n" * 10_000)
        with smtp(large.smtp) as other:
            for _ in range(100):
                assert other.say("NOOP") == "250 2.0.0 OK"


def test_a_list_that_is_addressed_again_and_again(large: Server) -> None:
    """Who is on it is worked out once, and not for each RCPT."""
    with smtp(large.smtp) as peer:
        peer.say("MAIL FROM:<22000001>")
        assert peer.say("RCPT TO:<promo>").startswith("250 ")
        with large.working_at_most(5.0):
            for _ in range(5):
                peer.send(b"RCPT TO:<promo>\r\n" * 99)
                assert {each[:4] for each in peer.replies(99)} == {"250 "}
