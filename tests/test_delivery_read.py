"""What was read is known to later sessions: LAST (RFC 1460), and nothing else changes by it."""

from pathlib import Path

from tpmailserver.settings import Settings
from tpmailserver.site import open_site

from .bare import BareSession

NUMBER = "22000001"


def mailbox(folder: Path, count: int) -> None:
    site = open_site(folder, Settings())
    site.stores.database.add([NUMBER], None, 0.0)
    for index in range(count):
        draft = site.stores.spool.draft(b"")
        draft.write(b"Subject: %d\n\nbody\n" % index)
        site.stores.mailboxes.deliver(draft, [NUMBER])


def converse(folder: Path, *commands: str) -> list[str]:
    session = BareSession("pop3", folder, Settings())
    session.run(session.machine.begin())
    for line in (f"USER {NUMBER}", f"PASS {NUMBER}", *commands):
        session.run(session.machine.receive(line.encode() + b"\r\n"))
    session.leave()
    return session.said.decode().split("\r\n")


def test_a_later_session_knows_what_was_read(tmp_path: Path) -> None:
    mailbox(tmp_path, 3)
    before = converse(tmp_path, "UIDL", "RETR 1", "RETR 2", "QUIT")
    after = converse(tmp_path, "LAST", "UIDL", "QUIT")
    assert "+OK 2" in after
    uidls = [line for line in before if line[:2] in ("1 ", "2 ", "3 ")]
    assert len(uidls) == 3
    assert [line for line in after if line in uidls] == uidls


def test_a_session_cut_off_has_read_nothing(tmp_path: Path) -> None:
    mailbox(tmp_path, 2)
    converse(tmp_path, "RETR 1")
    assert "+OK 0" in converse(tmp_path, "LAST", "QUIT")
    assert not list((tmp_path / "maildirs" / NUMBER / "cur").iterdir())


def test_an_unread_message_is_never_passed_over(tmp_path: Path) -> None:
    mailbox(tmp_path, 3)
    converse(tmp_path, "RETR 1", "RETR 3", "QUIT")
    assert "+OK 1" in converse(tmp_path, "LAST", "QUIT")


def test_what_was_read_and_deleted_is_gone(tmp_path: Path) -> None:
    mailbox(tmp_path, 2)
    converse(tmp_path, "RETR 1", "DELE 1", "QUIT")
    after = converse(tmp_path, "STAT", "LAST", "QUIT")
    assert "+OK 0" in after
    assert any(line.startswith("+OK 1 ") for line in after)
