"""What was worked out for a list is remembered as long as the list is the same, and no longer."""

from tpmailserver.delivery.remembered import Remembered
from tpmailserver.store.lists import MailingList, MayPost

from .talking import ONE, OWNER, TWO, Site


def the_list(name: str) -> MailingList:
    return MailingList(name, "", MayPost.EVERYONE, (), "")


def test_the_work_is_done_once_for_a_list() -> None:
    done: list[str] = []
    remembered = Remembered(lambda each: done.append(each.name) or len(done))
    a, b = the_list("a"), the_list("b")
    assert [remembered(each) for each in (a, b, a, b)] == [1, 2, 1, 2]
    # An equal value is another one: what it stands for may have changed.
    assert remembered(the_list("a")) == 3
    assert done == ["a", "b", "a"]


def test_the_lists_that_nobody_asks_for_are_forgotten() -> None:
    done: list[str] = []
    remembered = Remembered(lambda each: done.append(each.name))
    first, *others = (the_list(f"l{number}") for number in range(100))
    for each in others:
        remembered(first)
        remembered(each)
    assert len(done) == 100
    remembered(others[0])
    assert len(done) == 101


def test_every_question_about_a_list_hears_of_a_change_below_it(tmp_path) -> None:
    site = Site(tmp_path)
    site.change(lambda lists: lists.put("outer", ["cours"], OWNER))
    expansions = site.session.policy.visibility._expansions
    outer = site.session.site.stores.directory.mailing_list
    for change, members in (
        (lambda lists: None, {ONE, TWO}),
        (lambda lists: lists.drop("cours", [ONE]), {TWO}),
        (lambda lists: lists.put("cours", [OWNER]), {TWO, OWNER}),
    ):
        site.change(change)
        assert expansions.reach(outer("outer")) == members
        assert set(expansions.foreseen(outer("outer")).mailboxes) == members
        assert {each.local for each in expansions.addresses(outer("cours"))} == members
