"""A list changes while mail for it is on its way: what counts is the list at the final dot."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tpmailserver.store.lists import Lists, MayPost

from .talking import ONE, OWNER, TWO, Site


def removed(lists: Lists) -> None:
    lists.remove("cours")


def suspended(lists: Lists) -> None:
    lists.suspend("cours", "somebody looks at it")


def closed(lists: Lists) -> None:
    lists.put("cours", may_post=MayPost.OWNER)


def emptied(lists: Lists) -> None:
    lists.drop("cours", [ONE, TWO])


CHANGES = {
    removed: "550 5.1.1 there is no mailbox cours@tpmail.info.unicaen.fr here",
    suspended: "450 4.2.1 cours is suspended until its teacher resumes it: somebody looks at it",
    closed: "550 5.7.2 cours takes mail from its owner only",
    emptied: "550 5.2.4 nobody is on the list cours yet; its teacher can add members",
}


@pytest.mark.parametrize(("change", "said"), CHANGES.items(), ids=lambda each: each)
def test_what_changed_before_the_final_dot_is_said_there(
    tmp_path: Path, change: Callable[[Lists], None], said: str
) -> None:
    site = Site(tmp_path)
    assert site.talk.begins(TWO, "cours").startswith("354 ")
    site.change(change)
    assert site.talk.ends() == said
    assert site.mails(ONE) == site.mails(TWO) == []
    assert list((tmp_path / "spool").iterdir()) == []
    # The session goes on.
    assert site.talk.sends(TWO, ONE).startswith("250 2.0.0 delivered to 1 mailbox,")


def test_a_member_who_was_added_gets_it_and_one_who_was_dropped_does_not(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.talk.begins(TWO, "cours")
    site.change(lambda lists: (lists.drop("cours", [ONE]), lists.put("cours", [OWNER])))
    assert site.talk.ends().startswith("250 2.0.0 delivered to 2 mailboxes,")
    assert [len(site.mails(name)) for name in (ONE, TWO, OWNER)] == [0, 1, 1]


def test_a_change_of_a_list_on_a_list_counts_too(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.change(lambda lists: lists.put("outer", ["cours"]))
    for added, count in ((), 2), ((OWNER,), 3):
        site.change(lambda lists, added=added: lists.put("cours", added))
        said = site.talk.sends(TWO, "outer")
        assert said.startswith(f"250 2.0.0 delivered to {count} mailboxes,")


def test_a_suspended_list_on_a_list_keeps_the_message_from_all(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.change(lambda lists: lists.put("outer", [OWNER, "cours"]))
    site.change(suspended)
    assert site.talk.say(f"MAIL FROM:<{TWO}>", "RCPT TO:<outer>") == CHANGES[suspended]
    assert site.mails(OWNER) == site.mails(ONE) == []
    site.change(lambda lists: lists.resume("cours"))
    assert site.talk.sends(TWO, "outer").startswith("250 2.0.0 delivered to 3 mailboxes,")


def test_a_message_that_is_larger_than_was_known_at_rcpt_reaches_nobody(tmp_path: Path) -> None:
    """The mailboxes have room for something, and not for so much."""
    site = Site(tmp_path, mailbox_size=100)
    said = site.talk.sends(TWO, "cours", OWNER)
    assert said.startswith("452 4.2.2 the mailbox of 22000001@tpmail.info.unicaen.fr is full;")
    assert site.mails(ONE) == site.mails(OWNER) == []


def test_the_owner_hears_once_of_two_who_write_too_much(tmp_path: Path) -> None:
    """The second one's message is at its final dot when the first one's stops the list."""
    site = Site(tmp_path, list_breaker=2)
    for sender in (ONE, TWO) * 2:
        assert site.talk.sends(sender, "cours").startswith("250 ")
    other = site.another()
    assert other.begins(TWO, "cours").startswith("354 ")
    assert site.talk.sends(ONE, "cours").startswith("554 5.4.6 loop: cours -> 22000001 -> cours")
    assert len(site.mails(OWNER)) == 1
    assert other.ends().startswith(
        "450 4.2.1 cours is suspended until its teacher resumes it: loop"
    )
    assert len(site.mails(OWNER)) == 1


def test_who_has_stopped_a_list_begins_anew_once_it_is_resumed(tmp_path: Path) -> None:
    site = Site(tmp_path, list_breaker=1)
    assert site.talk.sends(TWO, "cours").startswith("250 ")
    assert site.talk.sends(TWO, "cours").startswith("554 5.4.6 loop: ")
    site.change(lambda lists: lists.resume("cours"))
    assert site.talk.sends(TWO, "cours").startswith("250 ")
    assert site.talk.sends(TWO, "cours").startswith("554 5.4.6 loop: ")
    assert len(site.mails(OWNER)) == 2


def test_where_the_owner_is_gone_the_postmaster_hears(tmp_path: Path) -> None:
    site = Site(tmp_path, list_breaker=1)
    assert site.talk.sends(TWO, "cours").startswith("250 ")
    site.talk.begins(TWO, "cours")
    site.removes(OWNER)
    assert site.talk.ends().startswith("554 5.4.6 loop: cours -> 22000002 -> cours")
    (letter,) = site.mails("postmaster")
    assert b"\nTo: postmaster@tpmail.info.unicaen.fr\n" in letter.read_bytes()


def test_where_the_list_is_gone_nobody_hears(tmp_path: Path) -> None:
    site = Site(tmp_path, list_breaker=1)
    assert site.talk.sends(TWO, "cours").startswith("250 ")
    site.talk.begins(TWO, "cours")
    removed(site.session.site.stores.database.lists)
    assert site.talk.ends().startswith("554 5.4.6 loop: cours -> 22000002 -> cours")
    assert site.mails("postmaster") == site.mails(OWNER) == []


def test_a_message_to_many_extensions_of_a_list_is_one_message(tmp_path: Path) -> None:
    site = Site(tmp_path, list_breaker=2, list_budget=2)
    extended = [f"cours+{each}" for each in range(10)]
    assert site.talk.sends(TWO, *extended).startswith("250 2.0.0 delivered to 2 mailboxes,")
    assert site.talk.sends(TWO, *extended).startswith("250 2.0.0 delivered to 2 mailboxes,")
    assert site.mails(OWNER) == []


def test_a_message_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path, list_budget=1)
    site.talk.say(f"MAIL FROM:<{TWO}>", "RCPT TO:<cours>", "RSET")
    site.talk.say(f"MAIL FROM:<{TWO}>", "RCPT TO:<cours>", "EHLO mypc")
    assert site.talk.sends(TWO, "cours").startswith("250 ")
    assert len(site.mails(ONE)) == 1


def test_a_loop_is_told_from_the_last_time_that_the_list_was_passed(tmp_path: Path) -> None:
    """Somebody has sent on by hand what had gone round already."""
    site = Site(tmp_path)
    site.talk.begins(TWO, "cours")
    passed = [f"List-Id: <{name}.tpmail.info.unicaen.fr>" for name in ("b", "cours", "a", "cours")]
    said = site.talk.say(*passed, "", ".")
    assert said.startswith("554 5.4.6 loop: cours -> b -> 22000002 -> cours; a message passes")


def test_what_a_list_on_a_list_will_say_is_said_at_rcpt(tmp_path: Path) -> None:
    """And not for the whole message at its final dot, when nobody else would get it either."""
    site = Site(tmp_path)
    site.change(lambda lists: lists.put("outer", ["cours", OWNER]))
    site.change(suspended)
    said = site.talk.say(f"MAIL FROM:<{TWO}>", "RCPT TO:<outer>")
    assert said == CHANGES[suspended]
    assert site.talk.sends(TWO, OWNER).startswith("250 ")
    site.change(lambda lists: lists.resume("cours"))
    assert site.talk.sends(TWO, "outer").startswith("250 2.0.0 delivered to 3 mailboxes,")
