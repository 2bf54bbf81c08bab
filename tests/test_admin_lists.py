"""Mailing lists at the instructor's desk: made, changed, looked at and removed."""

import pytest

from tests.desks import NOW, desk_at, hold
from tpmailserver.admin.accounts import add, remove
from tpmailserver.admin.desk import NotDone
from tpmailserver.admin.lists import (
    drop_members,
    plan_remove_list,
    put_list,
    remove_list,
    resume_list,
)
from tpmailserver.admin.members import Members
from tpmailserver.admin.overview import MemberSeen, lists, show_list
from tpmailserver.admin.who import Who
from tpmailserver.settings import Hook, Settings

NUMBERS = ("22000001", "22000002", "22000003", "22000004", "22000005")


@pytest.fixture
def desk(tmp_path):
    """Five accounts, of which 1 and 2 are the group td1."""
    desk = desk_at(tmp_path)
    add(desk, NUMBERS[2:])
    add(desk, NUMBERS[:2], "td1")
    return desk


def on(*addresses, groups=()):
    return Members(addresses, groups)


def members_of(desk, name):
    desk.directory.refresh()
    return desk.directory.mailing_list(name).members


def test_a_list_is_made_and_added_to(desk):
    made = put_list(desk, "staff", on("22000003", "22000001"))
    assert (made.is_new, made.address) == (True, "staff@tpmail.info.unicaen.fr")
    assert (made.added, made.present, made.mailboxes) == (("22000003", "22000001"), (), 2)
    assert (made.owner, made.may_post, made.warnings) == ("", "everyone", ())
    more = put_list(desk, "staff", on("22000003", groups=("td1",)), "22000005", "members")
    assert (more.is_new, more.added, more.present) == (False, ("td1",), ("22000003",))
    assert (more.owner, more.may_post, more.mailboxes) == ("22000005", "members", 3)
    kept = put_list(desk, "staff", on("postmaster"))
    assert (kept.owner, kept.may_post, kept.mailboxes) == ("22000005", "members", 4)
    assert put_list(desk, "staff", on(), "").owner == ""
    assert members_of(desk, "staff") == ("22000003", "22000001", "td1", "postmaster")


def test_an_address_of_this_site_is_a_name(desk):
    put_list(desk, "Staff@TPMAIL.info.unicaen.fr", on("22000001@Tpmail.Info.Unicaen.FR", "TD1"))
    assert members_of(desk, "staff") == ("22000001", "td1")
    assert put_list(desk, "staff", on(), "22000001@tpmail.info.unicaen.fr").owner == "22000001"
    assert show_list(desk, "STAFF@tpmail.info.unicaen.fr").name == "staff"


def test_a_group_has_an_owner_and_says_who_may_post(desk):
    put = put_list(desk, "td1", on(), "22000005", "owner")
    assert (put.is_new, put.owner, put.may_post, put.mailboxes) == (False, "22000005", "owner", 2)
    with pytest.raises(NotDone, match="tpmail add NUMBER --group td1; nothing is done"):
        put_list(desk, "td1", on("22000003"))
    assert members_of(desk, "td1") == NUMBERS[:2]


@pytest.mark.parametrize(
    ("members", "named"),
    [
        (on("22000001", "bob@gmail.com"), ["bob@gmail.com is not on this site"]),
        (on("first.last+tag@x.org", "a@[192.0.2.1]"), ["first.last+tag@x.org", "are not on this"]),
        (on("22000009", "22000001", "staf"), ["no account, group or list 22000009, staf;"]),
        (on("22000009@tpmail.info.unicaen.fr"), ["no account, group or list 22000009;"]),
        (on(groups=("td2", "22000001")), ["no group td2, 22000001;"]),
        (on("zz", "a@b", groups=("td2",)), ["list zz; no group td2; a@b is not on this site;"]),
        (on("lists"), ["no account, group or list lists;"]),
        (on("\x1b[2J@x.org"), ["'\\x1b[2J@x.org' is not on this site"]),
        (on("../x"), ["'../x' is no name"]),
        (on("é@tpmail.info.unicaen.fr"), ["'é' is no name"]),
        (on("22000001", "staff"), ["cannot be a member of itself"]),
    ],
)
def test_all_who_are_not_here_are_named_and_nothing_is_done(desk, members, named):
    put_list(desk, "staff", on("22000005"))
    with pytest.raises(NotDone) as refusal:
        put_list(desk, "staff", members, "22000005", "owner")
    for each in named:
        assert each in str(refusal.value)
    assert str(refusal.value).isprintable()
    assert members_of(desk, "staff") == ("22000005",)
    assert desk.directory.mailing_list("staff").owner == ""


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("22000001", "22000001 is an account; nothing is done"),
        ("postmaster", "postmaster is a name of the server's own"),
        ("lists", "lists is a name of the server's own"),
        ("staff@gmail.com", "staff@gmail.com is not on this site"),
        ("a/b", "'a/b' is no name"),
        ("", "'' is no name"),
    ],
)
def test_a_name_that_no_list_can_have_is_refused(desk, name, says):
    with pytest.raises(NotDone, match=says):
        put_list(desk, name, on("22000003"))
    assert desk.directory.list_names() == ("td1",)


