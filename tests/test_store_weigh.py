"""How much lies in a mailbox is said without opening one message."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.desks import desk_at, put_mail, with_our_path
from tests.programs import need
from tpmailserver.store.tally import Tally

ONE, TWO = "22000001", "22000002"


def put_foreign(site: Path, name: str, octets: bytes) -> None:
    """A file that another program has put into a mailbox, without its sizes in its name."""
    folder = site / "maildirs" / ONE / "cur"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(octets)


def test_a_mailbox_weighs_what_its_files_do(tmp_path: Path) -> None:
    mailboxes = desk_at(tmp_path).mailboxes
    assert mailboxes.weigh(ONE) == Tally(0, 0)
    desk = desk_at(tmp_path)
    put_mail(desk, ONE)
    put_foreign(tmp_path, "1700000000.x.host:2,S", b"Subject: x\n\n" + b"\xe9" * 88)
    put_foreign(tmp_path, ".hidden", b"not a message")
    (tmp_path / "maildirs" / ONE / "cur" / "folder").mkdir()
    assert mailboxes.weigh(ONE) == mailboxes.tally(ONE)
    assert mailboxes.weigh(ONE).messages == 2


def test_a_message_that_moves_is_weighed_once(tmp_path: Path) -> None:
    desk = desk_at(tmp_path)
    put_mail(desk, ONE)
    (message,) = (tmp_path / "maildirs" / ONE / "new").iterdir()
    put_foreign(tmp_path, message.name + ":2,S", message.read_bytes())
    assert desk.mailboxes.weigh(ONE) == Tally(1, message.stat().st_size)


def test_a_broken_mailbox_is_an_error_for_itself_alone(tmp_path: Path) -> None:
    desk = desk_at(tmp_path)
    put_mail(desk, TWO)
    (tmp_path / "maildirs" / ONE).write_text("a file in its place")
    with pytest.raises(OSError, match="directory"):
        desk.mailboxes.weigh(ONE)
    assert desk.mailboxes.weigh(TWO).messages == 1


def test_a_list_of_accounts_opens_no_message(tmp_path: Path) -> None:
    need("strace")
    desk = desk_at(tmp_path)
    desk.database.add([ONE, TWO], None, 0.0)
    put_mail(desk, ONE)
    put_mail(desk, TWO)
    put_foreign(tmp_path, "1700000000.x.host:2,S", b"Subject: x\n\nfrom elsewhere\n")
    trace = tmp_path / "trace"
    command = [sys.executable, "-m", "tpmailserver.cli", "--site", str(tmp_path), "accounts"]
    done = subprocess.run(
        ["strace", "-f", "-o", str(trace), "-e", "trace=open,openat,openat2", *command],
        env=with_our_path(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "2 accounts, 3 messages" in done.stdout
    opened = trace.read_text()
    messages = [each.name for each in tmp_path.glob("maildirs/*/*/*")]
    assert len(messages) == 3
    assert '"cur"' in opened
    assert not [name for name in messages if name in opened]
