"""Resets, the demo class, the settings page and the status: what they leave on the disk."""

import email
import email.policy
import threading
import tomllib
from dataclasses import fields, replace

import pytest

from tests.desks import NOW, Room, desk_at, messages_in, mode, put_mail
from tpmailserver.admin.accounts import add
from tpmailserver.admin.demo import NUMBERS, demo
from tpmailserver.admin.desk import NotDone
from tpmailserver.admin.founding import found, page
from tpmailserver.admin.resets import plan_reset, reset
from tpmailserver.admin.status import status
from tpmailserver.admin.who import Who
from tpmailserver.settings import Limits, Settings, from_table, load


def test_a_reset_empties_the_mailboxes_and_keeps_the_mail(tmp_path):
    desk = replace(desk_at(tmp_path), live=Room())
    add(desk, ("22000001", "22000002", "22000003"), "tp1")
    for number in ("22000001", "22000001", "22000002"):
        put_mail(desk, number)
    plan = plan_reset(desk, Who(("22000001", "22000002")))
    assert (plan.numbers, plan.messages) == (("22000001", "22000002"), 3)
    assert len(messages_in(tmp_path / "maildirs" / "22000001")) == 2
    report = reset(desk, Who(("22000001", "22000002")))
    assert (report.messages, report.expelled) == (3, 1)
    kept = tmp_path / "snapshots" / report.kept
    assert len(messages_in(kept / "22000001")) == 2
    assert len(messages_in(kept / "22000002")) == 1
    assert messages_in(tmp_path / "maildirs" / "22000001") == []
    put_mail(desk, "22000001")
    assert desk.mailboxes.tally("22000001").messages == 1


def test_two_resets_in_one_second_keep_two_folders(tmp_path):
    desk = desk_at(tmp_path)
    add(desk, ("22000001",))
    put_mail(desk, "22000001")
    first = reset(desk, Who(("22000001",)))
    put_mail(desk, "22000001")
    second = reset(desk, Who(("22000001",)))
    assert first.kept != second.kept
    assert len(list((tmp_path / "snapshots").glob("*/22000001/new/*"))) == 2


def test_no_delivery_is_lost_under_resets(tmp_path):
    desk = desk_at(tmp_path)
    add(desk, ("22000001",))

    def deliver():
        for _ in range(100):
            put_mail(desk, "22000001")

    threads = [threading.Thread(target=deliver) for _ in range(2)]
    for each in threads:
        each.start()
    for _ in range(10):
        reset(desk, Who(everybody=True))
    for each in threads:
        each.join()
    there = messages_in(tmp_path / "maildirs" / "22000001")
    aside = list((tmp_path / "snapshots").glob("*/22000001/new/*"))
    assert len(there) + len(aside) == 200


def test_a_reset_of_nobody_leaves_no_folder_behind(tmp_path):
    desk = desk_at(tmp_path)
    report = reset(desk, Who(everybody=True))
    assert (report.numbers, report.kept) == ((), "")
    assert not list(tmp_path.glob("snapshots/*"))


def test_a_broken_mailbox_is_set_aside_too(tmp_path):
    desk = desk_at(tmp_path)
    add(desk, ("22000001",))
    (tmp_path / "maildirs" / "22000001").write_text("a file in its place")
    assert plan_reset(desk, Who(everybody=True)).broken == ("22000001",)
    reset(desk, Who(everybody=True))
    put_mail(desk, "22000001")
    assert len(messages_in(tmp_path / "maildirs" / "22000001")) == 1


@pytest.mark.parametrize(
    ("language", "subject"),
    [("en", "Welcome to your mailbox"), ("fr", "Bienvenue dans votre boîte aux lettres")],
)
def test_the_demo_class_is_welcomed_once_in_the_sites_language(tmp_path, language, subject):
    desk = desk_at(tmp_path, Settings(domain="lab.example", language=language))
    assert demo(desk).welcomed == NUMBERS
    assert demo(desk).welcomed == ()
    for number in NUMBERS:
        (octets,) = messages_in(tmp_path / "maildirs" / number)
        assert octets.startswith(b"Return-Path: <postmaster@lab.example>\nReceived: ")
        mail = email.message_from_bytes(octets, policy=email.policy.default)
        assert mail["Subject"] == subject
        assert mail["To"].addresses[0].addr_spec == f"{number}@lab.example"
        assert mail["Message-ID"]
        assert mail["Date"].datetime.timestamp() == NOW
        assert not mail.defects
        assert f"{number}@lab.example" in mail.get_content()
    assert [each.name for each in (tmp_path / "spool").iterdir()] == []


def test_the_demo_leaves_a_mailbox_with_mail_alone(tmp_path):
    desk = desk_at(tmp_path)
    add(desk, NUMBERS[:1])
    put_mail(desk, NUMBERS[0])
    assert demo(desk).welcomed == NUMBERS[1:]
    assert len(messages_in(tmp_path / "maildirs" / NUMBERS[0])) == 1


def test_every_line_of_the_settings_page_is_the_default(tmp_path):
    text = page(Settings())
    uncommented = "\n".join(
        line.removeprefix("# ") if " = " in line else line for line in text.splitlines()
    )
    table = tomllib.loads(uncommented)
    assert from_table(table) == Settings()
    assert table["limits"].keys() == {each.name for each in fields(Limits)}
    assert table.keys() == {each.name for each in fields(Settings)} - {"hooks"}


def test_found_sets_the_domain_and_a_french_machines_language(tmp_path):
    founded = found(tmp_path / "new" / "site", {"domain": "Lab.example", "language": "fr"})
    assert founded.domain == "lab.example"
    assert load(tmp_path / "new" / "site") == Settings(domain="lab.example", language="fr")
    assert mode(tmp_path / "new" / "site" / "tpmail.toml") == 0o600
    assert mode(tmp_path / "new" / "site") == 0o700


@pytest.mark.parametrize("there", ["file", "dangling link"])
def test_found_writes_over_nothing(tmp_path, there):
    target = tmp_path / "tpmail.toml"
    if there == "file":
        target.write_text("mine")
    else:
        target.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotDone, match="exists already"):
        found(tmp_path, {})
    assert there != "file" or target.read_text() == "mine"
    assert not (tmp_path / "elsewhere").exists()


def test_status_tells_what_the_server_says_and_counts_without_one(tmp_path):
    desk = desk_at(tmp_path)
    add(desk, ("22000001", "22000002"), "tp1")
    quiet = status(desk)
    assert (quiet.server, quiet.sessions) == (None, ())
    assert (quiet.accounts, quiet.groups) == (2, 1)
    room = Room()
    loud = status(replace(desk, live=room))
    assert loud.server == room.facts()
    assert list(loud.sessions) == list(room.sessions())
