"""What `forget` erases, and that it says so: no file bears the number afterwards."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from shutil import copytree, rmtree

import pytest

from tests.desks import Room, desk_at, messages_in, put_mail
from tpmailserver.admin.accounts import add, remove
from tpmailserver.admin.desk import Desk, NotDone
from tpmailserver.admin.forgetting import Forgotten, PlannedForgetting, forget, plan_forget
from tpmailserver.admin.passwords import random_passwords
from tpmailserver.admin.resets import reset, undo
from tpmailserver.admin.snapshots import restore, snapshot
from tpmailserver.admin.who import Who

from .crashing import Cutter, Fault

ONE, TWO, THREE = "22000001", "22000002", "22000003"
EVERYBODY = Who(everybody=True)
OLD = b"Subject: old\n\nto %s\n"
STORED = b"Return-Path: <>\n" + OLD


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A class with mail in the mailboxes, in a snapshot, and set aside by a reset."""
    return replace(class_in(tmp_path / "site"), live=Room())


def class_in(folder: Path) -> Desk:
    desk = desk_at(folder)
    add(desk, (ONE, TWO, THREE), "tp1")
    for number in (ONE, TWO):
        put_mail(desk, number, OLD % number.encode())
    snapshot(desk, "exam")
    reset(desk, Who((ONE, TWO)))
    put_mail(desk, ONE, OLD % ONE.encode())
    random_passwords(desk, Who((ONE,)))
    desk.database.note_all_seen([(ONE, "POP3", 1.0), (TWO, "SMTP", 2.0)])
    (folder / "locks").mkdir(exist_ok=True)
    (folder / "locks" / ONE).touch()
    return desk


def traces(folder: Path, number: str) -> list[Path]:
    """The files that bear a number, in their name or inside."""
    files = [each for each in folder.rglob("*") if number in str(each.relative_to(folder))]
    files += [
        each
        for each in folder.rglob("*")
        if each.is_file() and number.encode() in each.read_bytes()
    ]
    return files


def test_a_forgotten_student_has_left_no_trace(desk: Desk) -> None:
    desk.database.lists.put("staff", [ONE, TWO], ONE)
    plan = plan_forget(desk, Who((ONE,)))
    octets = sum(len(each) for each in mail_of(desk, ONE))
    assert plan == PlannedForgetting((ONE,), 3, 2, octets)
    assert traces(desk.folder, ONE)
    assert forget(desk, Who((ONE,))) == Forgotten((ONE,), 3, 2, octets, 1)
    assert traces(desk.folder, ONE) == []
    assert desk.live is not None
    assert desk.live.expelled == [((ONE,), "the account was erased")]


def mail_of(desk: Desk, number: str) -> list[bytes]:
    places = [desk.mailboxes.folder / number, *desk.snapshots.folder.glob(f"*/{number}")]
    return [message for place in places if place.is_dir() for message in messages_in(place)]


def test_the_others_keep_everything(desk: Desk) -> None:
    forget(desk, Who((ONE,)))
    assert mail_of(desk, TWO) == [STORED % TWO.encode()] * 2
    assert len(desk.directory) == 2
    assert desk.database.seen() == {TWO: {"SMTP": 2.0}}
    undo(desk)
    assert messages_in(desk.mailboxes.folder / TWO) == [STORED % TWO.encode()]
    assert restore(desk, "exam", EVERYBODY).numbers == (TWO, THREE)
    assert not (desk.mailboxes.folder / ONE).exists()


def test_a_plan_changes_nothing(desk: Desk) -> None:
    before = sorted(desk.folder.rglob("*"))
    plan_forget(desk, EVERYBODY)
    assert sorted(desk.folder.rglob("*")) == before
    assert len(desk.directory) == 3


def test_everybody_leaves_no_snapshot_behind(desk: Desk) -> None:
    assert forget(desk, EVERYBODY).numbers == (ONE, TWO, THREE)
    assert list(desk.snapshots.folder.iterdir()) == []
    assert list(desk.mailboxes.folder.iterdir()) == []
    for number in (ONE, TWO, THREE):
        assert traces(desk.folder, number) == []


def test_who_was_removed_before_can_still_be_forgotten(desk: Desk) -> None:
    remove(desk, Who((ONE,)))
    remove(desk, Who((TWO,)))
    assert forget(desk, Who((ONE,))).messages == 3
    assert traces(desk.folder, ONE) == []
    assert forget(desk, EVERYBODY).numbers == (TWO, THREE)
    assert traces(desk.folder, TWO) == []


def test_a_mailbox_without_an_account_is_erased_when_it_is_named(desk: Desk) -> None:
    """It may be of a site's older days, or somebody's own folder: everybody is not meant."""
    (desk.mailboxes.folder / "22000077").mkdir()
    (desk.mailboxes.folder / "backup").mkdir()
    forget(desk, EVERYBODY)
    assert sorted(each.name for each in desk.mailboxes.folder.iterdir()) == ["22000077", "backup"]
    forget(desk, Who(("22000077",)))
    assert [each.name for each in desk.mailboxes.folder.iterdir()] == ["backup"]


@pytest.mark.parametrize("number", ["22000099", "tp1", "postmaster", "../mail", ".", "/"])
def test_who_is_not_here_is_refused_with_all_the_others(desk: Desk, number: str) -> None:
    with pytest.raises(NotDone, match=f"no account {number}; nothing is done"):
        forget(desk, Who((ONE, number)))
    assert len(mail_of(desk, ONE)) == 3


def test_broken_mailboxes_are_erased_too(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "kept").touch()
    (desk.mailboxes.folder / THREE).symlink_to(tmp_path / "elsewhere")
    forget(desk, Who((THREE,)))
    assert traces(desk.folder, THREE) == []
    assert (tmp_path / "elsewhere" / "kept").exists()


def test_a_login_of_just_before_is_not_noted_afterwards(desk: Desk) -> None:
    """A server writes down who was seen a moment later."""
    forget(desk, Who((ONE,)))
    desk.database.note_all_seen([(ONE, "POP3", 3.0), (TWO, "POP3", 3.0)])
    assert desk.database.seen() == {TWO: {"SMTP": 2.0, "POP3": 3.0}}


@pytest.fixture(scope="module")
def cutter() -> Iterator[Cutter]:
    with Cutter() as running:
        yield running


def test_killed_at_any_step_it_can_be_done_again(cutter: Cutter, in_memory: Path) -> None:
    template, site = in_memory / "template", in_memory / "site"
    class_in(template)
    for step in count(1):
        copytree(template, site)
        said = cutter.cut(site, "forget", {"who": {"numbers": [ONE]}}, (Fault.KILLED, step))
        if said == "done":
            break
        desk = desk_at(site)
        if traces(site, ONE):
            forget(desk, Who((ONE,)))
        assert traces(site, ONE) == []
        assert mail_of(desk, TWO) == [STORED % TWO.encode()] * 2
        rmtree(site)
    assert step > 10
