"""A listing is what is in the mailbox now, in the order of delivery, read once while it rests."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.store_site import CONTENT, STAMP, Site
from tpmailserver.model import Message
from tpmailserver.store import listing, measure
from tpmailserver.store.locks import DeliveryGate
from tpmailserver.store.maildir import Mailboxes
from tpmailserver.store.names import UniqueNames
from tpmailserver.store.spool import Spool
from tpmailserver.store.tally import Tally

STORED = len(STAMP + CONTENT)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    made.mailboxes.prepare("1")
    return made


@pytest.fixture
def rested(tmp_path: Path, site: Site) -> Mailboxes:
    """The same mailboxes an hour later, when every folder has been at rest."""
    return Mailboxes(site.maildirs, DeliveryGate(), lambda: time.time() + 3600)


def put(site: Site, name: str, octets: bytes) -> Path:
    path = site.maildirs / "1" / name
    path.write_bytes(octets)
    return path


def uidls(messages: tuple[Message, ...]) -> list[str]:
    return [message.uidl for message in messages]


def test_a_mailbox_that_is_not_there_is_empty(site: Site) -> None:
    assert site.mailboxes.snapshot("2") == ()
    assert site.mailboxes.tally("2") == Tally(0, 0)
    assert not (site.maildirs / "2").exists()


def test_an_empty_site_has_empty_mailboxes(tmp_path: Path) -> None:
    assert Mailboxes(tmp_path / "none", DeliveryGate()).snapshot("1") == ()
    assert Mailboxes(tmp_path / "none", DeliveryGate()).sweep(0) == 0


def test_a_message_says_its_file_its_unique_id_and_its_sizes(site: Site) -> None:
    site.deliver("1")
    (message,) = site.mailboxes.snapshot("1")
    assert message.name == f"new/{site.new('1')[0].name}"
    assert message.name.startswith(f"new/{message.uidl},S=")
    assert message.stored == STORED
    assert message.octets == len((STAMP + CONTENT).replace(b"\n", b"\r\n"))


def test_messages_come_in_the_order_of_delivery_even_when_the_clock_jumps_back(
    tmp_path: Path, site: Site
) -> None:
    moments = iter([1732376757.5, 1732376757.5, 1732376000.0, 1732376757.6])
    spool = Spool(tmp_path / "spool", UniqueNames(lambda: next(moments), os.urandom, "tpmail"))
    for number in range(4):
        draft = spool.draft(b"%d\n" % number)
        site.mailboxes.deliver(draft, ["1"])
        if number % 2:
            read = site.new("1")[-1]
            read.rename(site.maildirs / "1" / "cur" / f"{read.name}:2,S")
    found = []
    for message in site.mailboxes.snapshot("1"):
        fd = site.mailboxes.open("1", message)
        found.append(os.read(fd, 10))
        os.close(fd)
    assert found == [b"0\n", b"1\n", b"2\n", b"3\n"]


def test_a_unique_id_lasts_when_the_file_moves_and_gets_flags(site: Site) -> None:
    site.deliver("1")
    (before,) = site.mailboxes.snapshot("1")
    path = site.new("1")[0]
    for moved in (f"cur/{path.name}", f"cur/{path.name}:2,S", f"cur/{path.name}:2,FS"):
        path = path.rename(site.maildirs / "1" / moved)
        (after,) = site.mailboxes.snapshot("1")
        assert after.name == moved
        assert (after.uidl, after.octets, after.stored) == (
            before.uidl,
            before.octets,
            before.stored,
        )


@pytest.mark.parametrize(
    ("octets", "wire"),
    [(b"", 0), (b"a\n\nb\n", 8), (b"a\n\nb", 8), (b"a\r\n", 4), (b"x" * 300_000 + b"\n", 300_002)],
)
def test_a_foreign_file_is_measured(site: Site, octets: bytes, wire: int) -> None:
    put(site, "new/a letter.eml", octets)
    for _ in "12":
        (message,) = site.mailboxes.snapshot("1")
        assert (message.stored, message.octets) == (len(octets), wire)
    assert site.mailboxes.tally("1") == Tally(1, len(octets))


def test_a_foreign_file_is_read_once(site: Site, rested: Mailboxes) -> None:
    path = put(site, "cur/foreign", b"a\nb\n")
    standing = path.stat()
    (before,) = rested.snapshot("1")
    # The same file as far as its name, its size and its time tell, with one line end fewer: only
    # who reads it again can see it.
    with path.open("r+b") as file:
        file.write(b"a b\n")
    os.utime(path, ns=(standing.st_atime_ns, standing.st_mtime_ns))
    path.rename(path.with_name("foreign:2,S"))
    (after,) = rested.snapshot("1")
    assert (after.name, after.octets) == ("cur/foreign:2,S", before.octets)


def test_a_foreign_file_that_grows_in_its_place_is_measured_again(
    site: Site, rested: Mailboxes
) -> None:
    path = put(site, "new/typed by hand", b"a\n")
    assert rested.snapshot("1")[0].octets == 3
    with path.open("ab") as file:
        file.write(b"b\n")
    assert rested.snapshot("1")[0].octets == 6


def test_the_sizes_that_are_remembered_are_bounded(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "_REMEMBERED_AT_MOST", 3)
    for number in range(9):
        put(site, f"new/{number}", b"a\n" * number)
    for _ in "12":
        found = [message.octets for message in site.mailboxes.snapshot("1")]
        assert found == [3 * number for number in range(9)]


def test_what_is_no_message_is_not_listed(site: Site) -> None:
    put(site, "new/.hidden", b"x")
    put(site, "tmp/unfinished", b"x")
    outside = put(site, "outside", b"secret")
    (site.maildirs / "1" / "new" / "link,S=6,W=6").symlink_to(outside)
    (site.maildirs / "1" / "new" / "dangling").symlink_to("nowhere")
    (site.maildirs / "1" / "new" / "folder").mkdir()
    os.mkfifo(site.maildirs / "1" / "new" / "fifo")
    assert site.mailboxes.snapshot("1") == ()


def test_names_in_no_encoding_are_listed_and_opened(site: Site) -> None:
    folder = os.fsencode(site.maildirs / "1" / "new")
    with open(folder + b"/num\xe9ro", "wb") as file:
        file.write(b"hello\n")
    (message,) = site.mailboxes.snapshot("1")
    assert message.uidl.isascii()
    fd = site.mailboxes.open("1", message)
    assert os.read(fd, 10) == b"hello\n"
    os.close(fd)
    assert site.mailboxes.remove("1", [message]) == 0
    assert site.mailboxes.snapshot("1") == ()


def test_a_message_that_is_in_new_and_in_cur_is_listed_once(site: Site) -> None:
    site.deliver("1")
    path = site.new("1")[0]
    os.link(path, site.maildirs / "1" / "cur" / f"{path.name}:2,S")
    (message,) = site.mailboxes.snapshot("1")
    assert message.name.startswith("cur/")


def mailbox_is_a_file(mailbox: Path) -> None:
    mailbox.write_text("a file")


def new_is_a_file(mailbox: Path) -> None:
    mailbox.mkdir()
    (mailbox / "new").write_text("a file")


def cur_dangles(mailbox: Path) -> None:
    (mailbox / "new").mkdir(parents=True)
    (mailbox / "cur").symlink_to("nowhere")


@pytest.mark.parametrize("breaks", [mailbox_is_a_file, new_is_a_file, cur_dangles])
def test_a_broken_mailbox_is_trouble_for_itself_alone(
    site: Site, breaks: Callable[[Path], None]
) -> None:
    site.deliver("1")
    breaks(site.maildirs / "9")
    for _ in "12":
        with pytest.raises(NotADirectoryError):
            site.mailboxes.tally("9")
        with pytest.raises(NotADirectoryError):
            site.mailboxes.snapshot("9")
        assert site.mailboxes.known_tally("9") is None
    assert len(site.mailboxes.snapshot("1")) == 1


def test_a_mailbox_at_rest_is_read_once(rested: Mailboxes, site: Site) -> None:
    site.deliver("1")
    assert rested.snapshot("1") is rested.snapshot("1")


def test_a_mailbox_that_has_just_changed_is_read_again(site: Site) -> None:
    site.deliver("1")
    assert site.mailboxes.snapshot("1") is not site.mailboxes.snapshot("1")


def deliver(site: Site) -> None:
    site.deliver("1")


def remove_a_file(site: Site) -> None:
    site.new("1")[0].unlink()


def move_to_cur(site: Site) -> None:
    site.new("1")[0].rename(site.maildirs / "1" / "cur" / "moved")


def change_and_set_the_time_back(site: Site) -> None:
    folder = site.maildirs / "1" / "new"
    before = folder.stat()
    put(site, "new/unnoticed", b"x")
    os.utime(folder, ns=(before.st_atime_ns, before.st_mtime_ns))


def put_another_in_its_place(site: Site) -> None:
    (site.maildirs / "1").rename(site.maildirs / "2")
    site.mailboxes.prepare("1")


@pytest.mark.parametrize(
    "change",
    [deliver, remove_a_file, move_to_cur, change_and_set_the_time_back, put_another_in_its_place],
)
def test_a_change_is_seen_at_once(
    site: Site, rested: Mailboxes, change: Callable[[Site], None]
) -> None:
    site.deliver("1")
    before = rested.snapshot("1")
    assert rested.snapshot("1") is before
    change(site)
    after = rested.snapshot("1")
    assert after != before
    assert after == Mailboxes(site.maildirs, DeliveryGate()).snapshot("1")
    assert rested.known_tally("1") == Tally(len(after), sum(each.stored for each in after))


def test_remembered_listings_are_bounded(
    site: Site, rested: Mailboxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_LISTED_AT_MOST", 10)
    for name in ("2", "3"):
        for _ in range(6):
            site.deliver(name)
    two, three = rested.snapshot("2"), rested.snapshot("3")
    assert rested.snapshot("3") is three
    again = rested.snapshot("2")
    assert again is not two
    assert again == two


def test_a_listing_that_is_larger_than_the_bound_is_not_remembered(
    site: Site, rested: Mailboxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_LISTED_AT_MOST", 3)
    for _ in range(6):
        site.deliver("1")
    assert rested.snapshot("1") is not rested.snapshot("1")
    assert len(rested.snapshot("1")) == 6


def test_the_tally_is_in_memory_once_it_was_counted(site: Site) -> None:
    assert site.mailboxes.known_tally("1") is None
    site.deliver("1")
    assert site.mailboxes.known_tally("1") is None
    assert site.mailboxes.tally("1") == Tally(1, STORED)
    site.deliver("1", "2")
    assert site.mailboxes.known_tally("1") == Tally(2, 2 * STORED)
    site.mailboxes.remove("1", site.mailboxes.snapshot("1")[:1])
    assert site.mailboxes.known_tally("1") == Tally(1, STORED)
    site.mailboxes.forget("1")
    assert site.mailboxes.known_tally("1") is None


def test_a_fresh_snapshot_corrects_the_tally(site: Site) -> None:
    site.deliver("1")
    site.mailboxes.tally("1")
    put(site, "new/by hand", b"12345")
    site.mailboxes.snapshot("1")
    assert site.mailboxes.known_tally("1") == Tally(2, STORED + 5)


def test_the_sweep_takes_what_was_left_in_tmp(site: Site) -> None:
    old = time.time() - 37 * 3600
    site.deliver("1")
    for path in (put(site, "tmp/old", b"x"), site.new("1")[0]):
        os.utime(path, (old, old))
    put(site, "tmp/young", b"x")
    (site.maildirs / "9").write_text("a broken mailbox")
    (site.maildirs / "README.md").write_text("no mailbox at all")
    assert site.mailboxes.sweep(time.time()) == 1
    assert [path.name for path in (site.maildirs / "1" / "tmp").iterdir()] == ["young"]
    assert len(site.new("1")) == 1
