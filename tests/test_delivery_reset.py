"""A mailbox is reset under a session: what QUIT did not remove, it does not say to have removed."""

from pathlib import Path

import pytest

from tests.desks import messages_in
from tpmailserver.admin.resets import reset, undo
from tpmailserver.admin.snapshots import restore, snapshot
from tpmailserver.admin.who import Who
from tpmailserver.settings import Settings

from .bare import BareSession

ONE = "22000001"
EVERYBODY = Who(everybody=True)


@pytest.fixture
def session(tmp_path: Path) -> BareSession:
    """A POP3 session with a message marked; nobody tells it of what the instructor does."""
    session = BareSession("pop3", tmp_path, Settings())
    session.site.stores.database.add([ONE], None, 0.0)
    session.site.stores.directory.refresh()
    draft = session.site.stores.spool.draft(b"")
    draft.write(b"Subject: x\n\n")
    session.site.stores.mailboxes.deliver(draft, [ONE])
    session.run(session.machine.begin())
    assert say(session, f"USER {ONE}", f"PASS {ONE}", "DELE 1").startswith("+OK")
    return session


def say(session: BareSession, *lines: str) -> str:
    """The last reply."""
    for line in lines:
        session.said = b""
        session.run(session.machine.receive(line.encode() + b"\r\n"))
    return session.said.decode()


def test_a_quit_after_a_reset_removes_nothing_and_says_so(session: BareSession) -> None:
    desk = session.site.desk()
    reset(desk, EVERYBODY)
    assert say(session, "QUIT").startswith("-ERR [SYS/TEMP] some messages not removed (1)")
    undo(desk)
    assert len(messages_in(desk.mailboxes.folder / ONE)) == 1


def test_a_quit_after_a_reset_and_its_undo_removes_nothing_either(session: BareSession) -> None:
    """The session has been told to go, and was slow to read it."""
    desk = session.site.desk()
    reset(desk, EVERYBODY)
    undo(desk)
    assert say(session, "QUIT").startswith("-ERR [SYS/TEMP] some messages not removed (1)")
    assert len(messages_in(desk.mailboxes.folder / ONE)) == 1


def test_a_snapshot_disturbs_nobody(session: BareSession) -> None:
    desk = session.site.desk()
    snapshot(desk, "exam")
    assert say(session, "QUIT") == "+OK goodbye, 1 message removed\r\n"
    restore(desk, "exam", EVERYBODY)
    assert len(messages_in(desk.mailboxes.folder / ONE)) == 1
