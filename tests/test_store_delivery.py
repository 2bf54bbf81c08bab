"""A delivery is in every recipient's mailbox or, before the first link, in none."""

import errno
import os
import resource
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from threading import Thread

import pytest

from tests.store_site import CONTENT, NAMES, STAMP, Site
from tpmailserver.store import locks
from tpmailserver.store.maildir import deliver_all
from tpmailserver.store.spool import Spool
from tpmailserver.store.tally import Tally


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@contextmanager
def umask(value: int) -> Iterator[None]:
    before = os.umask(value)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.parametrize("mask", [0, 0o022, 0o777])
def test_a_delivery_is_whole_private_and_one_file_for_all(site: Site, mask: int) -> None:
    with umask(mask):
        site.deliver("1", "2", "3")
    found = [file for name in "123" for file in site.new(name)]
    assert [file.read_bytes() for file in found] == [STAMP + CONTENT] * 3
    assert len({file.stat().st_ino for file in found}) == 1
    assert len({file.name for file in found}) == 1
    assert stat.S_IMODE(found[0].stat().st_mode) == 0o600
    folders = [site.maildirs, *site.maildirs.rglob("*")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders if path.is_dir()} == {0o700}
    assert sorted(path.name for path in (site.maildirs / "1").iterdir()) == ["cur", "new", "tmp"]
    assert site.spooled() == []


def test_the_name_says_the_sizes(site: Site) -> None:
    site.deliver("1")
    octets = STAMP + CONTENT
    wire = len(octets.replace(b"\n", b"\r\n"))
    assert site.new("1")[0].name.endswith(f".tpmail,S={len(octets)},W={wire}")


def test_a_large_message_that_spilled_on_the_way_is_whole(site: Site) -> None:
    draft = site.draft()
    expected = STAMP + CONTENT
    for number in range(40):
        chunk = bytes([65 + number % 26]) * 40_000 + b"\n"
        draft.write(chunk)
        expected += chunk
        if draft.held > 65536:
            draft.spill()
    site.mailboxes.deliver(draft, ["1"])
    assert site.new("1")[0].read_bytes() == expected
    assert site.mailboxes.snapshot("1")[0].stored == len(expected)


def test_a_name_that_is_given_twice_gets_one_copy(site: Site) -> None:
    site.mailboxes.tally("1")
    site.deliver("1", "2", "1")
    assert (len(site.new("1")), len(site.new("2"))) == (1, 1)
    assert site.mailboxes.known_tally("1") == Tally(1, len(STAMP + CONTENT))
    assert site.spooled() == []


def test_nobody_is_a_delivery_too(site: Site) -> None:
    site.deliver()
    assert site.spooled() == []


def test_what_is_missing_of_a_mailbox_is_made_again(site: Site) -> None:
    site.mailboxes.prepare("1")
    for part in ("new", "cur", "tmp"):
        (site.maildirs / "1" / part).rmdir()
    site.deliver("1")
    assert len(site.new("1")) == 1
    assert sorted(path.name for path in (site.maildirs / "1").iterdir()) == ["cur", "new", "tmp"]
    (site.maildirs / "1" / "cur").rmdir()
    site.mailboxes.snapshot("1")
    assert (site.maildirs / "1" / "cur").is_dir()


def mailbox_is_a_file(maildirs: Path) -> None:
    (maildirs / "9").write_text("a file")


def mailbox_dangles(maildirs: Path) -> None:
    (maildirs / "9").symlink_to("nowhere")


def mailbox_leads_out(maildirs: Path) -> None:
    (maildirs / "9").symlink_to(maildirs.parent / "outside")


def new_is_a_file(maildirs: Path) -> None:
    (maildirs / "9").mkdir()
    (maildirs / "9" / "new").write_text("a file")


def new_leads_out(maildirs: Path) -> None:
    (maildirs / "9").mkdir()
    (maildirs / "9" / "new").symlink_to(maildirs.parent / "outside" / "new")


BROKEN = [mailbox_is_a_file, mailbox_dangles, mailbox_leads_out, new_is_a_file, new_leads_out]


@pytest.mark.parametrize("breaks", BROKEN, ids=lambda breaks: breaks.__name__)
@pytest.mark.parametrize("others", [2, 60])
def test_a_broken_mailbox_is_found_before_anything_is_delivered(
    site: Site, breaks: Callable[[Path], None], others: int
) -> None:
    (site.maildirs.parent / "outside" / "new").mkdir(parents=True)
    site.maildirs.mkdir()
    breaks(site.maildirs)
    healthy = [str(number) for number in range(100, 100 + others)]
    with pytest.raises(NotADirectoryError) as caught:
        site.deliver(*healthy, "9")
    assert caught.value.filename == "9/new"
    with pytest.raises(NotADirectoryError):
        site.mailboxes.tally("9")
    assert [site.new(name) for name in healthy] == [[]] * others
    assert site.spooled() == []
    assert list((site.maildirs.parent / "outside" / "new").iterdir()) == []

    site.deliver(*healthy)
    assert [len(site.new(name)) for name in healthy] == [1] * others


