"""Accounts: made, listed, given passwords, removed; never a mail erased."""

from dataclasses import replace

import pytest

from tests.desks import NOW, Room, desk_at, messages_in, mode, put_mail
from tpmailserver.admin.accounts import accounts, add, plan_add, plan_remove, remove
from tpmailserver.admin.desk import NotDone
from tpmailserver.admin.passwords import default_password, set_password
from tpmailserver.admin.who import Who, find
from tpmailserver.delivery.passwords import is_password


def numbers_in(desk):
    return [each.number for each in accounts(desk).accounts]


def test_adding_says_who_is_new_and_who_stood_already(tmp_path):
    desk = desk_at(tmp_path)
    first = add(desk, ("22000001", "00000002"))
    assert (first.added, first.present) == (("22000001", "00000002"), ())
    plan = plan_add(desk, ("22000003", "22000001"), "tp1")
    assert (plan.added, plan.present) == (("22000003",), ("22000001",))
    assert numbers_in(desk) == ["00000002", "22000001"]
    again = add(desk, ("22000003", "22000001"), "tp1")
    assert (again.added, again.present) == (("22000003",), ("22000001",))
    assert find(desk, Who(group="tp1")).numbers == ("22000001", "22000003")


@pytest.mark.parametrize(
    ("numbers", "group", "says"),
    [
        (("22000009", "postmaster"), None, "postmaster is reserved"),
        (("lists",), None, "lists is reserved"),
        (("22000009", "tp1"), None, "tp1 is a group"),
        (("22000009", "staff"), None, "staff is a list"),
        (("22000009",), "staff", "staff is a list and no group.*tpmail list add staff"),
        (("22000009",), "22000001", "22000001 is an account"),
        (("22000009",), "22000009", "22000009 is an account"),
        (("22000009",), "postmaster", "postmaster is reserved"),
    ],
)
@pytest.mark.parametrize("action", [add, plan_add])
def test_a_taken_name_adds_nobody(tmp_path, action, numbers, group, says):
    desk = desk_at(tmp_path)
    add(desk, ("22000001",), "tp1")
    desk.database.lists.put("staff", ["tp1"])
    with pytest.raises(NotDone, match=says):
        action(desk, numbers, group)
    assert numbers_in(desk) == ["22000001"]


def test_the_list_shows_mail_sessions_and_groups(tmp_path):
    desk = desk_at(tmp_path)
    add(desk, ("22000001", "22000002"), "tp1")
    add(desk, ("22000001",), "a")
    put_mail(desk, "22000001")
    put_mail(desk, "22000001")
    desk.database.note_all_seen([("22000001", "POP3", NOW), ("22000002", "SMTP", NOW + 5)])
    first, second = accounts(desk).accounts
    files = messages_in(tmp_path / "maildirs" / "22000001")
    assert (first.groups, first.messages, first.octets) == (("a", "tp1"), 2, len(b"".join(files)))
    assert (first.pop3, first.smtp, second.pop3, second.smtp) == (NOW, None, None, NOW + 5)
    assert [each.number for each in accounts(desk, "a").accounts] == ["22000001"]
    with pytest.raises(NotDone, match=r"no group zz.*groups: a, tp1"):
        accounts(desk, "zz")


def test_a_broken_mailbox_does_not_hide_the_others(tmp_path):
    desk = desk_at(tmp_path)
    add(desk, ("22000001", "22000002"))
    put_mail(desk, "22000002")
    (tmp_path / "maildirs" / "22000001").write_text("a file in its place")
    first, second = accounts(desk).accounts
    assert first.trouble
    assert (second.messages, second.trouble) == (1, "")


def test_unknown_numbers_are_all_named_and_nothing_is_done(tmp_path):
    desk = desk_at(tmp_path)
    add(desk, ("22000001",))
    put_mail(desk, "22000001")
    with pytest.raises(NotDone) as refusal:
        remove(desk, Who(("22000001", "22000007", "22000009")))
    assert "22000007, 22000009" in str(refusal.value)
    assert "22000001" not in str(refusal.value)
    assert numbers_in(desk) == ["22000001"]
    assert len(messages_in(tmp_path / "maildirs" / "22000001")) == 1


def test_a_removed_account_is_unknown_and_its_mail_is_kept(tmp_path):
    desk = replace(desk_at(tmp_path), live=Room())
    add(desk, ("22000001", "22000002"), "tp1")
    put_mail(desk, "22000001", b"Subject: kept\n\n.\n")
    plan = plan_remove(desk, Who(("22000001",)))
    assert (plan.numbers, plan.messages) == (("22000001",), 1)
    report = remove(desk, Who(("22000001",)))
    assert (report.numbers, report.messages, report.expelled) == (("22000001",), 1, 1)
    assert desk.live.expelled == [(("22000001",), "the account was removed")]
    assert numbers_in(desk) == ["22000002"]
    assert find(desk, Who(group="tp1")).numbers == ("22000002",)
    kept = tmp_path / "snapshots" / report.kept.rpartition("/")[2] / "22000001"
    assert str(kept.parent) == report.kept
    assert b"Subject: kept" in messages_in(kept)[0]
    assert mode(kept.parent) == 0o700
    add(desk, ("22000001",))
    assert accounts(desk).accounts[0].messages == 0


def test_removing_nobody_leaves_no_folder_behind(tmp_path):
    desk = desk_at(tmp_path)
    report = remove(desk, Who(everybody=True))
    assert (report.numbers, report.kept) == ((), "")
    assert not list(tmp_path.glob("snapshots/*"))


def test_a_password_is_hashed_and_goes_back_to_the_number(tmp_path):
    desk = desk_at(tmp_path)
    add(desk, ("22000001", "22000002"))
    assert set_password(desk, Who(("22000001",)), "sésame ").numbers == ("22000001",)
    stored = desk.directory.account("22000001").password_hash
    assert is_password("sésame ".encode(), stored)
    assert desk.directory.account("22000002").password_hash is None
    default_password(desk, Who(everybody=True))
    assert desk.directory.account("22000001").password_hash is None


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("", "empty"),
        ("é" * 65, "at most 128 octets"),
        ("a\rb", "control character"),
        ("a\0b", "control character"),
        ("\udcff", "UTF-8"),
    ],
)
def test_a_password_that_no_client_can_send_is_refused_and_not_repeated(tmp_path, password, says):
    desk = desk_at(tmp_path)
    add(desk, ("22000001",))
    with pytest.raises(NotDone, match=says) as refusal:
        set_password(desk, Who(("22000001",)), password)
    assert not password or password not in str(refusal.value)
    assert desk.directory.account("22000001").password_hash is None


def test_the_longest_password_is_taken(tmp_path):
    desk = desk_at(tmp_path)
    add(desk, ("22000001",))
    set_password(desk, Who(("22000001",)), "é" * 64)
    assert is_password(("é" * 64).encode(), desk.directory.account("22000001").password_hash)
