"""A reset, an undo and their kin, cut off at each step: nothing is lost, and `undo` goes on.

A class of three in which every case occurs: mail before and since, mail before only, none at all.
Each action is done again and again from the same beginning and cut off one step later each time.
"""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tpmailserver.admin.accounts import add
from tpmailserver.admin.desk import Desk, NotDone
from tpmailserver.admin.resets import reset, undo
from tpmailserver.admin.snapshots import restore, snapshot
from tpmailserver.admin.who import Who
from tpmailserver.settings import Settings
from tpmailserver.site import open_site

from .crashing import Cutter, Fault
from .desks import messages_in, put_mail

ONE, TWO, THREE = "22000001", "22000002", "22000003"
NUMBERS = (ONE, TWO, THREE)
EVERYBODY = Who(everybody=True)
ALL: dict[str, Any] = {"who": {"everybody": True}}

Boxes = dict[str, list[bytes]]
Action = tuple[str, dict[str, Any]]


@pytest.fixture(scope="module")
def cutter() -> Iterator[Cutter]:
    with Cutter() as running:
        yield running


def desk_of(site: Path) -> Desk:
    return open_site(site, Settings()).desk()


def mail(desk: Desk, number: str, text: str) -> None:
    put_mail(desk, number, f"Subject: x\n\n{text}\n".encode())


def boxes(site: Path) -> Boxes:
    """What lies in each mailbox."""
    return {number: texts(site / "maildirs" / number) for number in NUMBERS}


def texts(mailbox: Path) -> list[bytes]:
    if not mailbox.exists():
        return []
    return sorted(each.partition(b"\n\n")[2].strip() for each in messages_in(mailbox))


def everything(site: Path) -> set[bytes]:
    """Whatever is anywhere, in a mailbox or in a snapshot."""
    files = (each for each in site.rglob("*") if each.parent.name in ("new", "cur"))
    return {each.read_bytes().partition(b"\n\n")[2].strip() for each in files}


def tree(site: Path) -> list[str]:
    """Every file and folder of the mailboxes and of the snapshots."""
    parts = (site / "maildirs", site / "snapshots")
    return sorted(str(each.relative_to(site)) for part in parts for each in part.rglob("*"))


def before_a_reset(site: Path) -> Desk:
    """A class whose third student has never had a mail, and so no mailbox."""
    desk = desk_of(site)
    add(desk, NUMBERS, "tp1")
    mail(desk, ONE, "one")
    mail(desk, ONE, "two")
    mail(desk, TWO, "three")
    return desk


def after_a_reset(site: Path) -> Desk:
    """The same class, emptied, with new mail for the first and the third."""
    desk = before_a_reset(site)
    reset(desk, EVERYBODY)
    mail(desk, ONE, "since")
    mail(desk, THREE, "since, to the third")
    return desk


def before_a_restore(site: Path) -> Desk:
    """The same class, with a snapshot and mail that came after it."""
    desk = before_a_reset(site)
    snapshot(desk, "exam")
    mail(desk, ONE, "after the snapshot")
    mail(desk, THREE, "after the snapshot, to the third")
    return desk


def after_a_restore(site: Path) -> Desk:
    """The same class, as in the snapshot, with new mail."""
    desk = before_a_restore(site)
    restore(desk, "exam", EVERYBODY)
    mail(desk, TWO, "since")
    return desk


BEGINNINGS = {
    each.__name__: each
    for each in (before_a_reset, after_a_reset, before_a_restore, after_a_restore)
}
RESTORE = {"title": "exam", **ALL}


def cuts(
    cutter: Cutter, template: Path, action: Action, fault: Fault
) -> Iterator[tuple[Path, str]]:
    """A site after each cut, and what was said; the last is the one of an action that was done."""
    for step in count(1):
        site = template.with_name("cut")
        shutil.copytree(template, site, symlinks=True)
        said = cutter.cut(site, *action, (fault, step))
        yield site, said
        shutil.rmtree(site)
        if said == "done":
            assert step > 3, "it was never cut off"
            return


def undone(site: Path) -> Boxes:
    """What lies in the mailboxes after every undo that there is to do."""
    desk = desk_of(site)
    with suppress(NotDone):
        while True:
            undo(desk)
    with pytest.raises(NotDone, match="nothing to undo"):
        undo(desk)
    return boxes(site)


ACTIONS = [
    pytest.param("before_a_reset", ("reset", ALL), id="reset"),
    pytest.param("before_a_restore", ("restore", RESTORE), id="restore"),
    pytest.param("before_a_restore", ("snapshot", {"label": "another"}), id="snapshot"),
]
UNDOS = [
    pytest.param("after_a_reset", ("undo", {}), id="undo of a reset"),
    pytest.param("after_a_restore", ("undo", {}), id="undo of a restore"),
]


@pytest.mark.parametrize(("beginning", "action"), [*ACTIONS, *UNDOS])
def test_killed_at_any_step_all_is_there_after_an_undo(
    cutter: Cutter, in_memory: Path, beginning: str, action: Action
) -> None:
    template = in_memory / "template"
    BEGINNINGS[beginning](template)
    there = everything(template)
    shutil.copytree(template, in_memory / "expected")
    wanted = undone(in_memory / "expected")
    for site, said in cuts(cutter, template, action, Fault.KILLED):
        assert said in ("killed", "done")
        assert everything(site) >= there
        assert undone(site) == wanted


@pytest.mark.parametrize(("beginning", "action"), ACTIONS)
def test_a_disk_that_is_full_from_any_step_on_leaves_the_site_as_it_was(
    cutter: Cutter, in_memory: Path, beginning: str, action: Action
) -> None:
    template = in_memory / "template"
    BEGINNINGS[beginning](template)
    before = tree(template)
    for site, said in cuts(cutter, template, action, Fault.DISK_FULL):
        if said != "done":
            assert said.startswith("No space left on device")
            assert "\n" not in said
            assert tree(site) == before


@pytest.mark.parametrize(("beginning", "action"), UNDOS)
def test_an_undo_that_a_full_disk_stops_goes_on_when_there_is_room(
    cutter: Cutter, in_memory: Path, beginning: str, action: Action
) -> None:
    template = in_memory / "template"
    BEGINNINGS[beginning](template)
    there = everything(template)
    shutil.copytree(template, in_memory / "expected")
    wanted = undone(in_memory / "expected")
    for site, said in cuts(cutter, template, action, Fault.DISK_FULL):
        if said != "done":
            assert said.startswith("No space left on device")
            assert everything(site) == there
        assert undone(site) == wanted
