"""A message is opened and removed where it is now; one that is gone hurts nobody else."""

import os
from pathlib import Path

import pytest

from tests.store_site import CONTENT, STAMP, Site
from tpmailserver.model import Message
from tpmailserver.store.tally import Tally


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    for _ in range(3):
        made.deliver("1")
    return made


def content(site: Site, message: Message) -> bytes:
    fd = site.mailboxes.open("1", message)
    try:
        return os.read(fd, 10_000)
    finally:
        os.close(fd)


def move_all_to_cur(site: Site) -> None:
    for path in site.new("1"):
        path.rename(site.maildirs / "1" / "cur" / f"{path.name}:2,S")


def test_a_message_is_opened_for_reading_only(site: Site) -> None:
    message = site.mailboxes.snapshot("1")[0]
    fd = site.mailboxes.open("1", message)
    assert os.read(fd, 10_000) == STAMP + CONTENT
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.write(fd, b"x")
    os.close(fd)


def test_a_message_that_moved_is_found_again(site: Site) -> None:
    messages = site.mailboxes.snapshot("1")
    move_all_to_cur(site)
    assert [content(site, message) for message in messages] == [STAMP + CONTENT] * 3
    for path in (site.maildirs / "1" / "cur").iterdir():
        path.rename(path.with_name(path.name.replace(":2,S", ":2,FRS")))
    assert [content(site, message) for message in messages] == [STAMP + CONTENT] * 3


def test_a_message_that_is_gone_is_file_not_found(site: Site) -> None:
    first, second, _ = site.mailboxes.snapshot("1")
    (site.maildirs / "1" / first.name).unlink()
    with pytest.raises(FileNotFoundError):
        site.mailboxes.open("1", first)
    assert content(site, second) == STAMP + CONTENT
    (site.maildirs / "1").rename(site.maildirs / "2")
    with pytest.raises(FileNotFoundError):
        site.mailboxes.open("1", second)


def test_a_link_in_the_place_of_a_message_is_not_followed(site: Site, tmp_path: Path) -> None:
    message = site.mailboxes.snapshot("1")[0]
    (tmp_path / "secret").write_text("secret")
    path = site.maildirs / "1" / message.name
    path.unlink()
    path.symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="symbolic links"):
        site.mailboxes.open("1", message)


def test_a_fifo_in_the_place_of_a_message_holds_nobody(site: Site) -> None:
    message = site.mailboxes.snapshot("1")[0]
    path = site.maildirs / "1" / message.name
    path.unlink()
    os.mkfifo(path)
    assert content(site, message) == b""


def test_messages_are_removed(site: Site) -> None:
    first, second, third = site.mailboxes.snapshot("1")
    assert site.mailboxes.remove("1", [first, third]) == 0
    assert site.mailboxes.snapshot("1") == (second,)
    assert site.mailboxes.remove("1", []) == 0


def test_messages_that_moved_are_removed_and_those_gone_count_as_removed(site: Site) -> None:
    messages = site.mailboxes.snapshot("1")
    move_all_to_cur(site)
    (site.maildirs / "1" / "cur" / f"{messages[1].name[4:]}:2,S").unlink()
    site.deliver("1")
    site.mailboxes.tally("1")
    assert site.mailboxes.remove("1", messages) == 0
    assert len(site.mailboxes.snapshot("1")) == 1
    assert site.mailboxes.known_tally("1") == Tally(1, len(STAMP + CONTENT))


def test_messages_of_a_mailbox_that_is_gone_count_as_removed(site: Site) -> None:
    messages = site.mailboxes.snapshot("1")
    (site.maildirs / "1").rename(site.maildirs / "2")
    assert site.mailboxes.remove("1", messages) == 0
    assert len(site.mailboxes.snapshot("2")) == 3


def test_what_cannot_be_removed_is_counted_and_the_rest_goes(site: Site) -> None:
    messages = site.mailboxes.snapshot("1")
    path = site.maildirs / "1" / messages[1].name
    path.unlink()
    path.mkdir()
    assert site.mailboxes.remove("1", messages) == 1
    assert site.mailboxes.snapshot("1") == ()


def test_a_link_to_a_mailbox_is_not_followed(site: Site) -> None:
    messages = site.mailboxes.snapshot("1")
    (site.maildirs / "1").rename(site.maildirs / "2")
    (site.maildirs / "1").symlink_to("2")
    with pytest.raises(NotADirectoryError):
        site.mailboxes.remove("1", messages)
    assert len(site.mailboxes.snapshot("2")) == 3


def test_an_erased_mailbox_is_gone_with_all_that_is_in_it(site: Site, tmp_path: Path) -> None:
    site.deliver("1", "2")
    (site.maildirs / "1" / "dovecot.index").write_bytes(b"x")
    (site.maildirs / "1" / "elsewhere").symlink_to(tmp_path)
    site.mailboxes.erase("1")
    assert not (site.maildirs / "1").exists()
    assert site.mailboxes.tally("1").messages == 0
    assert len(site.new("2")) == 1
    assert tmp_path.exists()
    site.mailboxes.erase("1")
    site.deliver("1")
    assert len(site.new("1")) == 1