@pytest.mark.parametrize(
    ("owner", "may_post", "says"),
    [
        ("22000009", None, "22000009 is none"),
        ("td1", None, "td1 is none"),
        ("postmaster", None, "postmaster is none"),
        ("bob@gmail.com", None, "bob@gmail.com is not on this site"),
        (None, "nobody", "everyone, members or owner"),
    ],
)
def test_an_owner_is_an_account_and_three_kinds_may_post(desk, owner, may_post, says):
    with pytest.raises(NotDone, match=says):
        put_list(desk, "staff", on("22000003"), owner, may_post)
    assert desk.directory.list_names() == ("td1",)


def test_what_makes_no_sense_is_said(desk):
    def warnings(*change):
        return put_list(desk, *change).warnings

    assert warnings("a", on()) == ("nobody is on a: mail to it is refused",)
    assert warnings("a", on("22000001"), None, "owner") == (
        "nobody may post to a: only its owner may, and it has none",
    )
    assert warnings("a", on(), "22000005") == ()
    assert warnings("b", on("a", "td1")) == ()
    assert warnings("c", on("22000003", "b")) == ()
    assert warnings("a", on("c")) == ("a contains itself: a -> c -> b -> a",)
    assert warnings("d", on("a")) == ()
    assert show_list(desk, "b").warnings == ("b contains itself: b -> a -> c -> b",)
    remove(desk, Who(("22000005",)))
    assert "nobody may post to a" in show_list(desk, "a").warnings[0]


def test_members_are_taken_out(desk):
    put_list(desk, "staff", on("22000003", "22000004", "td1", "postmaster"))
    dropped = drop_members(desk, "staff", on("22000004", "22000005", "postmaster"))
    assert (dropped.dropped, dropped.absent) == (("22000004", "postmaster"), ("22000005",))
    assert (dropped.mailboxes, members_of(desk, "staff")) == (3, ("22000003", "td1"))
    assert drop_members(desk, "staff", on("22000003", groups=("td1",))).warnings
    assert members_of(desk, "staff") == ()


@pytest.mark.parametrize(
    ("name", "members", "says"),
    [
        ("staff", on("22000004", "22000005"), "22000004, 22000005: not on staff"),
        ("staff", on("22000003", "22000009"), "no account, group or list 22000009"),
        ("staff", on("22000003", "a@b"), "a@b is not on this site"),
        ("td1", on("22000001"), "td1 is a group: .*tpmail add NUMBER --leave td1"),
        ("staf", on("22000003"), r"no list staf; nothing is done \(did you mean staff\?\)"),
    ],
)
def test_who_cannot_be_taken_out_is_named_and_nothing_is_done(desk, name, members, says):
    put_list(desk, "staff", on("22000003"))
    with pytest.raises(NotDone, match=says):
        drop_members(desk, name, members)
    assert members_of(desk, "staff") == ("22000003",)
    assert members_of(desk, "td1") == NUMBERS[:2]


def test_a_list_is_removed_from_other_lists_too(desk):
    put_list(desk, "staff", on("22000003", "22000004"))
    put_list(desk, "all", on("staff", "td1"))
    plan = plan_remove_list(desk, "staff")
    assert (plan.members, plan.left) == (2, ("all",))
    assert desk.directory.mailing_list("staff") is not None
    removed = remove_list(desk, "staff")
    assert (removed.name, removed.members, removed.left) == ("staff", 2, ("all",))
    assert desk.directory.mailing_list("staff") is None
    assert members_of(desk, "all") == ("td1",)


@pytest.mark.parametrize("action", [plan_remove_list, remove_list])
def test_a_list_that_would_come_back_or_lose_mail_is_not_removed(desk, action):
    put_list(desk, "staff", on("22000003"))
    hold(desk, "staff")
    with pytest.raises(NotDone, match="tpmail list add td1 --owner NUMBER --post owner"):
        action(desk, "td1")
    with pytest.raises(NotDone, match="1 message waits on staff: tpmail list approve staff or"):
        action(desk, "staff")
    hold(desk, "staff")
    with pytest.raises(NotDone, match="2 messages wait on staff"):
        action(desk, "staff")
    with pytest.raises(NotDone, match="22000003 is an account, not a list"):
        action(desk, "22000003")
    with pytest.raises(NotDone, match=r"no list xyzzy; nothing is done \(tpmail lists says"):
        action(desk, "xyzzy")
    assert desk.directory.list_names() == ("staff", "td1")


