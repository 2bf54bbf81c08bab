"""A draft counts what it is given, stays in memory until it spills, and leaves nothing behind."""

import errno
import os
import resource
import stat
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from tpmailserver.store.names import UniqueNames
from tpmailserver.store.spool import HELD_AT_MOST, Draft, Spool


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", UniqueNames(time.time, os.urandom, "tpmail"))


def files(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "spool"
    return sorted(folder.iterdir()) if folder.exists() else []


@contextmanager
def files_of_at_most(octets: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(
    ("stamp", "content", "stored", "wire"),
    [
        (b"", b"", 0, 0),
        (b"", b"\n", 1, 2),
        (b"A: b\n", b"", 5, 6),
        (b"A: b\n", b"\nhello\n", 12, 15),
        (b"A: b\n", b"\nhello", 11, 15),
        (b"", b"a\r\n", 3, 4),
        (b"", b"\r", 1, 3),
    ],
)
def test_octets_are_counted_as_stored_and_as_on_the_wire(
    spool: Spool, stamp: bytes, content: bytes, stored: int, wire: int
) -> None:
    whole, single = spool.draft(stamp), spool.draft(stamp)
    whole.write(content)
    for octet in content:
        single.write(bytes([octet]))
    assert (whole.stored, whole.wire) == (single.stored, single.wire) == (stored, wire)


def test_a_draft_touches_no_disk_until_it_spills(spool: Spool, tmp_path: Path) -> None:
    draft = spool.draft(b"Stamp: 1\n")
    draft.write(b"x" * 1000)
    assert draft.held == 1009
    assert files(tmp_path) == []
    draft.spill()
    assert draft.held == 0
    assert [path.name for path in files(tmp_path)] == [draft.identity]
    assert stat.S_IMODE((tmp_path / "spool").stat().st_mode) == 0o700
    assert stat.S_IMODE(files(tmp_path)[0].stat().st_mode) == 0o600
    draft.discard()


def test_what_spills_in_parts_is_whole_and_in_order(spool: Spool, tmp_path: Path) -> None:
    draft = spool.draft(b"Stamp: 1\n")
    expected = b"Stamp: 1\n"
    for number in range(5000):
        draft.write(b"%d " % number)
        expected += b"%d " % number
        if number % 1700 == 0:
            draft.spill()
    draft.settle()
    assert files(tmp_path)[0].read_bytes() == expected
    assert draft.stored == len(expected)
    draft.discard()
    assert files(tmp_path) == []


def test_the_head_is_the_content_without_the_stamp(spool: Spool) -> None:
    draft = spool.draft(b"Stamp: 1\n")
    assert draft.head == b""
    draft.write(b"From: a\n")
    draft.write(b"\nhello")
    assert draft.head == b"From: a\n\nhello"
    draft.write(b"x" * HELD_AT_MOST)
    assert draft.head == (b"From: a\n\nhello" + b"x" * HELD_AT_MOST)[:HELD_AT_MOST]
    before = draft.head
    draft.spill()
    draft.write(b"more")
    assert draft.head == before
    draft.discard()


def test_discard_removes_the_file_and_may_be_said_again(spool: Spool, tmp_path: Path) -> None:
    draft = spool.draft(b"")
    draft.write(b"x")
    draft.spill()
    files(tmp_path)[0].unlink()
    draft.discard()
    draft.discard()
    spool.draft(b"").discard()
    assert files(tmp_path) == []


def test_after_discard_content_is_counted_and_thrown_away(spool: Spool, tmp_path: Path) -> None:
    draft = spool.draft(b"")
    draft.discard()
    draft.write(b"x" * 100)
    assert (draft.stored, draft.held) == (100, 0)
    with pytest.raises(RuntimeError):
        draft.spill()
    assert files(tmp_path) == []


def test_a_file_that_may_not_grow_leaves_nothing(spool: Spool, tmp_path: Path) -> None:
    draft = spool.draft(b"Stamp: 1\n")
    draft.write(b"x" * 5000)
    with files_of_at_most(4096), pytest.raises(OSError, match="too large") as caught:
        draft.spill()
    assert caught.value.errno == errno.EFBIG
    assert files(tmp_path) == []
    assert draft.held == 0


def test_a_draft_closes_what_it_opened(spool: Spool) -> None:
    before = os.listdir("/proc/self/fd")
    draft = spool.draft(b"")
    draft.write(b"x")
    draft.spill()
    assert len(os.listdir("/proc/self/fd")) > len(before)
    draft.discard()
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_a_draft_discarded_while_a_thread_writes_leaves_nothing(
    spool: Spool, tmp_path: Path
) -> None:
    before = os.listdir("/proc/self/fd")
    writing = Event()
    ends: list[str] = []

    def write(draft: Draft) -> None:
        try:
            while True:
                draft.write(b"x" * 2_000_000)
                draft.spill()
                writing.set()
        except (RuntimeError, OSError) as error:
            ends.append(str(error))

    for _ in range(20):
        draft = spool.draft(b"")
        writing.clear()
        thread = Thread(target=write, args=(draft,))
        thread.start()
        assert writing.wait(10)
        draft.discard()
        thread.join(10)
        assert not thread.is_alive()
    assert set(ends) == {"the draft is delivered or discarded"}
    assert files(tmp_path) == []
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_content_in_crumbs_takes_little_memory(spool: Spool) -> None:
    tracemalloc.start()
    try:
        draft = spool.draft(b"Stamp: 1\n")
        for number in range(HELD_AT_MOST // 3):
            draft.write(b"%03d" % (number % 1000))
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert draft.held > HELD_AT_MOST
    assert held < 3 * HELD_AT_MOST
    assert draft.head.startswith(b"000001002")


def test_a_spool_that_is_a_link_is_not_followed(spool: Spool, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "spool").symlink_to("elsewhere")
    draft = spool.draft(b"x")
    with pytest.raises(NotADirectoryError):
        draft.spill()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_spool_that_was_removed_is_made_again(spool: Spool, tmp_path: Path) -> None:
    for _ in range(2):
        draft = spool.draft(b"x")
        draft.spill()
        draft.discard()
        (tmp_path / "spool").rmdir()


def test_the_sweep_takes_what_crashes_have_left(spool: Spool, tmp_path: Path) -> None:
    assert spool.sweep(time.time()) == 0
    left, fresh = spool.draft(b"x"), spool.draft(b"x")
    left.spill()
    fresh.spill()
    old = time.time() - 37 * 3600
    os.utime(tmp_path / "spool" / left.identity, (old, old))
    assert spool.sweep(time.time()) == 1
    assert [path.name for path in files(tmp_path)] == [fresh.identity]
    left.discard()
    fresh.discard()
