"""What the store makes is private under any umask, follows no link, and is written whole."""

import errno
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from tpmailserver.store import disk


@pytest.fixture(params=[0, 0o022, 0o777], ids=["umask 0", "umask 022", "umask 777"])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_folders_and_files_are_private(tmp_path: Path, umask: int) -> None:
    disk.make_folder(tmp_path / "site" / "spool")
    with disk.opened(disk.open_folder(tmp_path / "site")) as site:
        assert disk.make_folder_in(site, "maildirs")
        os.close(disk.create_file("letter", site))
    assert mode(tmp_path / "site") == mode(tmp_path / "site" / "spool") == 0o700
    assert mode(tmp_path / "site" / "maildirs") == 0o700
    assert mode(tmp_path / "site" / "letter") == 0o600


def test_a_folder_that_stands_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir(mode=0o755)
    (tmp_path / "site").chmod(0o755)
    disk.make_folder(tmp_path / "site")
    assert mode(tmp_path / "site") == 0o755


def test_a_file_in_the_place_of_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("a file")
    with pytest.raises(FileExistsError):
        disk.make_folder(tmp_path / "site")
    with pytest.raises(NotADirectoryError):
        disk.make_folder(tmp_path / "site" / "spool")
    with pytest.raises(NotADirectoryError):
        disk.open_made_folder(tmp_path / "site")


def test_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "below").mkdir(parents=True)
    (tmp_path / "elsewhere" / "secret").write_text("secret")
    (tmp_path / "link").symlink_to("elsewhere")
    (tmp_path / "letter").symlink_to("elsewhere/secret")
    (tmp_path / "fresh").symlink_to("elsewhere/made")
    with pytest.raises(NotADirectoryError):
        disk.open_folder(tmp_path / "link")
    with pytest.raises(NotADirectoryError):
        disk.descend(tmp_path, "link", "below")
    with disk.opened(disk.open_folder(tmp_path)) as folder:
        with pytest.raises(OSError, match="symbolic links"):
            disk.open_file("letter", folder)
        with pytest.raises(FileExistsError):
            disk.create_file("fresh", folder)
        assert not disk.make_folder_in(folder, "fresh")
    assert not (tmp_path / "elsewhere" / "made").exists()


def test_what_stands_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("first")
    with disk.opened(disk.open_folder(tmp_path)) as folder, pytest.raises(FileExistsError):
        disk.create_file("letter", folder)
    assert (tmp_path / "letter").read_text() == "first"


def test_more_buffers_than_one_call_takes_are_all_written(tmp_path: Path) -> None:
    buffers = [b"%d," % number for number in range(3000)] + [b"", b"end"]
    with (
        disk.opened(disk.open_folder(tmp_path)) as folder,
        disk.opened(disk.create_file("letter", folder)) as fd,
    ):
        disk.write_whole(fd, buffers)
    assert (tmp_path / "letter").read_bytes() == b"".join(buffers)


def test_a_write_that_a_signal_cuts_short_goes_on_where_it_was() -> None:
    sent = [bytes([number]) * 100_001 for number in range(5)]
    reader, writer = os.pipe()
    interrupted = Event()
    received: list[bytes] = []

    def read_all() -> None:
        interrupted.wait(10)
        received.extend(disk.pieces(reader))

    thread = Thread(target=read_all)
    thread.start()
    before = signal.signal(signal.SIGALRM, lambda *_: interrupted.set())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        disk.write_whole(writer, sent)
    finally:
        signal.signal(signal.SIGALRM, before)
        os.close(writer)
        thread.join()
        os.close(reader)
    assert interrupted.is_set()
    assert b"".join(received) == b"".join(sent)


def test_the_sweep_takes_old_files_alone(tmp_path: Path) -> None:
    now = 1_700_000_000.0
    for name, age in (("old", 37), ("young", 35)):
        (tmp_path / name).write_text(name)
        os.utime(tmp_path / name, (now - age * 3600, now - age * 3600))
    (tmp_path / "folder").mkdir()
    os.utime(tmp_path / "folder", (now - 99 * 3600, now - 99 * 3600))
    with disk.opened(disk.open_folder(tmp_path)) as folder:
        assert disk.sweep_folder(folder, now) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "young"]


def test_a_full_disk_and_full_tables_are_told_from_broken_ones() -> None:
    assert {errno.ENOSPC, errno.EDQUOT, errno.EMFILE} <= disk.OUT_OF_SPACE
    assert not {errno.EACCES, errno.EIO, errno.ENOTDIR, errno.EROFS} & disk.OUT_OF_SPACE
