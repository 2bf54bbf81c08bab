"""Mail to lists, over SMTP and POP3: who gets a copy, how often, and what stands on top of it."""

import os
from pathlib import Path

import pytest

from tpmailserver.store.lists import MayPost

from .faults import DOMAIN, Server, serving, site_for, until
from .listing import Answer, at, files_of, lists_of, mails, post, the_mail

CLASS = tuple(f"2200000{each}" for each in range(1, 9))
ONE, TWO, THREE, FOUR, FIVE, SIX, SEVEN, EIGHT = CLASS
CONTENT = b"From: me\r\nSubject: to you all\r\n\r\n.a dot\r\n\xc3\xa9t\xe9\r\n"
STORED = CONTENT.replace(b"\r\n", b"\n")


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> Path:
    """A group, td1, of everybody; two lists that contain each other; one for announcements."""
    site = site_for(tmp_path / "site", CLASS)
    lists = lists_of(site)
    lists.put("left", [ONE, TWO, THREE], owner=SEVEN)
    lists.put("right", [THREE, FOUR, "left"], owner=EIGHT)
    lists.put("left", ["right", FIVE])
    lists.put("news", ["td1"], owner=ONE, may_post=MayPost.OWNER)
    lists.put("closed", [ONE, TWO], owner=THREE, may_post=MayPost.MEMBERS)
    lists.put("empty")
    return site


@pytest.fixture(name="server")
def _server(site: Path) -> Server:
    with serving(site) as server:
        yield server


def test_crossing_lists_and_direct_recipients_give_one_copy_each(server: Server) -> None:
    answer = post(server, SIX, ["left", "right", FOUR, SIX, FOUR], CONTENT)
    assert answer.text.startswith("2.0.0 delivered to 6 mailboxes, id="), answer
    # ONE, TWO, FIVE by left; THREE is on both, and left was named first; FOUR and SIX directly.
    for number in (ONE, TWO, THREE, FIVE):
        mail = the_mail(server, number)
        assert mail["Return-Path"] == f"<{at(SEVEN)}>"
        assert mail.get_all("List-Id") == [f"<left.{DOMAIN}>"]
        assert mail["List-Post"] == f"<mailto:{at('left')}>"
        assert mail["List-Help"] == f"<mailto:{at(SEVEN)}?subject=left>"
        assert mail["Precedence"] == "list"
        assert f"for <{at('left')}>" in mail["Received"]
    for number in (FOUR, SIX):
        mail = the_mail(server, number)
        assert mail["Return-Path"] == f"<{at(SIX)}>"
        assert "List-Id" not in mail
    assert mails(server, SEVEN) == mails(server, EIGHT) == []


def test_a_list_on_a_list_stamps_its_own_name(server: Server) -> None:
    assert post(server, SIX, ["right"], CONTENT).code == 250
    by_list = {number: the_mail(server, number)["List-Id"] for number in (ONE, TWO, THREE, FOUR)}
    left, right = f"<left.{DOMAIN}>", f"<right.{DOMAIN}>"
    assert by_list == {ONE: left, TWO: left, THREE: right, FOUR: right}
    assert the_mail(server, ONE)["Return-Path"] == f"<{at(SEVEN)}>"
    # It came to the address "right", whatever list it took on the way.
    assert f"for <{at('right')}>" in the_mail(server, ONE)["Received"]


def test_what_the_writer_wrote_is_untouched(server: Server) -> None:
    assert post(server, SIX, ["left", SIX], CONTENT).code == 250
    for number in (ONE, SIX):
        (mail,) = mails(server, number)
        assert mail.endswith(b"\n" + STORED)


