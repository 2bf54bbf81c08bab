"""A class at work beside the real server: status, kick, freeze and thaw, seen on the wire."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from .faults import Peer, Server, begin_mail, mail, pop3, serving, site_for, smtp, until
from .test_desk_live import files, tpmail

ONE, TWO, THREE = ACCOUNTS = ("22000001", "22000002", "22000003")

SMTP_IS_STOPPED = "the instructor has stopped SMTP for now; try again later"
POP3_IS_STOPPED = "-ERR [SYS/TEMP] the instructor has stopped POP3 for now; try again later"
CLOSED = "the instructor has closed this session"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    site = site_for(tmp_path / "site", ACCOUNTS, failed_login_delay=0.0)
    with serving(site) as running:
        yield running
        assert "Traceback" not in running.log


def login(peer: Peer, number: str) -> None:
    assert peer.say("AUTH LOGIN").startswith("334 ")
    assert peer.say(b64encode(number.encode())).startswith("334 ")
    assert peer.say(b64encode(number.encode())).startswith("235 ")


def test_status_says_where_everybody_is(server: Server) -> None:
    with ExitStack() as stack:
        stack.enter_context(pop3(server.pop3, ONE))
        sending = stack.enter_context(smtp(server.smtp))
        login(sending, ONE)
        begin_mail(sending, [TWO])
        for words in ([], [f"USER {TWO}"]):
            peer = stack.enter_context(Peer(server.pop3))
            peer.reply()
            for each in words:
                peer.say(each)
        stack.enter_context(Peer(server.smtp)).reply()
        stack.enter_context(smtp(server.smtp)).say("MAIL FROM:<22000003>")
        seen = {
            (each["protocol"], each["account"], each["state"])
            for each in tpmail(server, "status")["sessions"]
        }
    assert seen == {
        ("POP3", ONE, "in the maildrop"),
        ("SMTP", ONE, "in a message"),
        ("POP3", "", "before USER"),
        ("POP3", "", "before PASS"),
        ("SMTP", "", "before HELO"),
        ("SMTP", "", "after MAIL FROM"),
    }


def test_a_kick_closes_both_protocols_and_removes_nothing(server: Server) -> None:
    with smtp(server.smtp) as sender:
        assert mail(sender, [ONE], b"Subject: stays\r\n\r\n").startswith("250 ")
    with ExitStack() as stack:
        reading = stack.enter_context(pop3(server.pop3, ONE))
        assert reading.say("DELE 1").startswith("+OK")
        sending = stack.enter_context(smtp(server.smtp))
        login(sending, ONE)
        begin_mail(sending, [TWO])
        sending.send(b"Subject: half\r\n\r\n")
        other = stack.enter_context(pop3(server.pop3, TWO))
        unknown = stack.enter_context(smtp(server.smtp))
        report = tpmail(server, "kick", ONE, THREE)
        assert {each["protocol"] for each in report["closed"]} == {"POP3", "SMTP"}
        assert report["without"] == [THREE]
        assert reading.rest() == b"-ERR [SYS/TEMP] " + CLOSED.encode() + b"\r\n"
        assert sending.rest() == b"421 4.3.2 " + CLOSED.encode() + b"\r\n"
        assert other.say("NOOP").startswith("+OK")
        assert unknown.say("NOOP").startswith("250 ")
        tpmail(server, "kick", "--all")
        assert unknown.reply() == f"421 4.3.2 {CLOSED}"
        assert other.reply() == f"-ERR [SYS/TEMP] {CLOSED}"
    with pop3(server.pop3, ONE) as reading:
        assert reading.say("STAT").startswith("+OK 1 ")
    assert files(server, TWO) == []
    assert list((server.site / "spool").iterdir()) == []


def test_while_smtp_is_frozen_everybody_can_still_read(server: Server) -> None:
    with smtp(server.smtp) as sender, pop3(server.pop3, TWO) as reader:
        begin_mail(sender, [ONE])
        report = tpmail(server, "freeze", "smtp")
        assert report == {"protocols": ["SMTP"], "already": [], "told": 1}
        assert sender.rest() == f"421 4.3.2 {SMTP_IS_STOPPED}\r\n".encode()
        assert reader.say("STAT") == "+OK 0 0"
    with Peer(server.smtp) as late, pop3(server.pop3, ONE) as reader:
        # RFC 2034 §3: a greeting has no enhanced status code.
        assert late.rest() == f"421 {SMTP_IS_STOPPED}\r\n".encode()
        assert reader.say("STAT") == "+OK 0 0"
    (frozen,) = tpmail(server, "status")["server"]["frozen"]
    assert frozen["protocol"] == "SMTP"
    assert tpmail(server, "thaw")["protocols"] == ["SMTP"]
    with smtp(server.smtp) as sender:
        assert mail(sender, [ONE], b"Subject: after\r\n\r\n").startswith("250 ")
    assert tpmail(server, "status")["server"]["frozen"] == []


def test_while_pop3_is_frozen_mail_still_comes_in_and_nothing_marked_goes(server: Server) -> None:
    with smtp(server.smtp) as sender:
        assert mail(sender, [ONE], b"Subject: marked\r\n\r\n").startswith("250 ")
        with pop3(server.pop3, ONE) as reader:
            assert reader.say("DELE 1").startswith("+OK")
            tpmail(server, "freeze", "POP3")
            assert reader.rest() == POP3_IS_STOPPED.encode() + b"\r\n"
        with Peer(server.pop3) as late:
            assert late.reply() == POP3_IS_STOPPED
            assert late.rest() == b""
        assert mail(sender, [ONE], b"Subject: meanwhile\r\n\r\n").startswith("250 ")
        tpmail(server, "thaw", "pop3")
    with pop3(server.pop3, ONE) as reader:
        assert reader.say("STAT").startswith("+OK 2 ")


def test_a_freeze_of_both_while_mail_comes_in_loses_nothing_that_was_acknowledged(
    server: Server,
) -> None:
    kept = 0
    with smtp(server.smtp) as sender:
        begin_mail(sender, [ONE])
        # The final dot and the freeze are on their way at once: either comes first.
        sender.send(b"Subject: at the dot\r\n\r\n.\r\n")
        tpmail(server, "freeze")
        said = sender.rest().decode().splitlines()
    kept += said[0].startswith("250 ")
    assert said[-1] == f"421 4.3.2 {SMTP_IS_STOPPED}"
    assert len(files(server, ONE)) == kept


def test_a_freeze_does_not_outlive_the_server(server: Server) -> None:
    tpmail(server, "freeze")
    server.stop()
    tpmail(server, "freeze", status=1)
    tpmail(server, "thaw", status=1)
    with serving(server.site) as again:
        assert tpmail(again, "status")["server"]["frozen"] == []
        with smtp(again.smtp) as peer:
            assert peer.say("NOOP").startswith("250 ")


def test_a_client_that_reads_nothing_is_cut_off_by_a_kick(server: Server) -> None:
    with smtp(server.smtp) as sender:
        assert mail(sender, [ONE], b"x" * 9_000_000 + b"\r\n").startswith("250 ")
    with pop3(server.pop3, ONE) as deaf:
        deaf.send(b"RETR 1\r\n")
        assert len(tpmail(server, "kick", ONE)["closed"]) == 1
        until(lambda: tpmail(server, "status")["sessions"] == [])
        assert b"\r\n.\r\n" not in deaf.rest()
