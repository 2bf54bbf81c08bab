"""Seeds: what they leave in the mailboxes, for whom it is one file, and that nobody has half."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tpmailserver.admin.accounts import add
from tpmailserver.admin.desk import Desk, NotDone
from tpmailserver.admin.packs import usable_pack
from tpmailserver.admin.seeds import plan_seed, seed, seed_mailboxes
from tpmailserver.admin.who import Who
from tpmailserver.settings import Limits, Settings
from tpmailserver.store.locks import DeliveryGate
from tpmailserver.store.maildir import Mailboxes

from .desks import desk_at, mode, put_mail

CLASS = tuple(f"220000{number:02}" for number in range(1, 41))
EVERYBODY = Who(everybody=True)

THREE = {
    "01-all.eml": b"To: the class:;\nSubject: one\n\n{domain} {n}\n",
    "02-each.eml": b"To: {number}@{domain}\nSubject: two\n\n{neighbour} {random:6} {n}\n",
    "03-group.eml": b"Subject: three\r\n\r\n{group} caf\xe9 {n}\r\n",
}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = desk_at(tmp_path / "site", Settings(domain="lab.example"))
    add(made, CLASS[:20], "tp1")
    add(made, CLASS[20:], "tp2")
    write(made, "three", THREE)
    return made


def write(desk: Desk, name: str, files: dict[str, bytes]) -> None:
    folder = desk.folder / "seeds" / name
    folder.mkdir(parents=True)
    for file, octets in files.items():
        (folder / file).write_bytes(octets)


def files(desk: Desk, number: str) -> list[Path]:
    """The files of a mailbox as a client is shown them."""
    mailbox = desk.folder / "maildirs" / number
    return [mailbox / each.name for each in desk.mailboxes.snapshot(number)]


def contents(desk: Desk, number: str) -> list[bytes]:
    return [each.read_bytes() for each in files(desk, number)]


def everything(desk: Desk) -> list[Path]:
    return [each for each in (desk.folder / "maildirs").rglob("*") if each.is_file()]


def test_the_mails_come_in_the_order_of_their_names_stamped_and_filled_in(desk: Desk) -> None:
    report = seed(desk, Who((CLASS[0], CLASS[19])), "three")
    assert (report.numbers, report.mails) == ((CLASS[0], CLASS[19]), tuple(THREE))
    one, two, three = contents(desk, CLASS[0])
    stamps = (
        b"Return-Path: <postmaster@lab.example>\nReceived: from tpmail (local)\n\tby lab.example"
    )
    assert all(each.startswith(stamps) for each in (one, two, three))
    assert one.endswith(b"\nTo: the class:;\nSubject: one\n\nlab.example 1\n")
    assert b"\nTo: 22000001@lab.example\nSubject: two\n\n22000002 " in two
    assert three.endswith(b"\nSubject: three\n\ntp1 caf\xe9 3\n")
    # After the last of a group comes the first.
    assert b"Subject: two\n\n22000001 " in contents(desk, CLASS[19])[1]
    assert contents(desk, CLASS[1]) == []


def test_what_is_the_same_for_all_is_one_file(desk: Desk) -> None:
    seed(desk, EVERYBODY, "three")
    boxes = [files(desk, number) for number in CLASS]
    one, two, three = ([each.stat() for each in column] for column in zip(*boxes, strict=True))
    assert ({each.st_ino for each in one}, one[0].st_nlink) == ({one[0].st_ino}, 40)
    assert {each.st_nlink for each in two} == {1}
    assert (len({each.st_ino for each in three}), three[0].st_nlink) == (2, 20)
    assert {mode(each) for box in boxes for each in box} == {0o600}
    assert list((desk.folder / "spool").iterdir()) == []


def test_a_group_that_is_named_is_the_group_of_the_mails(desk: Desk) -> None:
    add(desk, (CLASS[0], CLASS[30]), "zz")
    add(desk, ("anna",))
    seed(desk, Who(group="zz"), "three")
    assert contents(desk, CLASS[0])[2].endswith(b"zz caf\xe9 3\n")
    assert b"\n22000031 " in contents(desk, CLASS[0])[1]
    seed(desk, Who((CLASS[0], "anna")), "three")
    assert contents(desk, CLASS[0])[5].endswith(b"tp1 caf\xe9 3\n")
    # Without a group everybody is one room.
    assert contents(desk, "anna")[2].endswith(b"\n- caf\xe9 3\n")
    assert b"\n22000001 " in contents(desk, "anna")[1]


def test_a_second_seed_draws_the_same_and_has_new_names(desk: Desk) -> None:
    seed(desk, EVERYBODY, "three")
    first = {number: desk.mailboxes.snapshot(number) for number in CLASS}
    seed(desk, EVERYBODY, "three")
    drawn = set()
    for number in CLASS:
        mails = contents(desk, number)
        assert mails[:3] == mails[3:]
        drawn.add(mails[1].split()[-2])
        uidls = [each.uidl for each in desk.mailboxes.snapshot(number)]
        assert len(set(uidls)) == 6
        assert tuple(uidls[:3]) == tuple(each.uidl for each in first[number])
    assert len(drawn) > 30


def test_a_plan_says_the_same_and_changes_nothing(desk: Desk) -> None:
    plan = plan_seed(desk, EVERYBODY, "three")
    assert everything(desk) == []
    assert list((desk.folder / "spool").iterdir()) == []
    seed(desk, EVERYBODY, "three")
    assert plan.numbers == CLASS
    assert [(each.file, each.files) for each in plan.mails] == list(
        zip(THREE, (1, 40, 2), strict=True)
    )
    sizes = [each.stat().st_size for each in files(desk, CLASS[0])]
    assert [each.octets for each in plan.mails] == sizes
    assert len(desk.mailboxes.snapshot(CLASS[0])) == 3


@pytest.mark.parametrize(
    ("who", "pack", "says"),
    [
        (Who(("22000099", CLASS[0])), "three", "no account 22000099"),
        (Who(group="zz"), "three", "no group zz"),
        (EVERYBODY, "four", "no pack 'four'"),
        (EVERYBODY, "broken", "broken/01.eml, line 1: '{x}' is no field"),
    ],
)
@pytest.mark.parametrize("action", [seed, plan_seed])
def test_a_refusal_delivers_nothing(desk: Desk, action, who: Who, pack: str, says: str) -> None:
    write(desk, "broken", {"01.eml": b"{x}\n\n", "02.eml": b"Subject: fine\n\n"})
    with pytest.raises(NotDone) as refusal:
        action(desk, who, pack)
    assert says in str(refusal.value)
    assert everything(desk) == []


def test_one_broken_mailbox_and_nobody_has_anything(desk: Desk) -> None:
    put_mail(desk, CLASS[0])
    before = everything(desk)
    (desk.folder / "maildirs" / CLASS[39]).write_text("a file in its place")
    assert plan_seed(desk, EVERYBODY, "three").broken == (CLASS[39],)
    with pytest.raises(NotDone, match=rf"nothing is delivered: .*{CLASS[39]}/new"):
        seed(desk, EVERYBODY, "three")
    (desk.folder / "maildirs" / CLASS[39]).unlink()
    assert everything(desk) == before
    assert list((desk.folder / "spool").iterdir()) == []


@contextmanager
def largest_file(octets: int) -> Iterator[None]:
    """A disk on which a small file still fits."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_is_full_in_the_middle_leaves_the_mailboxes_as_they_were(desk: Desk) -> None:
    write(desk, "growing", {**THREE, "04.eml": b"To: {number}\n\n{filler:200000}"})
    put_mail(desk, CLASS[7])
    before = everything(desk)
    with largest_file(100_000), pytest.raises(NotDone, match=r"nothing is delivered: .*too large"):
        seed(desk, EVERYBODY, "growing")
    assert everything(desk) == before
    assert list((desk.folder / "spool").iterdir()) == []
    assert desk.mailboxes.tally(CLASS[7]).messages == 1
    seed(desk, EVERYBODY, "growing")
    assert len(files(desk, CLASS[7])) == 5


