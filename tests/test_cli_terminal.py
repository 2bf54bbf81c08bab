"""`tpmail` as a process: at a terminal, in a pipe, as root, and interrupted."""

import fcntl
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import termios
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.desks import desk_at, hold, put_mail, with_our_path
from tpmailserver.admin.snapshots import snapshot
from tpmailserver.delivery.passwords import is_password
from tpmailserver.store.enrolment import Entry


class Terminal:
    """`tpmail` at a terminal of 80 columns and 24 lines."""

    def __init__(self, site, *arguments):
        self._master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (24, 80))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tpmailserver.cli", "--site", str(site), *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            # getpass asks at /dev/tty, which a session has to be given.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509
            env={**with_our_path(), "TERM": "xterm-256color"},
        )
        os.close(slave)
        self.shown = b""

    def expect(self, text):
        """Reads until `text` is shown."""
        while text not in self.shown:
            piece = self._read()
            assert piece, f"{text!r} did not come: {self.shown!r}"
            self.shown += piece

    def type(self, octets):
        os.write(self._master, octets)

    def end(self):
        """Reads to the end and returns the exit status."""
        while piece := self._read():
            self.shown += piece
        os.close(self._master)
        return self._process.wait(30)

    def lines(self):
        return self.shown.decode().replace("\r\n", "\n").splitlines()

    def interrupt(self):
        """Presses Ctrl-C until it is over."""
        press_until_over(self._process, lambda: self.type(b"\x03"))

    def _read(self):
        assert select.select([self._master], [], [], 30)[0], f"no more than {self.shown!r}"
        try:
            return os.read(self._master, 65536)
        except OSError:
            return b""


def press_until_over(process, press):
    """Sends a signal once a second: Python loses one that comes just before it waits for input."""
    for _ in range(30):
        press()
        with suppress(subprocess.TimeoutExpired):
            return process.wait(1)
    return pytest.fail("Ctrl-C did not end it")


def call(site, *arguments, **options):
    command = [sys.executable, "-m", "tpmailserver.cli", "--site", str(site), *arguments]
    return subprocess.run(
        command, env=with_our_path(), capture_output=True, check=False, timeout=60, **options
    )


@pytest.fixture
def desk(tmp_path):
    desk = desk_at(tmp_path / "site")
    desk.database.add(["22000001", "22000002"], "tp1", 0.0)
    put_mail(desk, "22000001")
    return desk


def test_a_reset_of_many_asks_first_and_no_is_no(desk, tmp_path):
    terminal = Terminal(tmp_path / "site", "reset", "--group", "tp1")
    terminal.expect(b"Empty 2 mailboxes (1 message; undo brings them back)? [y/N]")
    terminal.type(b"n\n")
    assert terminal.end() == 1
    assert "tpmail: nothing is done" in terminal.lines()
    assert desk.mailboxes.tally("22000001").messages == 1


@pytest.mark.parametrize("yes", [b"y\n", b"Oui\n"])
def test_a_reset_of_many_is_done_after_a_yes(desk, tmp_path, yes):
    terminal = Terminal(tmp_path / "site", "reset", "22000001-22000002")
    terminal.expect(b"[y/N]")
    terminal.type(yes)
    assert terminal.end() == 0
    assert desk.mailboxes.tally("22000001").messages == 0


@pytest.mark.parametrize("arguments", [["--all", "--yes"], ["22000001"]])
def test_yes_and_a_single_mailbox_are_not_asked_about(desk, tmp_path, arguments):
    terminal = Terminal(tmp_path / "site", "reset", *arguments)
    assert terminal.end() == 0
    assert b"[y/N]" not in terminal.shown
    assert desk.mailboxes.tally("22000001").messages == 0


def test_a_removal_of_many_asks_first(desk, tmp_path):
    terminal = Terminal(tmp_path / "site", "remove", "22000001-22009999")
    terminal.expect(b"Remove 2 accounts (1 message, kept in a snapshot)? [y/N]")
    terminal.type(b"\n")
    assert terminal.end() == 1
    assert desk.database.load().groups == {"tp1": ("22000001", "22000002")}