@pytest.mark.parametrize("octets", [100, 300_000])
def test_one_file_for_each_stamping(site: Path, server: Server, octets: int) -> None:
    line = b"x" * 77 + b"\n"
    content = b"Subject: big\n\n" + line * (octets // len(line))
    answer = post(server, SIX, ["left", FOUR, SIX], content.replace(b"\n", b"\r\n"))
    assert answer.code == 250
    inodes = {number: os.stat(*files_of(site, number)).st_ino for number in CLASS[:6]}
    assert inodes[ONE] == inodes[TWO] == inodes[FIVE] == inodes[THREE]
    assert inodes[FOUR] == inodes[SIX] != inodes[ONE]
    for number in (ONE, SIX):
        assert files_of(site, number)[0].read_bytes().endswith(content)
    assert list((site / "spool").iterdir()) == []


def test_a_group_is_a_list_that_keeps_itself_up_to_date(site: Path, server: Server) -> None:
    assert post(server, ONE, ["td1"], CONTENT).text.startswith("2.0.0 delivered to 8 ")
    mail = the_mail(server, EIGHT)
    # Nobody owns the list of a group.
    assert mail["Return-Path"] == f"<{at('postmaster')}>"
    assert mail["List-Id"] == f"<td1.{DOMAIN}>"
    lists = lists_of(site)
    lists.put("everybody", ["td1"])
    until(lambda: post(server, ONE, ["everybody"], CONTENT).text.startswith("2.0.0 delivered to 8"))


def test_an_extension_of_a_list_reaches_the_list(server: Server) -> None:
    assert post(server, SIX, ["LEFT+monday"], CONTENT).code == 250
    assert f"for <{at('LEFT+monday')}>" in the_mail(server, ONE)["Received"]
    assert the_mail(server, ONE)["List-Id"] == f"<left.{DOMAIN}>"


def test_who_may_post_is_asked_at_rcpt(server: Server) -> None:
    refused = post(server, TWO, ["news"], CONTENT)
    assert refused == Answer(550, "5.7.2 news takes mail from its owner only")
    assert post(server, ONE, ["news"], CONTENT).code == 250
    assert "NO" in the_mail(server, TWO)["List-Post"]
    assert post(server, FOUR, ["closed"], CONTENT).text.startswith("5.7.2 closed takes mail from ")
    for sender in (ONE, TWO, THREE):
        assert post(server, sender, ["closed"], CONTENT).code == 250


def test_a_login_counts_more_than_what_mail_from_says(server: Server) -> None:
    assert post(server, ONE, ["closed"], CONTENT, login=FOUR).code == 550
    assert post(server, FOUR, ["closed"], CONTENT, login=ONE).code == 250


def test_a_refused_list_leaves_the_other_recipients(server: Server) -> None:
    with_refusals = post(server, FOUR, [ONE], CONTENT)
    assert with_refusals.code == 250
    assert post(server, FOUR, ["empty"], CONTENT).text.startswith("5.2.4 nobody is on the list")
    assert post(server, "", ["left"], CONTENT).text.startswith("5.7.2 left is a list and takes no")


def test_a_full_member_refuses_at_rcpt_and_nobody_gets_it(tmp_path: Path) -> None:
    site = site_for(tmp_path / "site", CLASS, mailbox_messages=1)
    with serving(site) as server:
        assert post(server, ONE, [TWO], CONTENT).code == 250
        full = post(server, ONE, ["td1"], CONTENT)
        assert full == Answer(
            452, f"4.2.2 the mailbox of {at(TWO)} is full; its owner must delete mail"
        )
        assert mails(server, THREE) == []


def test_a_member_whose_mailbox_is_broken_keeps_it_from_all(site: Path, server: Server) -> None:
    (site / "maildirs").mkdir(exist_ok=True)
    (site / "maildirs" / FIVE).write_text("no folder")
    assert post(server, SIX, ["left"], CONTENT).code == 451
    assert mails(server, ONE) == []
    (site / "maildirs" / FIVE).unlink()
    assert post(server, SIX, ["left"], CONTENT).code == 250


def test_a_thousand_members_are_links_to_one_file(tmp_path: Path) -> None:
    members = [f"{30000000 + each}" for each in range(1000)]
    site = site_for(tmp_path / "site", [ONE, *members])
    lists_of(site).put("all", members, owner=ONE)
    with serving(site) as server:
        assert post(server, ONE, ["all"], CONTENT).text.startswith("2.0.0 delivered to 1000 ")
    files = [file for number in members for file in files_of(site, number)]
    assert len(files) == 1000
    assert {os.stat(each).st_ino for each in files} == {os.stat(files[0]).st_ino}
    assert os.stat(files[0]).st_nlink == 1000
