"""The walk over lists: each mailbox once, each list once, by the shortest way."""

import tracemalloc
from collections.abc import Iterable

from tpmailserver.delivery.recipients import Found
from tpmailserver.delivery.walk import Walk
from tpmailserver.model import Address
from tpmailserver.store.lists import MailingList, MayPost


def the_list(name: str, members: Iterable[str] = (), *, is_group: bool = False) -> MailingList:
    return MailingList(name, "", MayPost.EVERYONE, tuple(members), "", is_group)


def at(name: str) -> Address:
    return Address(name, "mail.example.org")


def ways(recipients: Iterable[Found], members: dict[str, list[Found]]) -> dict[str, str]:
    """The way to each mailbox, in the order in which they were reached; "" is the direct one."""
    walk = Walk()
    walk.begin([(at(each if isinstance(each, str) else each.name), each) for each in recipients])
    while stop := walk.next():
        walk.take(stop, members[stop.mailing_list.name])
    found = [(name, each.stop) for each in walk.copies for name in each.mailboxes]
    assert len(dict(found)) == len(found) == len(walk.mailboxes)
    return {name: "" if stop is None else " ".join(stop.way) for name, stop in found}


def test_the_shortest_way_counts_and_the_direct_one_first() -> None:
    a, b, c = map(the_list, "abc")
    members: dict[str, list[Found]] = {"a": ["1", c, b], "b": ["2", "3", a], "c": ["4", b, "3"]}
    assert ways([a, "1"], members) == {"1": "", "4": "a c", "3": "a c", "2": "a b"}
    assert ways([a, b], members) == {"1": "a", "2": "b", "3": "b", "4": "a c"}


def test_a_group_on_a_list_is_its_accounts() -> None:
    a, group = the_list("a"), the_list("td1", ["1", "2"], is_group=True)
    assert ways([a], {"a": ["2", group]}) == {"2": "a", "1": "a"}
    assert ways([group], {"td1": ["1", "2"]}) == {"1": "td1", "2": "td1"}


def test_lists_that_all_contain_each_other_wait_once_each() -> None:
    """Three hundred of them name each other ninety thousand times."""
    lists = [the_list(f"l{number}") for number in range(300)]
    walk = Walk()
    walk.begin([(at("l0"), lists[0])])
    stops = 0
    tracemalloc.start()
    while stop := walk.next():
        walk.take(stop, lists)
        stops += 1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert stops == len(walk.lists) == 300
    assert peak < 1_000_000
