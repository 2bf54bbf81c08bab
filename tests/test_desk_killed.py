"""Killed in the middle of a reset or of an undo: `tpmail undo` finds everything again.

`test_desk_cut_off` tries every step of an action; here it is the server, or a `tpmail` that works
without one, and what an instructor sees of it.
"""

import os
import shutil
import signal
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tpmailserver.admin.resets import reset
from tpmailserver.admin.who import Who
from tpmailserver.settings import Settings
from tpmailserver.site import open_site

from .desks import put_mail, with_our_path
from .faults import serving, site_for
from .instructor import PATIENCE, command, tpmail

STUDENTS = tuple(f"22000{number:03}" for number in range(1, 251))
WORDS = {"reset": ["reset", "--all"], "undo": ["undo"]}
TRIES = 10

OLD = Counter((number, number) for number in STUDENTS)
SINCE = Counter({(STUDENTS[-1], "since"): 1})


def class_before(action: str, folder: Path) -> Path:
    """A site with a message for everybody; before an undo they are set aside, and one has come."""
    site = site_for(folder, STUDENTS)
    desk = open_site(site, Settings()).desk()
    for number in STUDENTS:
        put_mail(desk, number, f"Subject: {number}\n\nx\n".encode())
    if action == "undo":
        reset(desk, Who(everybody=True))
        put_mail(desk, STUDENTS[-1], b"Subject: since\n\nx\n")
    return site


def subjects(site: Path) -> Counter[tuple[str, str]]:
    """What is in the mailboxes: student and subject."""
    files = (each for part in ("new", "cur") for each in site.glob(f"maildirs/*/{part}/*"))
    return Counter(
        (each.parent.parent.name, each.read_text().partition("Subject: ")[2].partition("\n")[0])
        for each in files
    )


def set_aside(site: Path) -> int:
    """How many mailboxes are in the snapshot of the reset now."""
    return sum(len(os.listdir(each)) - 1 for each in (site / "snapshots").glob("*[0-9]-reset"))


def is_in_the_middle(site: Path) -> bool:
    return 0 < set_aside(site) < len(STUDENTS)


def start(site: Path, action: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command(site, *WORDS[action]),
        env=with_our_path(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_the_middle(site: Path, working: "subprocess.Popen[str]") -> None:
    """Looks on without a pause until some mailboxes have moved, or the work is over."""
    while not is_in_the_middle(site) and working.poll() is None:
        pass


@pytest.mark.parametrize("action", WORDS)
def test_a_server_killed_in_the_middle(in_memory: Path, action: str) -> None:
    template = class_before(action, in_memory / "template")
    for attempt in range(TRIES):
        site = in_memory / f"site{attempt}"
        shutil.copytree(template, site)
        with serving(site) as server:
            with start(site, action) as working:
                wait_for_the_middle(site, working)
                server.kill()
                _, errors = working.communicate(timeout=PATIENCE)
            if not is_in_the_middle(site):
                continue
            assert working.returncode == 1
            assert errors == ("tpmail: the server closed without an answer; is it being stopped?\n")
        with serving(site) as server:
            tpmail(site, "undo")
            assert "Traceback" not in server.log
        check_all_is_there(site, action)
        return
    pytest.fail("the kill never came in the middle")


@pytest.mark.parametrize("action", WORDS)
def test_a_tpmail_that_works_alone_killed_in_the_middle(in_memory: Path, action: str) -> None:
    template = class_before(action, in_memory / "template")
    for attempt in range(TRIES):
        site = in_memory / f"site{attempt}"
        shutil.copytree(template, site)
        with start(site, action) as working:
            wait_for_the_middle(site, working)
            working.kill()
            working.communicate(timeout=PATIENCE)
        if not is_in_the_middle(site):
            continue
        assert working.returncode == -signal.SIGKILL
        tpmail(site, "undo")
        check_all_is_there(site, action)
        return
    pytest.fail("the kill never came in the middle")


def check_all_is_there(site: Path, action: str) -> None:
    assert subjects(site) == OLD + (SINCE if action == "undo" else Counter())
