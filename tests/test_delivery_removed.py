"""An account is removed while mail for it is on its way: no 250 for what nobody will read."""

from pathlib import Path

from tpmailserver.settings import Settings

from .bare import BareSession

KEPT, REMOVED = "22000001", "22000002"


def session_for_both(folder: Path) -> BareSession:
    """An SMTP session in which both recipients were accepted."""
    session = BareSession("smtp", folder, Settings())
    session.site.stores.database.add([KEPT, REMOVED], None, 0.0)
    session.site.stores.directory.refresh()
    session.run(session.machine.begin())
    say(session, "HELO mypc", "MAIL FROM:<>", f"RCPT TO:<{KEPT}>", f"RCPT TO:<{REMOVED}>")
    return session


def say(session: BareSession, *lines: str) -> list[str]:
    session.said = b""
    for line in lines:
        session.run(session.machine.receive(line.encode() + b"\r\n"))
    return session.said.decode().split("\r\n")[:-1]


def remove(session: BareSession) -> None:
    session.site.stores.database.remove([REMOVED])
    session.site.stores.directory.refresh()


def mail_in(folder: Path) -> list[Path]:
    return [each for each in (folder / "maildirs").rglob("*") if each.is_file()]


def test_removed_before_data_refuses_the_message(tmp_path: Path) -> None:
    session = session_for_both(tmp_path)
    remove(session)
    (reply,) = say(session, "DATA")
    assert reply.startswith("550 5.1.1 there is no mailbox 22000002@")
    # The transaction is over (RFC 5321 §4.1.1.4), the session is not.
    assert say(session, "MAIL FROM:<>")[0].startswith("250 2.1.0 ")
    assert not mail_in(tmp_path)


def test_removed_before_the_final_dot_refuses_the_message(tmp_path: Path) -> None:
    session = session_for_both(tmp_path)
    assert say(session, "DATA", "hello")[0].startswith("354 ")
    remove(session)
    assert say(session, ".")[0].startswith("550 5.1.1 there is no mailbox 22000002@")
    assert not mail_in(tmp_path)


def test_nobody_removed_delivers_to_both(tmp_path: Path) -> None:
    session = session_for_both(tmp_path)
    assert say(session, "DATA", "hello", ".")[-1].startswith("250 2.0.0 delivered to 2 mailboxes")
    assert len(mail_in(tmp_path)) == 2


def test_postmaster_has_no_account_that_could_be_removed(tmp_path: Path) -> None:
    session = session_for_both(tmp_path)
    said = say(session, "RSET", "MAIL FROM:<>", "RCPT TO:<postmaster>", "DATA", "help", ".")
    assert said[-1].startswith("250 2.0.0 delivered to 1 mailbox,")
    assert len(mail_in(tmp_path)) == 1
