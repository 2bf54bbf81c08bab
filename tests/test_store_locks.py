"""A lock has one holder, says who it is, and goes with it, however it goes."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from tpmailserver.model import name_of
from tpmailserver.store import locks
from tpmailserver.store.locks import DeliveryGate, Holder, MaildropLock, MaildropLocks, SiteLock

NOON = 1_700_000_000.25

HOLD_MAILDROP = """
import sys, time
from pathlib import Path
from tpmailserver.store.locks import MaildropLock, MaildropLocks
locks = MaildropLocks(Path(sys.argv[1]), lambda: 1700000000.25)
assert isinstance(locks.acquire("1", "10.0.0.1"), MaildropLock)
print("held", flush=True)
sys.stdin.readline()
"""

HOLD_SITE = """
import sys
from pathlib import Path
from tpmailserver.store.locks import SiteLock
assert SiteLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
sys.stdin.readline()
"""


@contextmanager
def another_process(script: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-c", script, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "locks"


def test_a_maildrop_has_one_holder_and_says_who(folder: Path) -> None:
    maildrops = MaildropLocks(folder, lambda: NOON)
    first = maildrops.acquire("1", "10.0.0.1")
    assert isinstance(first, MaildropLock)
    assert maildrops.acquire("1", "10.0.0.2") == Holder("10.0.0.1", NOON)
    assert isinstance(maildrops.acquire("2", "10.0.0.2"), MaildropLock)
    assert maildrops.holders() == {"1": Holder("10.0.0.1", NOON), "2": Holder("10.0.0.2", NOON)}
    first.release()
    assert isinstance(maildrops.acquire("1", "10.0.0.2"), MaildropLock)


def test_a_second_release_does_not_free_the_next_holders_lock(folder: Path) -> None:
    maildrops = MaildropLocks(folder)
    first = maildrops.acquire("1", "10.0.0.1")
    assert isinstance(first, MaildropLock)
    first.release()
    second = maildrops.acquire("1", "10.0.0.2")
    assert isinstance(second, MaildropLock)
    first.release()
    assert isinstance(maildrops.acquire("1", "10.0.0.3"), Holder)


def test_of_many_threads_one_gets_the_maildrop(folder: Path) -> None:
    maildrops = MaildropLocks(folder)
    answers: list[MaildropLock | Holder] = []
    threads = [
        Thread(target=lambda: answers.append(maildrops.acquire("1", "10.0.0.1"))) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(answer, MaildropLock) for answer in answers) == 1
    assert len(answers) == 20


def test_lock_files_are_private_and_closed(folder: Path) -> None:
    before = os.listdir("/proc/self/fd")
    mask = os.umask(0)
    try:
        lock = MaildropLocks(folder).acquire("1", "10.0.0.1")
    finally:
        os.umask(mask)
    assert isinstance(lock, MaildropLock)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "1").stat().st_mode) == 0o600
    lock.release()
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_another_process_holds_the_maildrop_until_it_is_killed(folder: Path) -> None:
    maildrops = MaildropLocks(folder)
    with another_process(HOLD_MAILDROP, folder) as process:
        assert maildrops.acquire("1", "10.0.0.2") == Holder("10.0.0.1", NOON)
        assert maildrops.holders() == {}
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert isinstance(maildrops.acquire("1", "10.0.0.2"), MaildropLock)


def test_a_holder_that_left_no_words_is_another_process(folder: Path) -> None:
    with another_process(HOLD_MAILDROP, folder):
        (folder / "1").write_bytes(b"\xff\r\n\0")
        assert MaildropLocks(folder).acquire("1", "x") == Holder("another process", None)
        (folder / "1").write_bytes(b"12.5 a\r\nb\x1b\n")
        assert MaildropLocks(folder).acquire("1", "x") == Holder("ab", 12.5)


def locks_is_a_file(folder: Path) -> None:
    folder.write_text("a file")


def lock_is_a_folder(folder: Path) -> None:
    (folder / "1").mkdir(parents=True)


def lock_leads_out(folder: Path) -> None:
    folder.mkdir()
    (folder / "1").symlink_to("../outside")


@pytest.mark.parametrize("breaks", [locks_is_a_file, lock_is_a_folder, lock_leads_out])
def test_where_no_lock_file_can_be_the_table_decides(
    folder: Path, breaks: Callable[[Path], None]
) -> None:
    breaks(folder)
    maildrops = MaildropLocks(folder, lambda: NOON)
    lock = maildrops.acquire("1", "10.0.0.1")
    assert isinstance(lock, MaildropLock)
    assert maildrops.acquire("1", "10.0.0.2") == Holder("10.0.0.1", NOON)
    lock.release()
    assert isinstance(maildrops.acquire("1", "10.0.0.2"), MaildropLock)
    assert not (folder.parent / "outside").exists()


def test_deliveries_go_side_by_side() -> None:
    gate = DeliveryGate()
    with gate.delivering(["1", "2"]), gate.delivering(["2", "3"]), gate.resetting(["4"]):
        pass


def test_a_reset_waits_for_the_delivery_under_way_and_holds_off_the_next() -> None:
    gate = DeliveryGate()
    events: list[str] = []
    asked, resetting, may_end = Event(), Event(), Event()

    def reset() -> None:
        asked.set()
        with gate.resetting(["1", "2"]):
            events.append("reset begins")
            resetting.set()
            may_end.wait(10)
            events.append("reset ends")

    def deliver() -> None:
        with gate.delivering(["2", "3"]):
            events.append("second delivery")

    threads = [Thread(target=reset), Thread(target=deliver)]
    with gate.delivering(["1"]):
        threads[0].start()
        asked.wait(10)
        assert not resetting.wait(0.05)
        events.append("first delivery ends")
    assert resetting.wait(10)
    threads[1].start()
    with gate.delivering(["3"]):
        pass
    may_end.set()
    for thread in threads:
        thread.join()
    assert events == ["first delivery ends", "reset begins", "reset ends", "second delivery"]


def test_who_has_waited_too_long_gets_an_error_and_the_gate_stays_sound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(locks, "GATE_PATIENCE", 0.02)
    gate = DeliveryGate()
    with gate.delivering(["1"]), pytest.raises(TimeoutError), gate.resetting(["1"]):
        pass
    with gate.resetting(["1"]), pytest.raises(TimeoutError), gate.delivering(["1", "2"]):
        pass
    with gate.resetting(["1"]), pytest.raises(TimeoutError), gate.resetting(["1"]):
        pass
    with gate.resetting(["1", "2"]):
        pass
    with gate.delivering(["1", "2"]):
        pass


def test_a_removal_holds_a_reset_off_and_none_comes_after_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(locks, "GATE_PATIENCE", 0.02)
    gate = DeliveryGate()
    turn = gate.turn("1")
    with gate.removing("1", turn) as may, gate.resetting(["2"]):
        assert may
        with pytest.raises(TimeoutError), gate.resetting(["1"]):
            pass
    turn = gate.turn("1")
    with gate.resetting(["1"]), gate.removing("1", turn) as may:
        assert not may
    with gate.removing("1", turn) as may:
        assert not may
    with gate.removing("1", gate.turn("1")) as may:
        assert may


def test_a_failure_inside_opens_the_gate_again() -> None:
    gate = DeliveryGate()
    for entered in (gate.delivering, gate.resetting):
        with pytest.raises(OSError, match="broken"), entered(["1"]):
            raise OSError("broken")
        with gate.resetting(["1"]):
            pass


def test_a_site_has_one_server(folder: Path) -> None:
    first, second = SiteLock(folder), SiteLock(folder)
    assert first.holder_pid() is None
    assert not folder.exists()
    assert first.acquire()
    assert first.acquire()
    assert not second.acquire()
    assert first.holder_pid() == second.holder_pid() == os.getpid()
    first.release()
    first.release()
    assert second.holder_pid() is None
    assert second.acquire()
    second.release()


def test_the_site_is_free_when_its_server_was_killed(folder: Path) -> None:
    lock = SiteLock(folder)
    with another_process(HOLD_SITE, folder) as process:
        assert not lock.acquire()
        assert lock.holder_pid() == process.pid
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert lock.holder_pid() is None
        assert lock.acquire()
        lock.release()


def test_the_site_lock_is_never_taken_for_an_account_s(folder: Path) -> None:
    lock = SiteLock(folder)
    lock.acquire()
    (file,) = folder.iterdir()
    assert name_of(file.name) is None
    lock.release()