def test_a_list_with_a_hook_is_not_removed_while_the_settings_name_it(tmp_path):
    desk = desk_at(tmp_path, Settings(hooks=(Hook("poll", plugin="poll"),)))
    with pytest.raises(NotDone, match=r"take \[hooks.poll\] out of tpmail.toml first"):
        remove_list(desk, "poll")
    assert desk.directory.mailing_list("poll") is not None


@pytest.mark.parametrize("name", ["staff", "td1"])
def test_a_suspended_list_goes_on(desk, name):
    put_list(desk, "staff", on("22000003"))
    why = f"loop: {name} -> 22000003 -> {name}"
    desk.database.lists.suspend(name, why)
    assert show_list(desk, name).suspended == why
    assert resume_list(desk, name).why == why
    assert desk.directory.mailing_list(name).suspended == ""
    assert resume_list(desk, name).why == ""


def test_a_list_is_shown_with_all_that_is_known(tmp_path):
    hooks = (Hook("moderated", python="moderated:Moderated"),)
    desk = desk_at(tmp_path, Settings(hooks=hooks))
    add(desk, NUMBERS[:2], "td1")
    put_list(desk, "inner", on("22000001", "td1"))
    put_list(desk, "moderated", on("postmaster", "inner", "td1", "22000002"), "22000001", "members")
    desk.database.lists.suspend("moderated", "loop: a -> b -> a")
    desk.database.lists.note_trouble("moderated", "exit status 1", NOW)
    hold(desk, "moderated", b"Return-Path: <22000002@here>\n", b"Subject: hi\n\nHello.\n")
    seen = show_list(desk, "moderated")
    assert seen.members == (
        MemberSeen("postmaster", "mailbox", 1),
        MemberSeen("inner", "list", 2),
        MemberSeen("td1", "group", 2),
        MemberSeen("22000002", "account", 1),
    )
    assert (seen.owner, seen.may_post, seen.mailboxes) == ("22000001", "members", 3)
    assert (seen.hook, seen.suspended) == ("python moderated:Moderated", "loop: a -> b -> a")
    assert (seen.trouble, seen.trouble_at) == ("exit status 1", NOW)
    (waiting,) = seen.waiting
    assert (waiting.sender, waiting.subject, waiting.octets) == ("22000002@here", "hi", 53)
    other = show_list(desk, "td1")
    assert (other.hook, other.suspended, other.trouble, other.waiting) == ("", "", "", ())


def test_postmaster_counts_once_where_an_account_has_its_mail(tmp_path):
    desk = desk_at(tmp_path, Settings(postmaster="22000001"))
    add(desk, ("22000001",))
    assert put_list(desk, "staff", on("postmaster", "22000001")).mailboxes == 1


@pytest.mark.parametrize(
    ("hook", "words"),
    [
        (Hook("h", program=("/srv/poll", "--fast")), "program /srv/poll --fast"),
        (Hook("h", plugin="seminar"), "plugin seminar"),
    ],
)
def test_a_hook_is_said_in_words(tmp_path, hook, words):
    desk = desk_at(tmp_path, Settings(hooks=(hook,)))
    seen = show_list(desk, "h")
    assert (seen.hook, seen.members, seen.warnings) == (words, (), ())


def test_a_hook_on_the_way_from_a_list_may_name_somebody(tmp_path):
    desk = desk_at(tmp_path, Settings(hooks=(Hook("h", plugin="seminar"),)))
    assert put_list(desk, "inner", on("h")).warnings == ()
    assert put_list(desk, "outer", on("inner")).warnings == ()
    assert drop_members(desk, "inner", on("h")).warnings == (
        "nobody is on inner: mail to it is refused",
    )


def test_all_lists_are_listed_and_a_broken_one_hides_no_other(tmp_path):
    desk = desk_at(tmp_path, Settings(hooks=(Hook("poll", plugin="poll"),)))
    assert [each.name for each in lists(desk).lists] == ["poll"]
    add(desk, NUMBERS[:2], "td1")
    put_list(desk, "staff", on("22000001", "td1"), "22000002", "owner")
    hold(desk, "staff")
    desk.database.lists.suspend("td1", "loop")
    desk.database.lists.note_trouble("poll", "exit status 1", NOW)
    (tmp_path / "held" / "td1").write_text("a file in its place")
    poll, staff, td1 = lists(desk).lists
    assert (poll.name, poll.kind, poll.trouble, poll.trouble_at) == (
        *("poll", "hook", "exit status 1"),
        NOW,
    )
    assert (staff.kind, staff.members, staff.mailboxes, staff.waiting) == ("list", 2, 2, 1)
    assert (staff.owner, staff.may_post, staff.suspended) == ("22000002", "owner", "")
    assert (td1.kind, td1.members, td1.suspended, td1.waiting) == ("group", 2, "loop", 0)
    assert td1.unreadable == f"Not a directory: {tmp_path}/held/td1"
    assert not staff.unreadable
    seen = show_list(desk, "td1")
    assert (len(seen.members), seen.waiting, seen.unreadable) == (2, (), td1.unreadable)
