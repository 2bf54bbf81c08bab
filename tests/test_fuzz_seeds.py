"""What the fuzz led by coverage starts from, and what it found worth keeping, played once each.

The fuzz itself takes minutes: `make fuzz`.
"""

import pytest

from .fuzz.keeping import worth_keeping
from .fuzz.seeds import kept, seeds_of
from .fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_no_known_input_breaks_a_promise(name: str) -> None:
    inputs = list(seeds_of(name))
    assert inputs
    for octets in inputs:
        TARGETS[name](octets)


def test_what_was_kept_is_there_to_play() -> None:
    assert all(kept(name) for name in ("smtp", "pop3", "content", "header"))


def test_an_input_is_kept_for_a_way_of_its_own() -> None:
    seeds = [b"\0HELO pc\r\n", b"\0NOOP\r\n"]
    inputs = [b"\0NOOP\r\nNOOP\r\n", b"\0RSET\r\n", b"\0RSET\r\nRSET\r\n"]
    assert worth_keeping(TARGETS["smtp"], seeds, inputs) == [b"\0RSET\r\n"]
