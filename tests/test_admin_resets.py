"""Resets that are undone, snapshots that are restored: where every message is afterwards."""

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.desks import NOW, Room, desk_at, messages_in, mode, put_mail
from tpmailserver.admin.accounts import add, remove
from tpmailserver.admin.desk import Desk, NotDone
from tpmailserver.admin.resets import plan_undo, reset, undo
from tpmailserver.admin.snapshots import plan_restore, restore, snapshot, snapshots
from tpmailserver.admin.who import Who
from tpmailserver.settings import Settings
from tpmailserver.site import open_site

ONE, TWO, THREE = "22000001", "22000002", "22000003"
EVERYBODY = Who(everybody=True)
DAY = 86_400.0


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = replace(desk_at(tmp_path), live=Room())
    add(desk, (ONE, TWO, THREE), "tp1")
    put_mail(desk, ONE, b"Subject: old\n\n1\n")
    put_mail(desk, TWO, b"Subject: old\n\n2\n")
    return desk


def uidls(desk: Desk, number: str) -> list[str]:
    return [each.uidl for each in desk.mailboxes.snapshot(number)]


def texts(desk: Desk, number: str) -> list[bytes]:
    return sorted(
        each.partition(b"\n\n")[2] for each in messages_in(desk.mailboxes.folder / number)
    )


def test_an_undo_brings_the_old_uidls_back_and_keeps_what_came_since(desk: Desk) -> None:
    old = uidls(desk, ONE)
    done = reset(desk, EVERYBODY)
    put_mail(desk, ONE, b"Subject: new\n\nsince\n")
    new = uidls(desk, ONE)
    plan = plan_undo(desk)
    assert (plan.title, plan.kind, plan.messages) == (done.kept, "reset", 2)
    undone = undo(desk)
    assert sorted(uidls(desk, ONE)) == sorted(old + new)
    assert texts(desk, TWO) == [b"2\n"]
    assert (undone.numbers, undone.messages) == ((ONE, TWO, THREE), 3)
    # The room's session of ONE heard of it, and what was there just now is kept as well.
    assert undone.expelled == 1
    assert len(messages_in(desk.snapshots.folder / undone.kept / ONE)) == 1


def test_an_undo_leaves_out_what_the_reset_put_there(desk: Desk) -> None:
    done = reset(desk, EVERYBODY)
    put_mail(desk, ONE, b"Subject: seed\n\nseed\n")
    (seed,) = uidls(desk, ONE)
    taken = desk.snapshots.named(done.kept)
    assert taken
    desk.snapshots.write(replace(taken, seeds=(seed,)))
    put_mail(desk, ONE, b"Subject: new\n\nsince\n")
    undo(desk)
    assert texts(desk, ONE) == [b"1\n", b"since\n"]


def test_an_undo_works_after_a_restart_and_goes_back_step_by_step(desk: Desk) -> None:
    reset(desk, EVERYBODY)
    put_mail(desk, ONE, b"Subject: second\n\nsecond\n")
    reset(replace(desk, clock=lambda: NOW + 1), EVERYBODY)
    later = open_site(desk.folder, Settings()).desk()
    undo(later)
    assert texts(later, ONE) == [b"second\n"]
    undo(later)
    assert texts(later, ONE) == [b"1\n", b"second\n"]
    with pytest.raises(NotDone, match="nothing to undo"):
        undo(later)


def test_what_an_undo_replaced_can_be_had_again(desk: Desk) -> None:
    reset(desk, EVERYBODY)
    put_mail(desk, ONE, b"Subject: new\n\nsince\n")
    kept = undo(desk).kept
    restore(desk, kept, EVERYBODY)
    assert texts(desk, ONE) == [b"since\n"]
    assert texts(desk, TWO) == []


