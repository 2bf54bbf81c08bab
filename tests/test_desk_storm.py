"""Two hundred mailboxes emptied, brought back and restored while mail keeps coming and is read.

Every message has a name of its own. What was acknowledged is in its mailbox once everything is
undone, once and no more, unless the `+OK` to a QUIT has removed it; and in between it is in the
snapshot that was taken after it, and in no other place.
"""

import poplib
import random
import smtplib
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from subprocess import PIPE
from threading import Event, Lock, Thread

import pytest

from tpmailserver.admin.desk import NotDone
from tpmailserver.admin.resets import reset, undo
from tpmailserver.admin.snapshots import snapshot
from tpmailserver.admin.who import Who
from tpmailserver.control.client import ask
from tpmailserver.control.wording import Request
from tpmailserver.settings import Settings
from tpmailserver.site import open_site

from .desks import put_mail, with_our_path
from .faults import DOMAIN, Server, serving, site_for, until
from .instructor import PATIENCE, command, tpmail

STUDENTS = tuple(f"22000{number:03}" for number in range(1, 201))
READERS = 3
READ = STUDENTS[: 4 * READERS]
"""Those whose mail is read, so that enough comes to them; each program has four of its own."""

Copy = tuple[str, str]
"""A student's number and the name of a message."""


@dataclass
class Ledger:
    """What the server has promised."""

    sent: set[str] = field(default_factory=set)
    acknowledged: set[Copy] = field(default_factory=set)
    removed: set[Copy] = field(default_factory=set)
    perhaps_removed: set[Copy] = field(default_factory=set)
    """Those of a QUIT that got no answer, or a bad one."""
    expelled: int = 0
    lock: Lock = field(default_factory=Lock)


def copies_in(folder: Path) -> Counter[Copy]:
    """The messages in the mailboxes below a folder."""
    files = (each for part in ("new", "cur") for each in folder.glob(f"*/{part}/*"))
    return Counter((each.parent.parent.name, name_in(each.read_bytes())) for each in files)


def name_in(message: bytes) -> str:
    return message.partition(b"Message-ID: ")[2].partition(b"\n")[0].strip().decode()


class Sender:
    """Somebody who sends one message after the other."""

    def __init__(self, server: Server, ledger: Ledger, chance: random.Random) -> None:
        self._client = smtplib.SMTP("127.0.0.1", server.smtp, "pc", timeout=20)
        self._ledger = ledger
        self._chance = chance
        self._prefix = f"{chance.getrandbits(32):08x}"
        self._count = 0

    def work(self) -> None:
        self._count += 1
        name = f"{self._prefix}-{self._count}"
        numbers = self._chance.sample(READ, 2) + self._chance.sample(STUDENTS[len(READ) :], 2)
        self._ledger.sent.add(name)
        # A mailbox that is being reset for too long is said with 4xx: nothing is promised then.
        with suppress(smtplib.SMTPResponseException):
            recipients = [f"{number}@{DOMAIN}" for number in numbers]
            self._client.sendmail(recipients[0], recipients, f"Message-ID: {name}\r\n\r\nx\r\n")
            with self._ledger.lock:
                self._ledger.acknowledged.update((number, name) for number in numbers)

    def leave(self) -> None:
        self._client.quit()


class Program:
    """A mail program that fetches the mail of some students and removes every second one."""

    def __init__(self, server: Server, ledger: Ledger, students: Sequence[str]) -> None:
        self._server = server
        self._ledger = ledger
        self._students = cycle(students)

    def work(self) -> None:
        number = next(self._students)
        client = poplib.POP3("127.0.0.1", self._server.pop3, timeout=20)
        marked: set[Copy] = set()
        try:
            client.user(number)
            client.pass_(number)
            for line in client.uidl()[1][:20:2]:
                message = int(line.split()[0])
                marked.add((number, name_in(b"\n".join(client.retr(message)[1]) + b"\n")))
                client.dele(message)
        except (poplib.error_proto, EOFError, OSError):
            self._ledger.expelled += 1
            client.close()
            return
        try:
            client.quit()
        except (poplib.error_proto, EOFError, OSError):
            self._ledger.perhaps_removed |= marked
            client.close()
        else:
            with self._ledger.lock:
                self._ledger.removed |= marked

    def leave(self) -> None:
        """Nothing is open between two fetches."""


