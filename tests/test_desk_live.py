"""The instructor's commands beside the real server: what `tpmail` does is seen on the wire.

Each command runs as a process of its own, as typed in a terminal, while students are connected.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .faults import ROOT, Peer, Server, begin_mail, mail, pop3, serving, site_for, smtp, until

ONE, TWO = "22000001", "22000002"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    site = site_for(tmp_path / "site", [ONE, TWO], failed_login_delay=0.0)
    with serving(site) as running:
        yield running
        assert "Traceback" not in running.log


def tpmail(server: Server, *arguments: str, status: int = 0, text: str = "") -> dict:
    ran = subprocess.run(
        [sys.executable, "-m", "tpmailserver.cli", "--site", server.site, "--json", *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        input=text,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ran.returncode == status, ran.stderr + ran.stdout
    return json.loads(ran.stdout)


def files(server: Server, number: str) -> list[Path]:
    new = server.site / "maildirs" / number / "new"
    return sorted(new.iterdir()) if new.is_dir() else []


def test_an_account_that_is_added_receives_and_one_removed_does_not(server: Server) -> None:
    with smtp(server.smtp) as sender:
        assert sender.say("MAIL FROM:<22000001>").startswith("250 ")
        assert sender.say("RCPT TO:<22000009>").startswith("550 5.1.1 ")
        tpmail(server, "add", "22000009", "--group", "td2")
        until(lambda: sender.say("RCPT TO:<22000009>").startswith("250 "))
        tpmail(server, "remove", "22000009")
        until(lambda: sender.say("RCPT TO:<22000009>").startswith("550 "))


def test_a_changed_password_counts_at_once(server: Server) -> None:
    tpmail(server, "password", ONE, text="secret words\n")
    refused = pop3_login(server, ONE, ONE)
    assert refused.startswith("-ERR [AUTH]"), refused
    assert pop3_login(server, ONE, " secret words ").startswith("+OK")
    tpmail(server, "password", ONE, "--default")
    until(lambda: pop3_login(server, ONE, ONE).startswith("+OK"))


def pop3_login(server: Server, number: str, password: str) -> str:

    with Peer(server.pop3) as peer:
        peer.reply()
        peer.say(f"USER {number}")
        said = peer.say(f"PASS {password}")
        peer.say("QUIT")
        return said


def test_a_reset_tells_who_is_connected_and_keeps_the_old_mail(server: Server) -> None:
    with smtp(server.smtp) as sender, pop3(server.pop3, TWO) as waiting:
        assert mail(sender, [ONE, TWO], b"Subject: before\r\n\r\nx\r\n").startswith("250 ")
        with pop3(server.pop3, ONE) as reader:
            assert reader.say("DELE 1").startswith("+OK")
            begin_mail(sender, [ONE])
            report = tpmail(server, "reset", ONE)
            assert reader.reply() == "-ERR [SYS/TEMP] mailbox reset by the instructor"
            assert reader.rest() == b""
        assert report["messages"] == 1
        kept = list((server.site / "snapshots" / report["kept"]).rglob("*,S=*"))
        assert len(kept) == 1
        assert b"Subject: before" in kept[0].read_bytes()
        sender.send(b"Subject: after\r\n\r\ny\r\n.\r\n")
        assert sender.reply().startswith("250 ")
        assert waiting.say("NOOP").startswith("+OK")
    with pop3(server.pop3, ONE) as reader:
        assert reader.say("STAT").startswith("+OK 1 ")
    assert b"Subject: after" in files(server, ONE)[0].read_bytes()
    assert len(files(server, TWO)) == 1


def test_status_shows_who_is_connected_and_who_holds_a_maildrop(server: Server) -> None:
    with pop3(server.pop3, ONE), smtp(server.smtp) as sender:
        assert mail(sender, [TWO], b"Subject: a\r\n\r\n").startswith("250 ")
        report = tpmail(server, "status")
        text = json.dumps(report)
        assert ONE in text
        assert "POP3" in text
        assert "SMTP" in text
        assert report["server"]["delivered"] == 1, report


def test_accounts_show_who_was_seen(server: Server) -> None:
    with pop3(server.pop3, ONE):
        pass

    def seen() -> bool:
        accounts = {each["number"]: each for each in tpmail(server, "accounts")["accounts"]}
        return accounts[ONE]["pop3"] is not None and accounts[TWO]["pop3"] is None

    until(seen)
    unseen = tpmail(server, "accounts", "--never-seen")["accounts"]
    assert [each["number"] for each in unseen] == [TWO]


def test_a_roster_reaches_the_server_and_so_does_a_change_of_group(server: Server) -> None:
    roster = "Code_NIP;Groupe\n22000001;TP 1\n22000002;TP 2\n22000003;TP 2\n"
    with smtp(server.smtp) as sender:
        assert sender.say("MAIL FROM:<22000001>").startswith("250 ")
        assert sender.say("RCPT TO:<22000003>").startswith("550 ")
        report = tpmail(server, "import", "-", text=roster)
        assert report["done"]["added"] == ["22000003"]
        until(lambda: sender.say("RCPT TO:<22000003>").startswith("250 "))
        assert sender.say("RSET").startswith("250 ")
        assert mail(sender, ["tp-2"], b"Subject: a\r\n\r\n").startswith("250 ")
        assert [len(files(server, number)) for number in (ONE, TWO, "22000003")] == [0, 1, 1]
        moved = tpmail(server, "import", "-", "--move", text=roster.replace("2;TP 2", "2;TP 1"))
        assert moved["done"]["groups"] == [
            {"group": "tp-1", "joined": [TWO], "left": []},
            {"group": "tp-2", "joined": [], "left": [TWO]},
        ]
        tpmail(server, "add", ONE, "--leave", "tp-1")

        def has_moved() -> bool:
            mail(sender, ["tp-1"], b"Subject: b\r\n\r\n")
            return len(files(server, TWO)) > 1

        until(has_moved)
        assert files(server, ONE) == []
        assert len(files(server, "22000003")) == 1


def test_a_refused_roster_leaves_the_running_site_as_it_was(server: Server) -> None:
    before = tpmail(server, "accounts")
    for roster in ("22000005\n22000006;\nx y\n", "22000005,22000001\n22000006,22000001\n", "nom\n"):
        report = tpmail(server, "import", "-", text=roster, status=1)
        assert report["error"]
    assert tpmail(server, "accounts") == before


def test_a_range_with_holes_is_removed(server: Server) -> None:
    assert tpmail(server, "remove", "22000002-22000999")["numbers"] == [TWO]
    assert "no account" in tpmail(server, "remove", "22000002-22000999", status=1)["error"]


def start(server: Server, *arguments: str) -> subprocess.Popen:
    """`tpmail` as a process that is not waited for."""
    return subprocess.Popen(
        [sys.executable, "-m", "tpmailserver.cli", "--site", server.site, *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_stopped_server_is_waited_for_and_named(server: Server) -> None:
    server.signal(signal.SIGSTOP)
    try:
        asking = start(server, "add", "22000009")
        assert asking.stderr.readline() == (
            f"tpmail: waiting for the server, process {server.pid}, which is stopped (Ctrl-Z?): "
            f"kill -CONT {server.pid} lets it go on\n"
        )
    finally:
        server.signal(signal.SIGCONT)
    output, errors = asking.communicate(timeout=30)
    assert (asking.returncode, output, errors) == (0, "1 account added: 22000009\n", "")


def test_what_somebody_has_given_up_waiting_for_is_not_done(server: Server) -> None:
    server.signal(signal.SIGSTOP)
    try:
        asking = start(server, "add", "22000009")
        assert "kill -CONT" in asking.stderr.readline()
        asking.send_signal(signal.SIGINT)
        assert asking.communicate(timeout=30) == ("", "tpmail: stopped at the keyboard\n")
    finally:
        server.signal(signal.SIGCONT)
    numbers = {each["number"] for each in tpmail(server, "accounts")["accounts"]}
    assert numbers == {ONE, TWO}