def test_a_snapshot_changes_nothing_and_can_be_restored_twice(desk: Desk) -> None:
    before = uidls(desk, ONE)
    taken = snapshot(desk, "Exam of May!")
    assert taken.title.endswith("-exam-of-may")
    assert (taken.mailboxes, taken.messages) == (3, 2)
    assert uidls(desk, ONE) == before
    for _ in range(2):
        desk.mailboxes.remove(ONE, desk.mailboxes.snapshot(ONE))
        put_mail(desk, ONE, b"Subject: new\n\nsince\n")
        plan = plan_restore(desk, "exam-of", Who((ONE,)))
        assert (plan.title, plan.messages, plan.restored) == (taken.title, 1, 1)
        restored = restore(desk, "exam-of", Who((ONE,)))
        assert uidls(desk, ONE) == before
        assert len(messages_in(desk.snapshots.folder / restored.kept / ONE)) == 1


def test_a_restore_empties_the_mailbox_that_had_no_mail_yet(desk: Desk) -> None:
    title = snapshot(desk, "exam").title
    put_mail(desk, THREE, b"Subject: new\n\nsince\n")
    restored = restore(desk, title, EVERYBODY)
    assert restored.numbers == (ONE, TWO, THREE)
    assert texts(desk, THREE) == []


def test_a_snapshot_names_the_mailbox_that_cannot_be_copied(desk: Desk) -> None:
    (desk.mailboxes.folder / THREE).write_text("a file in its place")
    with pytest.raises(NotDone, match=f"Not a directory: {THREE}; no snapshot is taken"):
        snapshot(desk, "exam")
    assert desk.snapshots.all() == ()


def test_undoing_a_restore_keeps_only_what_came_since(desk: Desk) -> None:
    title = snapshot(desk, "exam").title
    put_mail(desk, ONE, b"Subject: b\n\nbefore the restore\n")
    restore(desk, title, EVERYBODY)
    put_mail(desk, ONE, b"Subject: a\n\nafter the restore\n")
    undo(desk)
    assert texts(desk, ONE) == [b"1\n", b"after the restore\n", b"before the restore\n"]


def test_a_restore_names_what_is_not_there(desk: Desk) -> None:
    title = snapshot(desk, "exam").title
    add(desk, ("22000004",))
    with pytest.raises(NotDone, match="no snapshot exma"):
        restore(desk, "exma", EVERYBODY)
    with pytest.raises(NotDone, match="has no mailbox of 22000004; nothing is done"):
        restore(desk, title, Who((ONE, "22000004")))
    snapshot(replace(desk, clock=lambda: NOW + 1), "exam")
    with pytest.raises(NotDone, match="fits 2 snapshots"):
        restore(desk, "exam", EVERYBODY)
    for name in ("", ".", "..", "../maildirs", f"../snapshots/{title}"):
        with pytest.raises(NotDone):
            restore(desk, name, EVERYBODY)
    assert texts(desk, ONE) == [b"1\n"]


def test_the_list_of_snapshots_tells_what_lies_in_them_without_reading_it(desk: Desk) -> None:
    done = reset(desk, EVERYBODY)
    for each in (desk.snapshots.folder / done.kept).glob("*/new/*"):
        each.chmod(0)
    (row,) = snapshots(desk).snapshots
    assert (row.title, row.kind, row.mailboxes, row.messages) == (done.kept, "reset", 3, 2)
    assert row.octets == sum(
        each.stat().st_size for each in (desk.snapshots.folder / done.kept).glob("*/new/*")
    )


def test_a_folder_of_an_older_version_is_a_snapshot_too(desk: Desk) -> None:
    done = reset(desk, EVERYBODY)
    (desk.snapshots.folder / done.kept / ".snapshot.json").unlink()
    assert snapshots(desk).snapshots[0].kind == "reset"
    undo(desk)
    assert texts(desk, ONE) == [b"1\n"]


