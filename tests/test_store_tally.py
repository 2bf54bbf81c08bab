"""A tally is exact: a listing that may have missed a change never takes its place."""

import pytest

from tpmailserver.store.tally import Tallies, Tally


@pytest.fixture
def tallies() -> Tallies:
    made = Tallies()
    made.replace("1", made.mark("1"), Tally(2, 20))
    return made


def test_what_comes_and_goes_is_added(tallies: Tallies) -> None:
    tallies.add("1", 1, 10)
    assert tallies.known("1") == Tally(3, 30)
    tallies.add("1", -2, -20)
    assert tallies.known("1") == Tally(1, 10)
    tallies.add("2", 1, 10)
    assert tallies.known("2") is None


def test_a_listing_replaces_what_was_known(tallies: Tallies) -> None:
    tallies.replace("1", tallies.mark("1"), Tally(9, 90))
    assert tallies.known("1") == Tally(9, 90)


def test_a_listing_read_before_a_delivery_replaces_nothing(tallies: Tallies) -> None:
    mark = tallies.mark("1")
    with tallies.changing(["1"]):
        tallies.add("1", 1, 10)
    tallies.replace("1", mark, Tally(2, 20))
    assert tallies.known("1") == Tally(3, 30)


def test_a_listing_read_during_a_delivery_replaces_nothing(tallies: Tallies) -> None:
    with tallies.changing(["1", "2"]), tallies.changing(["1"]):
        tallies.replace("1", tallies.mark("1"), Tally(3, 30))
        tallies.replace("3", tallies.mark("3"), Tally(1, 10))
        tallies.add("1", 1, 10)
    assert tallies.known("1") == Tally(3, 30)
    assert tallies.known("3") == Tally(1, 10)
    tallies.replace("1", tallies.mark("1"), Tally(4, 40))
    assert tallies.known("1") == Tally(4, 40)


def test_a_listing_read_before_a_reset_replaces_nothing(tallies: Tallies) -> None:
    mark = tallies.mark("1")
    tallies.forget("1")
    tallies.replace("1", mark, Tally(2, 20))
    assert tallies.known("1") is None


def test_a_change_that_fails_is_over(tallies: Tallies) -> None:
    with pytest.raises(OSError, match="broken"), tallies.changing(["1"]):
        raise OSError("broken")
    tallies.replace("1", tallies.mark("1"), Tally(5, 50))
    assert tallies.known("1") == Tally(5, 50)
