"""What waits on a list: approved, rejected, and called by a part of its name."""

import json
from dataclasses import asdict
from threading import Thread

import pytest

from tests.desks import desk_at, hold, messages_in
from tpmailserver.admin.accounts import add
from tpmailserver.admin.actions import read_report
from tpmailserver.admin.desk import NotDone
from tpmailserver.admin.lists import put_list
from tpmailserver.admin.members import Members
from tpmailserver.admin.overview import show_list
from tpmailserver.admin.posts import approve, plan_approve, plan_reject, reject
from tpmailserver.admin.status import PostsWaiting, status

ONE, TWO, THREE = "22000001", "22000002", "22000003"


@pytest.fixture
def desk(tmp_path):
    """A list staff of the group td1 (1 and 2) and 1 once more; 3 owns it."""
    desk = desk_at(tmp_path)
    add(desk, (ONE, TWO), "td1")
    add(desk, (THREE,))
    put_list(desk, "staff", Members(("td1", ONE)), THREE)
    return desk


def mail_of(desk, number):
    folder = desk.mailboxes.folder / number
    return messages_in(folder) if folder.exists() else []


def waiting(desk, name="staff"):
    return show_list(desk, name).waiting


def place(desk, *names):
    """Puts messages of these file names among those that wait on staff."""
    new = desk.held / "staff" / "new"
    new.mkdir(parents=True, exist_ok=True)
    for each in names:
        (new / each).write_bytes(b"Return-Path: <a@b>\nSubject: x\n\n")


def test_what_is_approved_reaches_every_member_once_and_waits_no_more(desk):
    written = b"Subject: hi\nX-Odd:  kept\n\nHello.\n.\n"
    hold(desk, "staff", b"Return-Path: <22000002@here>\nReceived: from mypc\n\tby here\n", written)
    plan = plan_approve(desk, "staff")
    assert (len(plan.posts), plan.mailboxes) == (1, 2)
    assert len(waiting(desk)) == 1
    done = approve(desk, "staff")
    assert (done.posts, done.mailboxes) == (plan.posts, 2)
    assert waiting(desk) == ()
    assert messages_in(desk.held / "staff") == []
    for number in (ONE, TWO):
        (message,) = mail_of(desk, number)
        assert message.startswith(b"Return-Path: <22000003@tpmail.info.unicaen.fr>\nReceived: ")
        assert message.count(b"Return-Path:") == 1
        assert b"\nList-Id: <staff.tpmail.info.unicaen.fr>\n" in message
        assert message.endswith(b"\nReceived: from mypc\n\tby here\n" + written)
    assert mail_of(desk, THREE) == []
    assert approve(desk, "staff").posts == ()


def test_without_an_owner_the_return_path_is_postmasters(desk):
    put_list(desk, "staff", Members(), "")
    hold(desk, "staff")
    approve(desk, "staff")
    assert mail_of(desk, ONE)[0].startswith(b"Return-Path: <postmaster@tpmail.info.unicaen.fr>\n")


def test_what_is_rejected_is_kept_and_waits_no_more(desk):
    hold(desk, "staff")
    (post,) = plan_reject(desk, "staff").posts
    done = reject(desk, "staff", (post.id,))
    assert (done.posts, done.kept) == ((post,), str(desk.held / "staff" / "cur"))
    (kept,) = (desk.held / "staff" / "cur").iterdir()
    assert kept.name.startswith(post.identity)
    assert waiting(desk) == ()
    assert mail_of(desk, ONE) == []
    with pytest.raises(NotDone, match="nothing that waits on staff has"):
        approve(desk, "staff", (post.id,))


def test_of_many_those_are_chosen_that_are_named(desk):
    for subject in (b"one", b"two", b"three"):
        hold(desk, "staff", text=b"Subject: %s\n\n" % subject)
    first, second, third = waiting(desk)
    assert [each.subject for each in (first, second, third)] == ["one", "two", "three"]
    assert [len(each.id) for each in (first, second, third)] == [8, 8, 8]
    done = approve(desk, "staff", (third.identity, first.id.upper(), first.id))
    assert [each.subject for each in done.posts] == ["one", "three"]
    assert waiting(desk) == (second,)
    assert len(mail_of(desk, TWO)) == 2


