"""`tpmail doctor` beside the real server: a mail goes round it, and leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tpmailserver.store.database import DATABASE, Database

from .faults import ROOT, Peer, Server, mail, pop3, serving, site_for, smtp, until
from .terminal import Terminal
from .test_desk_live import tpmail

ONE, TWO = ACCOUNTS = ("22000001", "22000002")

TPMAIL = (sys.executable, "-m", "tpmailserver.cli", "--site")

# As root would be for a site of another's, but from the start: what is needed is loaded before.
_AS_NOBODY = """\
import email.parser, os, sys
from tpmailserver.cli.command import run
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
sys.exit(run(sys.argv[1:]))
"""


needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="takes another user's part: run it as root"
)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    site = site_for(tmp_path / "site", ACCOUNTS, failed_login_delay=0.0)
    (site / "tpmail.toml").chmod(0o600)
    return site


@pytest.fixture
def server(site: Path) -> Iterator[Server]:
    with serving(site) as running:
        yield running
        assert "Traceback" not in running.log


def doctor(server: Server, status: int = 0) -> dict[str, dict]:
    """What each check has found."""
    report = tpmail(server, "doctor", status=status)
    assert report["is_bad"] == (status == 1)
    return {each["check"]: each for each in report["findings"]}


def contents(site: Path) -> set[Path]:
    return {each for each in site.rglob("*") if each.name != "tpmail.sqlite3-journal"}


def test_a_running_server_is_well_and_looked_at_without_a_trace(server: Server) -> None:
    with smtp(server.smtp) as sender:
        assert mail(sender, [ONE], b"Subject: before\r\n\r\n").startswith("250 ")
    with pop3(server.pop3, ONE) as reader:
        assert reader.say("STAT").startswith("+OK 1 ")
    until(lambda: Database(server.site / DATABASE).seen())
    before = contents(server.site), tpmail(server, "accounts")
    found = doctor(server)
    assert [each["verdict"] for each in found.values()].count("bad") == 0
    assert found["round trip"]["verdict"] == "ok"
    assert " ms" in found["round trip"]["found"]
    assert str(server.smtp) in found["ports"]["found"]
    # The server writes down who logged in two seconds later.
    with pop3(server.pop3, TWO):
        pass
    until(lambda: TWO in Database(server.site / DATABASE).seen())
    assert set(Database(server.site / DATABASE).seen()) == {ONE, TWO}
    after = contents(server.site) - {server.site / "locks" / TWO}, tpmail(server, "accounts")
    after[1]["accounts"][1]["pop3"] = None
    assert after == before
    assert "Unhandled" not in server.log


def test_two_doctors_at_once_do_not_disturb_each_other(server: Server) -> None:
    command = [*TPMAIL, str(server.site), "--json", "doctor"]
    started = [
        subprocess.Popen(
            command, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for each in started:
        output, _ = each.communicate(timeout=60)
        assert each.returncode == 0, output
        (trip,) = [one for one in json.loads(output)["findings"] if one["check"] == "round trip"]
        assert trip["verdict"] == "ok"
    assert not list(server.site.rglob("doctor-*"))


def test_the_guests_mail_counts_against_nobodys_budget(tmp_path: Path) -> None:
    site = site_for(tmp_path / "site", ACCOUNTS, budget=1)
    with serving(site) as server:
        for _ in range(2):
            assert doctor(server)["round trip"]["verdict"] == "ok"
        with smtp(server.smtp) as sender:
            assert mail(sender, [ONE], b"Subject: mine\r\n\r\n").startswith("250 ")


def test_a_server_that_cannot_deliver_is_bad_and_left_clean(server: Server) -> None:
    spool = server.site / "spool"
    spool.rmdir()
    spool.write_text("in the way")
    found = doctor(server, status=1)
    assert found["round trip"]["verdict"] == "bad"
    assert "SMTP said 451" in found["round trip"]["found"]
    assert not list(server.site.rglob("doctor-*"))


def test_a_mail_that_was_not_fetched_goes_with_its_guest(server: Server) -> None:
    tpmail(server, "freeze", "pop3")
    # The doctor itself would not try: the action is asked for as by another program.
    trip = ask_for_round_trip(server)
    assert "the instructor has stopped POP3" in trip["trouble"]
    assert not list(server.site.rglob("doctor-*"))
    found = doctor(server)
    assert "POP3 frozen" in found["server"]["found"]
    assert "not tried" in found["round trip"]["found"]


def ask_for_round_trip(server: Server) -> dict:
    code = (
        "import json, sys; from pathlib import Path\n"
        "from tpmailserver.control.client import ask; from tpmailserver.control.wording import *\n"
        "print(json.dumps(ask(Path(sys.argv[1]), Request('round_trip', {}))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, server.site],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("pop3_endpoint", ["tcp:0", r"tcp6:0:interface=\:\:"])
def test_a_server_on_every_address_is_tried_on_one(site: Path, pop3_endpoint: str) -> None:
    with serving(site, "--smtp", "tcp:0", "--pop3", pop3_endpoint) as server:
        assert doctor(server)["round trip"]["verdict"] == "ok"


def test_a_site_that_does_not_serve_its_own_machine_says_so(tmp_path: Path) -> None:
    site = site_for(tmp_path / "site", ACCOUNTS, 'networks = ["198.51.100.0/24"]')
    with serving(site) as server:
        found = doctor(server, status=1)
    assert "is in the site's networks" in found["round trip"]["found"]
    assert found["networks"]["verdict"] == "warn"


def test_a_server_stopped_by_the_keyboard_is_named_within_seconds(server: Server) -> None:
    server.signal(signal.SIGSTOP)
    try:
        found = doctor(server, status=1)
    finally:
        server.signal(signal.SIGCONT)
    assert found["server"]["commands"] == [f"kill -CONT {server.pid}"]
    assert found["round trip"]["verdict"] == "warn"
    # Nothing that it was asked meanwhile is done behind anybody's back.
    with Peer(server.pop3) as peer:
        assert peer.reply().startswith("+OK")


@needs_root
def test_as_root_it_becomes_the_owner_of_the_site_and_knows_who_has_the_ports(
    open_folder: Path,
) -> None:
    site = site_for(open_folder / "site", ACCOUNTS)
    for each in (site, *site.rglob("*")):
        os.chown(each, 65534, 65534)
    with serving(site) as server:
        found = doctor(server)
        assert found["round trip"]["verdict"] == "ok"
        assert f"{site}, of nobody" in found["site"]["found"]
        assert found["low ports"]["found"].startswith("root may bind 25 and 110")
        owners = {each.stat().st_uid for each in site.rglob("*")}
        assert owners == {65534}


@needs_root
def test_another_user_is_told_whom_to_ask(open_folder: Path) -> None:
    site = site_for(open_folder / "site", ACCOUNTS)
    done = subprocess.run(
        [sys.executable, "-c", _AS_NOBODY, "--site", site, "--json", "doctor"],
        cwd="/",
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    found = {each["check"]: each for each in json.loads(done.stdout)["findings"]}
    assert f"{site} is root's" in found["site"]["found"]
    assert "round trip" not in found


def test_settings_that_cannot_be_used_hide_nothing_else(server: Server) -> None:
    (server.site / "tpmail.toml").write_text('domian = "x"\n')
    found = doctor(server, status=1)
    assert "did you mean domain?" in found["settings"]["found"]
    assert found["database"]["verdict"] == "ok"


def test_it_fits_a_terminal_and_the_worst_is_last(site: Path, tmp_path: Path) -> None:
    (site / "tpmail.toml").write_text('postmaster = "99"\ndomain = "localhost"\n')
    (site / "tpmail.sqlite3").write_bytes(b"damaged" * 1000)
    with Terminal(
        [*TPMAIL, str(site), "doctor"], tmp_path, PYTHONPATH=os.pathsep.join(sys.path), COLUMNS="80"
    ) as terminal:
        assert terminal.status() == 1
        lines = terminal.screen.splitlines()
    commands = [each for each in lines if each.startswith("    ") and each[4] != " "]
    assert (
        max(len(each) for each in lines if each not in commands and str(tmp_path) not in each) <= 80
    )
    marks = [each[:6] for each in lines if each[:1] in "+!x"]
    assert marks == sorted(marks, key=["+ ok  ", "! warn", "x bad "].index)
    assert " checks: " in "".join(lines[-2:])
    assert "\x1b" not in terminal.screen
