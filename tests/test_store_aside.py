"""A reset erases nothing: every message is in the mailbox or aside, and none is in neither."""

import stat
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.store_site import Site
from tpmailserver.store import locks
from tpmailserver.store.aside import Aside
from tpmailserver.store.snapshots import Kind, Snapshots
from tpmailserver.store.tally import Tally

NOW = 1_700_000_000.0


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    for name in ("1", "2", "3"):
        made.deliver(name)
    return made


def reset(site: Site, *names: str) -> Path:
    return aside_as(site, "reset", names)


def aside_as(site: Site, label: str, names: Sequence[str]) -> Path:
    snapshots = Snapshots(site.maildirs.parent / "snapshots")
    snapshot = snapshots.begin(Kind.RESET, label, NOW)
    Aside(site.mailboxes, snapshots, snapshot).set_aside(names)
    return snapshots.folder / snapshot.title


def messages(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*/new/*"))


def test_mail_goes_aside_and_the_mailbox_is_empty(site: Site) -> None:
    mail = [site.new(name)[0].name for name in ("1", "2")]
    aside = reset(site, "1", "2", "1")
    assert aside.parent == site.maildirs.parent / "snapshots"
    assert stat.S_IMODE(aside.stat().st_mode) == stat.S_IMODE(aside.parent.stat().st_mode) == 0o700
    assert sorted(path.name for path in aside.glob("[!.]*")) == ["1", "2"]
    assert messages(aside) == sorted(mail)
    for name in ("1", "2"):
        assert site.mailboxes.snapshot(name) == ()
        assert sorted(path.name for path in (site.maildirs / name).iterdir()) == [
            "cur",
            "new",
            "tmp",
        ]
    assert len(site.mailboxes.snapshot("3")) == 1


def test_the_folder_is_named_by_time_and_label_and_never_used_twice(site: Site) -> None:
    first, second, third = reset(site, "1"), reset(site, "2"), reset(site, "3")
    assert first.name.endswith("-reset")
    assert len(first.name) == len("YYYYmmdd-HHMMSS-reset")
    assert (second.name, third.name) == (f"{first.name}-2", f"{first.name}-3")
    assert [len(messages(folder)) for folder in (first, second, third)] == [1, 1, 1]


@pytest.mark.parametrize("label", ["../../up", "Groupe A / é", "", ".", "x" * 500])
def test_any_label_stays_below_the_snapshots(site: Site, label: str) -> None:
    snapshots = site.maildirs.parent / "snapshots"
    aside = aside_as(site, label, ["1"])
    assert aside.parent == snapshots
    assert list(snapshots.iterdir()) == [aside]


def test_what_was_remembered_is_forgotten(site: Site) -> None:
    assert site.mailboxes.tally("1").messages == 1
    reset(site, "1")
    assert site.mailboxes.known_tally("1") is None
    assert site.mailboxes.tally("1") == Tally(0, 0)
    site.deliver("1")
    assert site.mailboxes.known_tally("1") == site.mailboxes.tally("1")
    assert site.mailboxes.tally("1").messages == 1


def test_a_mailbox_that_is_not_there_is_fine(site: Site) -> None:
    aside = reset(site, "404", "1")
    assert sorted(path.name for path in aside.glob("[!.]*")) == ["1", "404"]
    assert len(messages(aside)) == 1
    assert site.mailboxes.snapshot("404") == ()


def test_a_broken_mailbox_is_whole_again(site: Site) -> None:
    (site.maildirs / "8").write_text("a file")
    (site.maildirs / "9").symlink_to("nowhere")
    aside = reset(site, "8", "9")
    assert (aside / "8").read_text() == "a file"
    assert (aside / "9").is_symlink()
    site.deliver("8", "9")
    assert len(site.mailboxes.snapshot("9")) == 1


def test_a_failure_in_the_middle_leaves_every_mailbox_whole(site: Site) -> None:
    before = messages(site.maildirs)
    with pytest.raises(ValueError, match="no name"):
        reset(site, "1", "../spool", "2")
    (aside,) = (site.maildirs.parent / "snapshots").iterdir()
    assert sorted(messages(aside) + messages(site.maildirs)) == before
    assert len(site.mailboxes.snapshot("2")) == 1
    assert site.spool_folder.is_dir()


def test_snapshots_may_not_be_a_link(site: Site, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "snapshots").symlink_to("outside")
    with pytest.raises(NotADirectoryError):
        reset(site, "1")
    assert len(site.mailboxes.snapshot("1")) == 1


def test_a_reset_waits_for_a_delivery_and_then_gives_up(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "GATE_PATIENCE", 0.02)
    with site.mailboxes.gate.delivering(["2"]):
        with pytest.raises(TimeoutError):
            reset(site, "1", "2")
        assert len(site.mailboxes.snapshot("1")) == len(site.mailboxes.snapshot("2")) == 1
        reset(site, "1")
    assert site.mailboxes.snapshot("1") == ()


def test_a_reset_under_fire_loses_no_delivery(site: Site) -> None:
    delivered: list[int] = []
    started, stop = Event(), Event()

    def send() -> None:
        while not stop.is_set():
            site.deliver("1", "2")
            delivered.append(1)
            started.set()

    threads = [Thread(target=send) for _ in range(5)]
    for thread in threads:
        thread.start()
    started.wait(10)
    asides = [reset(site, "1", "2") for _ in range(10)]
    stop.set()
    for thread in threads:
        thread.join()
    for name in ("1", "2"):
        aside = [path for folder in asides for path in (folder / name / "new").iterdir()]
        here = site.new(name)
        assert len({path.name for path in aside + here}) == 1 + len(delivered)
        assert site.mailboxes.tally(name).messages == len(here)
        assert [path.stat().st_size for path in here] == [
            message.stored for message in site.mailboxes.snapshot(name)
        ]


def test_many_mailboxes_at_once(site: Site) -> None:
    names = [str(number) for number in range(1000, 1210)]
    site.deliver(*names)
    aside = reset(site, *names)
    assert sorted(path.name for path in aside.glob("[!.]*")) == names
    assert all(site.mailboxes.snapshot(name) == () for name in names)