@pytest.mark.parametrize(
    ("answer", "status"),
    [(b"oui\n", 0), (b" O \n", 0), (b"y\n", 0), (b"\n", 1), (b"non\n", 1), (b"okay\n", 1)],
)
def test_an_import_asks_where_something_looks_wrong(desk, tmp_path, answer, status):
    roster = tmp_path / "roster.csv"
    roster.write_text("22000001,tp1\n2200003,tp1\n22000004,tp1\n")
    terminal = Terminal(tmp_path / "site", "import", str(roster))
    terminal.expect(b"warning: 1 number has 7 digits, not 8")
    terminal.expect(b"Import it all the same? [y/N]")
    terminal.type(answer)
    assert terminal.end() == status
    assert max(map(len, terminal.lines())) <= 80
    assert len(desk.database.load().accounts) == (4 if status == 0 else 2)


@pytest.mark.parametrize(
    ("text", "option"), [("22000003\n", "--names"), ("22000003\n2200004\n22000005\n", "--yes")]
)
def test_an_import_without_doubts_or_with_yes_does_not_ask(desk, tmp_path, text, option):
    roster = tmp_path / "roster.txt"
    roster.write_text(text)
    terminal = Terminal(tmp_path / "site", "import", str(roster), option)
    assert terminal.end() == 0
    assert b"[y/N]" not in terminal.shown


def test_a_long_import_shows_a_bar_and_leaves_none(desk, tmp_path):
    roster = tmp_path / "roster.txt"
    roster.write_text("".join(f"{each:08}\n" for each in range(30_000)))
    terminal = Terminal(tmp_path / "site", "import", str(roster))
    assert terminal.end() == 0
    assert b"reading" in terminal.shown
    assert b"30000/30000" in terminal.shown
    assert b"writing 30,000" in terminal.shown
    # Each bar ends with the cursor going up and erasing its line.
    assert terminal.shown.count(b"\x1b[1A\x1b[2K") >= 2
    assert terminal.shown.rpartition(b"\x1b[2K")[2].startswith(b"30,000 accounts added: 0000")


def test_ctrl_c_at_a_question_is_one_line(desk, tmp_path):
    terminal = Terminal(tmp_path / "site", "reset", "--all")
    terminal.expect(b"[y/N]")
    terminal.interrupt()
    assert terminal.end() == 1
    # On a slow machine Ctrl-C is pressed again meanwhile, and its echo stands behind.
    assert terminal.lines().count("tpmail: stopped at the keyboard") == 1
    assert b"Traceback" not in terminal.shown
    assert desk.mailboxes.tally("22000001").messages == 1


def test_a_password_is_asked_twice_and_never_shown(desk, tmp_path):
    terminal = Terminal(tmp_path / "site", "password", "22000001")
    terminal.expect(b"New password: ")
    terminal.type(b"sesame\n")
    terminal.expect(b"The same again: ")
    terminal.type(b"sesame\n")
    assert terminal.end() == 0
    assert b"sesame" not in terminal.shown
    desk.directory.refresh()
    assert is_password(b"sesame", desk.directory.account("22000001").password_hash)


def test_two_different_passwords_change_nothing(desk, tmp_path):
    terminal = Terminal(tmp_path / "site", "password", "22000001")
    terminal.expect(b"New password: ")
    terminal.type(b"sesame\n")
    terminal.expect(b"The same again: ")
    terminal.type(b"open\n")
    assert terminal.end() == 1
    assert "not the same" in terminal.lines()[-1]
    desk.directory.refresh()
    assert desk.directory.account("22000001").password_hash is None


def test_an_unknown_number_is_refused_before_the_password_is_asked_for(desk, tmp_path):
    terminal = Terminal(tmp_path / "site", "password", "22000009")
    assert terminal.end() == 1
    assert b"New password" not in terminal.shown


def test_the_table_fits_a_terminal(desk, tmp_path):
    now = time.time()
    desk.database.note_all_seen([("22000001", "POP3", now), ("22000001", "SMTP", 0.0)])
    desk.database.enrol([Entry("22000001", (), (), "Jean-Christophe de la Villardière")], 0.0)
    terminal = Terminal(tmp_path / "site", "accounts")
    assert terminal.end() == 0
    lines = terminal.shown.decode().replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines()
    assert max(map(len, lines)) <= 80
    assert any("22000001" in line and "tp1" in line and " 1 " in line for line in lines)