def test_old_snapshots_are_erased_after_their_days(desk: Desk) -> None:
    reset(desk, EVERYBODY)
    young = reset(replace(desk, clock=lambda: NOW + 20 * DAY), EVERYBODY)
    assert desk.snapshots.sweep(NOW + 31 * DAY, 0) == ()
    assert len(desk.snapshots.sweep(NOW + 31 * DAY, 30)) == 1
    assert [each.title for each in desk.snapshots.all()] == [young.kept]


def test_modes_are_private_whatever_the_umask(desk: Desk) -> None:
    before = os.umask(0)
    try:
        title = snapshot(desk, "exam").title
        restore(desk, title, EVERYBODY)
    finally:
        os.umask(before)
    for folder in (desk.snapshots.folder, desk.mailboxes.folder):
        for each in folder.rglob("*"):
            assert mode(each) == (0o700 if each.is_dir() else 0o600), each


def test_a_removed_account_leaves_no_mailbox_behind(desk: Desk) -> None:
    removed = remove(desk, Who((ONE,)))
    assert not (desk.mailboxes.folder / ONE).exists()
    assert len(messages_in(desk.snapshots.folder / removed.kept / ONE)) == 1
    add(desk, (ONE,))
    restore(desk, removed.kept, Who((ONE,)))
    assert texts(desk, ONE) == [b"1\n"]


def test_deliveries_under_resets_and_undos_are_neither_lost_nor_doubled(desk: Desk) -> None:
    sent: list[bytes] = []

    def deliver(sender: int) -> None:
        for count in range(100):
            text = b"%d-%d\n" % (sender, count)
            put_mail(desk, ONE, b"Subject: x\n\n" + text)
            sent.append(text)

    threads = [threading.Thread(target=deliver, args=(each,)) for each in range(3)]
    for each in threads:
        each.start()
    for _ in range(10):
        reset(desk, EVERYBODY)
        undo(desk)
    for each in threads:
        each.join()
    assert Counter(texts(desk, ONE)) == Counter([*sent, b"1\n"])


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system with few inodes left."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20m,nr_inodes=150", "tmpfs", folder],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip(f"wants root, to mount a small disk: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_disk_that_fills_up_in_the_middle_of_a_reset_leaves_all_as_it_was(small: Path) -> None:
    desk = desk_at(small / "site")
    numbers = tuple(str(each) for each in range(22000001, 22000021))
    add(desk, numbers)
    for each in numbers:
        put_mail(desk, each, b"Subject: x\n\n%s\n" % each.encode())
    with pytest.raises(NotDone, match="No space left on device; every mailbox is as it was"):
        reset(desk, EVERYBODY)
    for each in numbers:
        assert texts(desk, each) == [each.encode() + b"\n"]
    assert desk.snapshots.all() == ()


def test_a_kill_in_the_middle_of_a_reset_is_undone(desk: Desk) -> None:
    """What was moved is in a snapshot that the next `undo` finds."""
    numbers = tuple(str(each) for each in range(23000001, 23000301))
    add(desk, numbers)
    for each in numbers:
        put_mail(desk, each, b"Subject: x\n\n%s\n" % each.encode())
    script = (
        "import sys; from pathlib import Path; from tpmailserver.site import open_site\n"
        "from tpmailserver.settings import Settings; from tpmailserver.admin.resets import reset\n"
        "from tpmailserver.admin.who import Who\n"
        "desk = open_site(Path(sys.argv[1]), Settings()).desk()\n"
        "print('ready', flush=True); reset(desk, Who(everybody=True))\n"
    )
    resetting = subprocess.Popen(
        [sys.executable, "-c", script, desk.folder], stdout=subprocess.PIPE
    )
    assert resetting.stdout
    assert resetting.stdout.readline() == b"ready\n"
    while not list(desk.snapshots.folder.glob("*-reset/23000*")) and resetting.poll() is None:
        pass
    resetting.kill()
    resetting.wait()
    resetting.stdout.close()
    later = open_site(desk.folder, Settings()).desk()
    undo(later)
    for each in numbers:
        assert texts(later, each) == [each.encode() + b"\n"]