def test_the_limits_of_a_mailbox_do_not_stop_a_seed_and_are_told(tmp_path: Path) -> None:
    limits = Limits(mailbox_messages=3, mailbox_size=100_000)
    desk = desk_at(tmp_path, Settings(limits=limits))
    add(desk, CLASS[:3])
    write(desk, "three", THREE)
    put_mail(desk, CLASS[0])
    put_mail(desk, CLASS[1], b"x" * 99_999)
    assert plan_seed(desk, EVERYBODY, "three").over == CLASS[:2]
    assert seed(desk, EVERYBODY, "three").over == CLASS[:2]
    assert seed(desk, Who((CLASS[2],)), "three").over == (CLASS[2],)
    unlimited = replace(desk, settings=Settings(limits=Limits(mailbox_messages=0, mailbox_size=0)))
    assert seed(unlimited, EVERYBODY, "three").over == ()


def test_nobody_is_no_trouble(tmp_path: Path) -> None:
    desk = desk_at(tmp_path)
    assert plan_seed(desk, EVERYBODY, "welcome").numbers == ()
    assert seed(desk, EVERYBODY, "big").numbers == ()


def test_mailboxes_elsewhere_are_filled_where_the_desk_says(desk: Desk) -> None:
    """What a reset needs, which fills new mailboxes before they take the place of the old ones."""
    aside = Mailboxes(desk.folder / "fresh", DeliveryGate())
    seed_mailboxes(replace(desk, mailboxes=aside), CLASS, usable_pack(desk, "three"), "tp1")
    assert everything(desk) == []
    assert {aside.tally(number).messages for number in CLASS} == {3}


def test_more_students_than_a_handful_share_as_many_files(desk: Desk) -> None:
    write(desk, "one", {"01.eml": b"To: the class:;\n\nx\n"})
    many = tuple(f"23{number:06}" for number in range(510))
    add(desk, many)
    seed(desk, Who(many), "one")
    assert {each.stat().st_nlink for number in many for each in files(desk, number)} == {500, 10}
    assert {desk.mailboxes.tally(number).messages for number in many} == {1}


def test_a_seed_that_is_taken_back_takes_nobody_elses_mail_with_it(desk: Desk) -> None:
    (desk.folder / "maildirs" / CLASS[39]).mkdir(parents=True)
    os.symlink("/nowhere", desk.folder / "maildirs" / CLASS[39] / "new")
    put_mail(desk, CLASS[0], b"Subject: mine\n\n")
    with pytest.raises(NotDone):
        seed(desk, EVERYBODY, "mime")
    put_mail(desk, CLASS[0], b"Subject: mine too\n\n")
    assert [each.split(b"\n")[1] for each in contents(desk, CLASS[0])] == [
        b"Subject: mine",
        b"Subject: mine too",
    ]