def test_a_list_is_removed_after_a_yes(desk, tmp_path):
    desk.database.lists.put("staff", ["22000001", "tp1"])
    for answer, status, stands in ((b"n", 1, True), (b"y", 0, False)):
        terminal = Terminal(tmp_path / "site", "list", "remove", "staff")
        terminal.expect(b"Remove the list staff (2 members)? [y/N]")
        terminal.type(answer + b"\n")
        assert terminal.end() == status
        assert ("staff" in desk.database.load().lists) is stands


@pytest.mark.parametrize("arguments", [["staff", "--yes"], ["staff", "22000001"]])
def test_yes_and_single_members_of_a_list_are_not_asked_about(desk, tmp_path, arguments):
    desk.database.lists.put("staff", ["22000001"])
    terminal = Terminal(tmp_path / "site", "list", "remove", *arguments)
    assert terminal.end() == 0
    assert b"[y/N]" not in terminal.shown


def test_a_list_that_stays_is_not_asked_about(desk, tmp_path):
    terminal = Terminal(tmp_path / "site", "list", "remove", "tp1")
    assert terminal.end() == 1
    assert b"[y/N]" not in terminal.shown
    assert terminal.lines()[-1].startswith("tpmail: tp1 is a group")


@pytest.mark.parametrize("waiting", [0, 6])
def test_a_list_of_many_fits_a_terminal(desk, tmp_path, waiting):
    desk.database.add([str(each) for each in range(22001000, 22002000, 2)], "tp2", 0.0)
    desk.database.lists.put("staff", ["tp1", *desk.database.load().groups["tp2"]], "22000001")
    for number in range(waiting):
        hold(desk, "staff", text=b"Subject: %d %s\n\n" % (number, b"very long " * 9))
    for arguments, says in (
        (["list", "show", "staff"], "501 members (500 accounts, 1 group); 502 mailboxes in all"),
        (["lists"], "3 lists"),
    ):
        terminal = Terminal(tmp_path / "site", *arguments)
        assert terminal.end() == 0
        lines = terminal.shown.decode().replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines()
        assert says in lines
        assert max(map(len, lines)) <= 80
        assert len(lines) <= 23


def test_the_demos_page_fits_a_terminal(open_folder):
    # A short path: the one line that shows it is as long as the path makes it.
    terminal = Terminal(open_folder / "site", "demo", "--no-start")
    assert terminal.end() == 0
    path = str(open_folder / "site")
    lines = [line for line in terminal.lines() if path[:40] not in line]
    assert max(map(len, lines)) <= 80
    assert len(terminal.lines()) <= 23