@pytest.mark.parametrize("action", [approve, reject, plan_approve, plan_reject])
def test_a_part_that_fits_none_or_several_does_nothing(desk, action):
    place(
        desk,
        "1700000000.M000001Rdeadbeef00000001.a",
        "1700000000.M000002Rdeadbeef00000002.a",
        "1700000000.M000003R0123456789abcdef.a",
    )
    ids = [each.id for each in waiting(desk)]
    assert ids == ["deadbeef00000001", "deadbeef00000002", "01234567"]
    with pytest.raises(NotDone, match=r"'deadbeef' fits 2 .*deadbeef00000001, deadbeef00000002"):
        action(desk, "staff", ("0123", "deadbeef"))
    with pytest.raises(NotDone, match="has 'ffff' in its id; nothing is done"):
        action(desk, "staff", ("0123", "ffff"))
    with pytest.raises(NotDone, match="has '' in its id"):
        action(desk, "staff", ("",))
    assert len(waiting(desk)) == 3
    assert mail_of(desk, ONE) == []


def test_a_message_that_somebody_else_has_put_there_has_a_name_too(desk):
    place(desk, "hello", "hello-again")
    assert [each.id for each in waiting(desk)] == ["hello", "hello-again"]
    assert approve(desk, "staff", ("hello",)).posts[0].identity == "hello"
    assert [each.id for each in waiting(desk)] == ["hello-again"]


def test_where_nobody_is_on_the_list_it_waits_on(desk):
    put_list(desk, "empty", Members())
    hold(desk, "empty")
    with pytest.raises(NotDone, match="nobody is on empty: nothing is approved"):
        approve(desk, "empty")
    assert (
        desk.approval.approve(
            desk.directory.mailing_list("empty"), waiting(desk, "empty")[0].identity
        )
        == 0
    )
    assert len(waiting(desk, "empty")) == 1


def test_a_failure_says_how_far_it_went_and_loses_nothing(desk):
    hold(desk, "staff")
    hold(desk, "staff")
    (desk.mailboxes.folder / TWO).write_text("a file in its place")
    with pytest.raises(NotDone, match=r"^0 of 2 approved, then: Not a directory: "):
        approve(desk, "staff")
    assert len(waiting(desk)) == 2
    assert mail_of(desk, ONE) == []
    (desk.mailboxes.folder / TWO).unlink()
    approve(desk, "staff")
    assert (len(mail_of(desk, ONE)), len(mail_of(desk, TWO))) == (2, 2)


def test_of_two_who_approve_at_once_one_does(desk):
    for _ in range(10):
        hold(desk, "staff")
    refused = []

    def decide():
        for post in waiting(desk):
            try:
                approve(desk, "staff", (post.id,))
            except NotDone as refusal:
                refused.append(refusal)

    both = [Thread(target=decide) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert (len(mail_of(desk, ONE)), len(mail_of(desk, TWO))) == (10, 10)
    assert waiting(desk) == ()


def test_the_sender_is_shown_as_it_was_given_and_the_subject_as_it_is_read(desk):
    """Who writes MAIL FROM:<=?utf-8?q?22000003?=@...> shall not look like 22000003."""
    sender = '"=?utf-8?q?22000003?=  x"@tpmail.info.unicaen.fr'
    text = b"Subject: =?utf-8?q?=C3=A9t=C3=A9?=\n 2024\n\n"
    hold(desk, "staff", f"Return-Path: <{sender}>\n".encode(), text)
    (post,) = waiting(desk)
    assert (post.sender, post.subject) == (sender, "été 2024")


def test_the_status_names_the_lists_that_want_a_decision_and_what_is_broken_hides_none(desk):
    assert (status(desk).suspended, status(desk).waiting) == ((), ())
    hold(desk, "staff")
    hold(desk, "staff")
    reject(desk, "staff", (show_list(desk, "staff").waiting[0].id,))
    (desk.held / "td1").write_text("no folder")
    desk.database.lists.suspend("td1", "too much")
    seen = status(desk)
    assert (seen.suspended, seen.waiting) == (("td1",), (PostsWaiting("staff", 1),))
    read = read_report("status", json.loads(json.dumps(asdict(seen))))
    assert read == seen
