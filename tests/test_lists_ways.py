"""The way of a loop, as a reply, a suspension and a mail to the list's owner name it."""

from tpmailserver.delivery.runaways import in_words


def test_a_way_is_named_whole() -> None:
    assert in_words(["a", "22000001", "a"]) == "a -> 22000001 -> a"
    assert in_words([str(each) for each in range(10)]).count(" -> ") == 9


def test_a_long_way_is_named_without_its_middle() -> None:
    way = [str(each) for each in range(100)]
    assert in_words(way) == "0 -> 1 -> 2 -> 3 -> 4 -> ... -> 95 -> 96 -> 97 -> 98 -> 99"


def test_long_names_leave_its_beginning_and_its_end() -> None:
    """However long they are, the reply says that the list at its beginning is that at its end."""
    lists = [f"{each:x>64}" for each in range(11)]
    writer = f'"{"w" * 62}"@{"d" * 190}.example'
    for way in ([*lists, lists[0]], [lists[0], writer, *lists], [lists[0], writer, lists[0]]):
        words = in_words(way)
        assert words.startswith(way[0])
        assert words.endswith(way[-1])
        assert len(words) <= 400