def test_a_reader_that_goes_away_is_one_line(desk, tmp_path):
    desk.database.add([f"{each:08}" for each in range(3000)], None, 0.0)
    command = [sys.executable, "-m", "tpmailserver.cli", "--site", str(tmp_path / "site")]
    with subprocess.Popen(
        [*command, "accounts"],
        env=with_our_path(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read().decode()
    assert errors == "tpmail: the reader of this output has gone\n"
    assert process.returncode == 1


def test_ctrl_c_in_the_middle_is_one_line(tmp_path):
    command = [sys.executable, "-m", "tpmailserver.cli", "--site", str(tmp_path), "import", "-"]
    with subprocess.Popen(
        command, env=with_our_path(), stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        # More than a pipe holds: once it is written, the other end is reading.
        process.stdin.write(b"22000001\n" * 50_000)
        process.stdin.flush()
        assert press_until_over(process, lambda: process.send_signal(signal.SIGINT)) == 1
        assert process.stderr.read() == b"tpmail: stopped at the keyboard\n"


def test_a_folder_whose_name_is_no_text(tmp_path):
    site = os.fsencode(tmp_path) + b"/\xff\x1b"
    done = call(os.fsdecode(site), "init")
    assert done.returncode == 0, done.stderr
    assert os.path.exists(site + b"/tpmail.toml")


def test_a_bug_is_one_line_too(tmp_path):
    code = (
        "import sys; from tpmailserver.cli import command\n"
        "def broken(*_): raise ZeroDivisionError('this is the bug')\n"
        "command.run = broken; command.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=with_our_path(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "this is the bug" in done.stderr


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="gives up root: run it as root")


@pytest.fixture
def nobodys():
    """A folder of nobody's, in a place where he may go; pytest's own folders are root's alone."""
    with TemporaryDirectory(dir="/tmp") as around:
        os.chmod(around, 0o711)
        folder = Path(around) / "site"
        folder.mkdir(mode=0o700)
        os.chown(folder, 65534, 65534)
        yield folder


@needs_root
def test_root_becomes_the_owner_of_the_sites_folder(nobodys):
    for arguments in (["init"], ["demo", "--no-start"], ["reset", "--all"]):
        done = call(nobodys, *arguments)
        assert done.returncode == 0, done.stderr
    owners = {(each.stat().st_uid, each.stat().st_gid) for each in nobodys.rglob("*")}
    assert owners == {(65534, 65534)}


@needs_root
def test_root_reads_a_roster_that_only_root_may_read(nobodys, tmp_path):
    roster = tmp_path / "roster"
    roster.write_text("22000001")
    roster.chmod(0o600)
    assert call(nobodys, "import", str(roster)).returncode == 0


@needs_root
def test_root_makes_a_site_that_is_not_there_and_says_nothing_of_it(tmp_path):
    done = call(tmp_path / "new", "init")
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "new").stat().st_uid == 0


@needs_root
def test_a_folder_that_may_not_be_written_is_one_line(nobodys):
    nobodys.chmod(0o555)
    done = call(nobodys, "add", "22000001")
    assert done.returncode == 1
    assert done.stderr.startswith(b"tpmail: Permission denied")
    assert done.stderr.count(b"\n") == 1


@needs_root
def test_the_server_of_another_user_is_named_as_such(nobodys):
    with socket.socket(socket.AF_UNIX) as of_root:
        of_root.bind(str(nobodys / "control.socket"))
        of_root.listen()
        (nobodys / "control.socket").chmod(0o600)
        done = call(nobodys, "status")
    assert done.returncode == 1
    assert b"belongs to the server of another user" in done.stderr


@needs_root
def test_a_message_that_was_approved_and_cannot_be_removed_is_one_line(nobodys):
    assert call(nobodys, "add", "22000001", "--group", "tp1").returncode == 0
    desk = desk_at(nobodys)
    hold(desk, "tp1")
    for each in (desk.held, *desk.held.rglob("*")):
        os.chown(each, 65534, 65534)
    (desk.held / "tp1" / "new").chmod(0o500)
    done = call(nobodys, "list", "approve", "tp1")
    assert done.returncode == 1
    assert b"tpmail: 0 of 1 approved, then: " in done.stderr
    assert b"is sent on, but cannot be removed" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_twenty_snapshots_and_what_is_said_of_them_fit_a_terminal(desk, tmp_path):
    for number in range(18):
        snapshot(desk, f"group tp{number} session {number}")
    for arguments, says in (
        (["reset", "--all", "--yes"], "to have it all back: tpmail undo"),
        (["undo", "--yes"], "2 mailboxes back, now with 1 message: 22000001-22000002"),
        (["restore", "tp17", "--dry-run"], "1 message in the place of 1"),
        (["restore", "tp17", "--yes"], "2 mailboxes back, now with 1 message: 22000001-22000002"),
        (["snapshots"], "20 snapshots; each is kept for 30 days; mail in several takes its room"),
    ):
        terminal = Terminal(tmp_path / "site", *arguments)
        assert terminal.end() == 0
        lines = terminal.shown.decode().replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines()
        assert any(line.startswith(says) for line in lines), lines
        assert max(map(len, lines)) <= 80
        assert len(lines) <= 25


def test_a_restore_asks_first_and_says_from_which_snapshot(desk, tmp_path):
    title = snapshot(desk, "exam").title
    put_mail(desk, "22000001")
    terminal = Terminal(tmp_path / "site", "restore", "exam")
    terminal.expect(b"Replaces 2 mailboxes (2 messages; undo brings them back)? [y/N]")
    terminal.type(b"n\n")
    assert terminal.end() == 1
    assert f"Snapshot {title}" in terminal.lines()
    assert desk.mailboxes.tally("22000001").messages == 2
