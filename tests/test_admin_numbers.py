"""Numbers and ranges as an instructor writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpmailserver.admin.numbers import LONGEST_RANGE, BadNumber, compact, expand, listed
from tpmailserver.model import NAME


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["22000001"], ["22000001"]),
        (["22000001-22000003"], ["22000001", "22000002", "22000003"]),
        (["0008-0011"], ["0008", "0009", "0010", "0011"]),
        (["7-7"], ["7"]),
        (["Anna", "JEAN-Paul", "x.y_z-1"], ["anna", "jean-paul", "x.y_z-1"]),
        (["1.2", "tp..1"], ["1.2", "tp..1"]),
        (["3", "1-3", "3"], ["3", "1", "2"]),
        ([f"1-{LONGEST_RANGE}".replace("1-", "000001-")], None),
    ],
)
def test_words_become_names_in_their_order(words, names):
    found = expand(words)
    assert list(found) == names if names is not None else len(found) == LONGEST_RANGE


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("", "1 to 64"),
        ("a b", "a-z 0-9 . _ -"),
        ("-x", "a letter or digit first"),
        ("é", "is no name"),
        ("٢٢", "is no name"),
        ("../x", "is no name"),
        ("x" * 65, "is no name"),
        ("9-10", "same number of digits"),
        ("09-8", "same number of digits"),
        ("20-10", "it is 10-20"),
        ("000000-100000", "at most 100,000"),
        ("22000001..22000009", "write 22000001-22000009"),
        ("22000001...22000009", "write 22000001-22000009"),
        ("22000001--22000009", "write 22000001-22000009"),
        ("22000001:22000009", "write 22000001-22000009"),
        ("22000001\u201322000009", "write 22000001-22000009"),
        ("1" * 65 + "-" + "2" * 65, "same number of digits"),
    ],
)
def test_what_is_no_number_is_named_in_one_line(word, says):
    with pytest.raises(BadNumber) as refusal:
        expand(["22000001", word])
    text = str(refusal.value)
    assert says in text
    assert "\n" not in text
    assert len(text) < 200


def test_a_bad_word_cannot_write_to_the_terminal():
    with pytest.raises(BadNumber) as refusal:
        expand(["\x1b[2Jx\n\r" * 100])
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["1", "2", "3"], "1-3"),
        (["3", "2", "9"], "2-3, 9"),
        (["anna", "08", "09", "10"], "08-10, anna"),
        (["9", "10"], "10, 9"),
    ],
)
def test_neighbours_become_ranges(names, text):
    assert compact(names) == text


@given(st.sets(st.from_regex(NAME, fullmatch=True).filter(lambda name: "-" not in name)))
def test_compact_says_exactly_what_expand_reads(names):
    words = compact(names).split(", ") if names else []
    assert set(expand(words)) == names


def test_few_names_are_named_one_by_one():
    assert listed(["1", "2", "3"]) == "1, 2, 3"
    assert listed([str(each) for each in range(100, 200)]) == "100-199"