def test_maildirs_may_not_be_a_link(site: Site, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    site.maildirs.symlink_to("outside")
    with pytest.raises(NotADirectoryError):
        site.deliver("1")
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize("name", ["../1", "1/../2", "", ".", "..", "A", "a\n", "x" * 65, "é"])
def test_what_is_no_name_makes_no_path(site: Site, name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        site.deliver(name)
    with pytest.raises(ValueError, match="no name"):
        site.mailboxes.snapshot(name)
    assert site.spooled() == []
    assert not site.maildirs.exists() or list(site.maildirs.iterdir()) == []


def test_a_failure_between_links_leaves_what_is_linked(site: Site) -> None:
    for name in "123":
        site.deliver(name)
        site.mailboxes.tally(name)
    draft = site.draft()
    in_the_way = f"{draft.identity},S={draft.stored},W={draft.wire}"
    (site.maildirs / "2" / "new" / in_the_way).write_text("in the way")
    with pytest.raises(FileExistsError) as caught:
        site.mailboxes.deliver(draft, ["1", "2", "3"])
    assert caught.value.filename == "2/new"
    assert [len(site.new(name)) for name in "13"] == [2, 1]
    assert (site.maildirs / "2" / "new" / in_the_way).read_text() == "in the way"
    assert site.spooled() == []
    assert site.mailboxes.known_tally("1") == Tally(2, 2 * len(STAMP + CONTENT))
    assert site.mailboxes.known_tally("2") is None


def test_a_folder_removed_during_the_message_is_made_again(site: Site) -> None:
    site.mailboxes.prepare("1")
    draft = site.draft()
    rmtree(site.maildirs / "1")
    site.mailboxes.deliver(draft, ["1"])
    assert len(site.new("1")) == 1


@contextmanager
def few_open_files(more: int) -> Iterator[None]:
    """Lets this process open only so many files more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(fd) for fd in os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + more, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_many_recipients_need_few_open_files(site: Site) -> None:
    names = [str(number) for number in range(300)]
    with few_open_files(48):
        site.deliver(*names)
    assert all(len(site.new(name)) == 1 for name in names)
    assert site.new("0")[0].stat().st_nlink == 300


def test_many_copies_of_few_recipients_each_need_few_open_files(site: Site) -> None:
    """As many lists on a list make them: each has its own stamp."""
    names = [[f"{copy}-{number}" for number in range(30)] for copy in range(20)]
    with few_open_files(80):
        deliver_all([(site.mailboxes, [(site.draft(), each) for each in names])])
    assert all(len(site.new(name)) == 1 for each in names for name in each)
    assert [site.new(each[0])[0].stat().st_nlink for each in names] == [30] * 20


def test_a_delivery_closes_what_it_opened(site: Site) -> None:
    site.mailboxes.prepare("1")
    (site.maildirs / "9").write_text("broken")
    before = os.listdir("/proc/self/fd")
    site.deliver("1", "2")
    site.deliver(*(str(number) for number in range(10, 60)))
    for names in (["9"], ["1", "9"], ["9", *(str(number) for number in range(10, 60))]):
        with pytest.raises(NotADirectoryError):
            site.deliver(*names)
    message = site.mailboxes.snapshot("1")[0]
    os.close(site.mailboxes.open("1", message))
    site.mailboxes.remove("1", [message])
    with pytest.raises(FileNotFoundError):
        site.mailboxes.open("1", message)
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_where_no_link_is_possible_the_file_is_copied(site: Site) -> None:
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == site.maildirs.parent.stat().st_dev:
        pytest.skip("needs a second file system, at /dev/shm, to meet EXDEV")
    folder = memory / f"tpmail-test-{os.getpid()}"
    spool = Spool(folder, NAMES)
    try:
        draft = spool.draft(STAMP)
        draft.write(CONTENT)
        with umask(0):
            site.mailboxes.deliver(draft, ["1", "2"])
        assert list(folder.iterdir()) == []
    finally:
        for left in folder.iterdir():
            left.unlink()
        folder.rmdir()
    for name in "12":
        (file,) = site.new(name)
        assert file.read_bytes() == STAMP + CONTENT
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert list((site.maildirs / name / "tmp").iterdir()) == []
        assert site.mailboxes.snapshot(name)[0].stored == file.stat().st_size


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "none", folder],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a tmpfs (run as root) to meet a full disk")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_leaves_nothing_and_is_over_when_there_is_room(small_disk: Path) -> None:
    site = Site(small_disk)
    site.deliver("1")
    with pytest.raises(OSError, match="No space") as caught:
        site.mailboxes.deliver(site.draft(b"x" * 300_000), ["1", "2"])
    assert caught.value.errno == errno.ENOSPC
    assert site.spooled() == []
    assert (len(site.new("1")), len(site.new("2"))) == (1, 0)
    site.deliver("1", "2")
    assert (len(site.new("1")), len(site.new("2"))) == (2, 1)


def test_a_delivery_waits_for_a_reset_and_then_gives_up(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "GATE_PATIENCE", 0.02)
    with site.mailboxes.gate.resetting(["2"]):
        site.deliver("1")
        with pytest.raises(TimeoutError):
            site.deliver("1", "2")
    assert (len(site.new("1")), len(site.new("2"))) == (1, 0)
    assert site.spooled() == []
    site.deliver("1", "2")


def test_a_tally_is_right_after_ten_threads_and_readers(site: Site) -> None:
    names = ["1", "2", "3"]
    for name in names:
        site.mailboxes.tally(name)
    failures: list[BaseException] = []

    def send() -> None:
        try:
            for _ in range(20):
                site.deliver(*names)
        except BaseException as error:  # noqa: BLE001 - a thread's failure is the test's
            failures.append(error)

    def read() -> None:
        try:
            for _ in range(50):
                for name in names:
                    site.mailboxes.snapshot(name)
                first = site.mailboxes.snapshot("3")[:1]
                assert site.mailboxes.remove("3", first) == 0
        except BaseException as error:  # noqa: BLE001 - a thread's failure is the test's
            failures.append(error)

    threads = [Thread(target=send) for _ in range(10)] + [Thread(target=read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for name in names:
        files = site.new(name)
        exact = Tally(len(files), sum(file.stat().st_size for file in files))
        assert site.mailboxes.known_tally(name) == exact
        assert site.mailboxes.tally(name) == exact
    assert len(site.new("1")) == 200
    assert site.spooled() == []
