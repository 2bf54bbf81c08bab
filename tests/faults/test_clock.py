"""The clock of the machine jumps, back and forth, while the server works.

A laptop wakes up, a virtual machine is resumed, `ntpdate` sets an hour right. The time of day is
moved for the server's process alone, by a library that is loaded before all others. Nothing may
depend on it: no unique-id is used twice, mail keeps its order, nobody is sent away or kept waiting.
"""

import os
import random
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from . import Server, mail, pop3, serving, site_for, smtp, until
from .clients import Sender, Tidy, at_work
from .conftest import Note
from .ledger import Ledger
from .watch import HEALTHY, watched

STUDENTS = tuple(f"220000{number:02}" for number in range(1, 7))
WITNESS = "22000021"
HOUR, YEAR = 3600, 365 * 86400
JUMPS = (HOUR, -HOUR, 10 * YEAR, 0, -2 * YEAR, 1, -1, 0)
SOURCE = Path(__file__).with_name("clock.c")


class Clock:
    """The time of day of a server that is started with `before`."""

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            pytest.skip("wants a C compiler, to move the clock: apt-get install gcc libc6-dev")
        library = folder / "clock.so"
        build = [compiler, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"]
        built = subprocess.run(build, check=False, capture_output=True, text=True)
        if built.returncode:
            pytest.skip(f"wants libc6-dev, to move the clock: {built.stderr[-200:]}")
        self._shift = folder / "shift"
        self.jump(0)
        self.before = ("env", f"LD_PRELOAD={library}", f"SHIFTED_BY={self._shift}")

    def jump(self, seconds: int) -> None:
        """Sets the clock to so many seconds after the right time."""
        # Written in place: the library has this file in its memory.
        fd = os.open(self._shift, os.O_WRONLY | os.O_CREAT, 0o600)
        os.pwrite(fd, struct.pack("l", seconds), 0)
        os.close(fd)


def test_a_clock_that_jumps(tmp_path: Path, note: Note) -> None:
    clock = Clock(tmp_path)
    site = site_for(tmp_path / "site", (*STUDENTS, WITNESS, HEALTHY), budget=0)
    ledger = Ledger(STUDENTS)
    subjects = [f"Subject: {number}\r\n".encode() for number in range(3 * len(JUMPS))]
    coming = iter(subjects)
    with serving(site, before=clock.before) as server:
        senders = [Sender(server, ledger, random.Random(each), 2) for each in range(2)]
        with (
            watched(server) as watch,
            at_work(*senders, Tidy(server, ledger, STUDENTS[:2])),
            smtp(server.smtp) as held,
            pop3(server.pop3, STUDENTS[-1]) as open_maildrop,
        ):
            for jump in JUMPS:
                clock.jump(jump)
                promised = len(ledger.acknowledged)
                for _ in range(3):
                    assert mail(held, [WITNESS], next(coming)).startswith("250 ")
                until(lambda: len(ledger.acknowledged) > promised + 4)  # noqa: B023
                assert open_maildrop.say("NOOP").startswith("+OK")
        before = uidls(server)
        ledger.audit(server).check()
    assert len(years(site)) >= 3, "the clock never moved"
    clock.jump(-YEAR)
    with serving(site, before=clock.before) as server:
        assert uidls(server) == before
        audit = ledger.audit(server, again=True)
        with pop3(server.pop3, WITNESS) as reader:
            for number, subject in enumerate(subjects, 1):
                assert reader.say(f"RETR {number}").startswith("+OK")
                assert reader.text().endswith(subject)
        assert "Traceback" not in server.log
    note({"jumps": len(JUMPS)} | audit.figures() | watch.figures())
    audit.check()


def uidls(server: Server) -> list[str]:
    """The unique-ids of the witness, none of them twice."""
    with pop3(server.pop3, WITNESS) as reader:
        reader.send(b"UIDL\r\n")
        assert reader.reply().startswith("+OK")
        found = [line.split()[1].decode() for line in reader.text().splitlines()]
    assert len(set(found)) == len(found)
    return found


def years(site: Path) -> set[str]:
    """The years in which the mail of the witness was received, as its stamps say."""
    # Received: is of three lines, the last of them "\tMon, 23 Nov 2026 23:51:33 +0100".
    stamps = (each.read_text().split("\n")[3] for each in site.glob(f"maildirs/{WITNESS}/*/*"))
    return {stamp.split()[3] for stamp in stamps}