@contextmanager
def storm(server: Server, ledger: Ledger, chance: random.Random) -> Iterator[None]:
    """Mail comes and is read while a `with` block lasts."""
    over = Event()

    def go_on(worker: Sender | Program) -> None:
        while not over.is_set():
            worker.work()
        worker.leave()

    workers = [
        *(Sender(server, ledger, random.Random(chance.random())) for _ in range(3)),
        *(Program(server, ledger, READ[start::READERS]) for start in range(READERS)),
    ]
    threads = [Thread(target=go_on, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_two_hundred_mailboxes_in_a_storm(in_memory: Path) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)  # shown when it fails
    chance = random.Random(seed)
    site = site_for(in_memory / "site", STUDENTS, budget=0)
    ledger = Ledger()
    with serving(site) as server:
        with storm(server, ledger, chance):
            until(lambda: len(ledger.acknowledged) > 200)
            empty_and_bring_back(site, ledger)
        check(site, ledger)
        assert not copies_in(site / "maildirs").keys() & ledger.removed, "removed, and back again"
        with storm(server, ledger, chance):
            tpmail(site, "snapshot", "exam")
            tpmail(site, "restore", "exam")
            tpmail(site, "undo")
        check(site, ledger)
        assert "Traceback" not in server.log
    assert ledger.removed
    assert ledger.expelled


def empty_and_bring_back(site: Path, ledger: Ledger) -> None:
    with ledger.lock:
        before = set(ledger.acknowledged)
    report = tpmail(site, "reset", "--all")
    sent = set(ledger.sent)
    kept = copies_in(site / "snapshots" / report["kept"])
    gone = ledger.removed | ledger.perhaps_removed
    assert not before - kept.keys() - gone, "acknowledged before a reset, and not in its snapshot"
    assert all(name in sent for _, name in kept), "in a snapshot, and sent after it was taken"
    tpmail(site, "undo")


def check(site: Path, ledger: Ledger) -> None:
    """Holds the mailboxes to what was promised; nobody is at work and everything is undone."""
    there = copies_in(site / "maildirs")
    twice = [copy for copy, count in there.items() if count > 1]
    assert not twice, f"twice in a mailbox: {twice[:5]}"
    lost = ledger.acknowledged - there.keys() - ledger.removed - ledger.perhaps_removed
    assert not lost, f"{len(lost)} lost: {sorted(lost)[:5]}"


EVERYBODY = Who(everybody=True)
ARGUMENTS: dict[str, dict[str, object]] = {
    "reset": {"who": {"everybody": True}},
    "undo": {},
    "restore": {"title": "exam", "who": {"everybody": True}},
}


def site_with_something_to_undo(folder: Path) -> tuple[Path, Counter[Copy]]:
    """A site after a snapshot and a reset; what is in its mailboxes when all is undone."""
    site = site_for(folder / "site", STUDENTS)
    desk = open_site(site, Settings()).desk()
    for number in STUDENTS:
        put_mail(desk, number, f"Message-ID: first-{number}\n\nx\n".encode())
    snapshot(desk, "exam")
    reset(desk, EVERYBODY)
    for number in READ:
        put_mail(desk, number, f"Message-ID: second-{number}\n\nx\n".encode())
    names = {"first": STUDENTS, "second": READ}
    return site, Counter((each, f"{name}-{each}") for name in names for each in names[name])


def undone(site: Path) -> Counter[Copy]:
    """What is in the mailboxes after every undo that there is to do."""
    desk = open_site(site, Settings()).desk()
    with suppress(NotDone):
        while True:
            undo(desk)
    return copies_in(site / "maildirs")


@pytest.mark.parametrize(
    "actions", [["reset", "reset"], ["undo", "undo"], ["reset", "undo", "restore"]], ids=" ".join
)
def test_what_a_server_is_asked_for_at_once_is_done_by_turns(
    in_memory: Path, actions: list[str]
) -> None:
    site, wanted = site_with_something_to_undo(in_memory)
    said: list[str] = []

    def do(action: str) -> None:
        try:
            ask(site, Request(action, ARGUMENTS[action]))
        except NotDone as refusal:
            said.append(str(refusal))

    with serving(site) as server:
        threads = [Thread(target=do, args=(action,)) for action in actions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert "Traceback" not in server.log
    # Of two undos, the second finds nothing.
    assert len(said) == (actions.count("undo") == 2)
    assert all(each.startswith("there is nothing to undo") for each in said)
    assert undone(site) == wanted


def test_commands_at_once_without_a_server_wait_for_each_other(in_memory: Path) -> None:
    site, wanted = site_with_something_to_undo(in_memory)
    started = [
        subprocess.Popen(
            command(site, *words), env=with_our_path(), stdout=PIPE, stderr=PIPE, text=True
        )
        for words in (["reset", "--all"], ["reset", "--all"], ["undo"])
    ]
    for process in started:
        _, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, errors
    assert undone(site) == wanted
