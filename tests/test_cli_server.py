"""`tpmail` beside a running server: the server does it, and nobody acts behind its back."""

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from functools import partial

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.threads import deferToThread

from tests.desks import Room, desk_at, put_mail, wait_until, with_our_path
from tpmailserver.admin.actions import perform
from tpmailserver.admin.alone import alone
from tpmailserver.cli import carrier
from tpmailserver.cli.command import run
from tpmailserver.cli.sites import _PACKAGE_FOLDER, _TWISTD
from tpmailserver.control.server import ControlService


@pytest.fixture
def served(tmp_path):
    """The desk of a site whose server runs; the server's own lock is held, as a server does."""
    desk = replace(desk_at(tmp_path), live=Room())
    service = ControlService(reactor, tmp_path, partial(perform, desk))
    with alone(tmp_path):
        service.startService()
        yield desk
        pytest_twisted.blockon(service.stopService())


async def tpmail(site, *arguments):
    return await deferToThread(run, ["--site", str(site), *arguments])


@pytest_twisted.ensureDeferred
async def test_the_same_words_with_and_without_a_server(served, tmp_path, capsys):
    other = tmp_path / "other"
    desk_at(other)
    for arguments in (
        ["add", "22000001-22000003", "--group", "tp1"],
        ["add", "22000003", "postmaster"],
        ["accounts"],
        ["reset", "22000009"],
        ["reset", "--group", "tp1", "--dry-run"],
        ["remove", "22000003", "--dry-run"],
        ["password", "--all", "--default"],
        ["list", "add", "staff", "tp1", "22000003", "--owner", "22000001"],
        ["list", "add", "staff", "22000009", "bob@gmail.com"],
        ["list", "show", "staff", "--all"],
        ["list", "show", "staf"],
        ["lists"],
        ["list", "approve", "staff", "abc"],
        ["list", "remove", "staff", "22000003"],
        ["list", "remove", "staff", "--yes"],
        ["list", "remove", "tp1"],
        ["--json", "find"],
    ):
        with_server = await tpmail(tmp_path, *arguments), *capsys.readouterr()
        without = await tpmail(other, *arguments), *capsys.readouterr()
        assert with_server == without


@pytest_twisted.ensureDeferred
async def test_the_server_knows_at_once_what_was_added(served, tmp_path):
    await tpmail(tmp_path, "add", "22000001")
    assert served.directory.account("22000001") is not None


@pytest_twisted.ensureDeferred
async def test_a_reset_closes_the_sessions_of_its_mailboxes(served, tmp_path, capsys):
    await tpmail(tmp_path, "add", "22000001-22000002")
    put_mail(served, "22000001")
    capsys.readouterr()
    assert await tpmail(tmp_path, "reset", "--all") == 0
    assert "1 open POP3 session closed" in capsys.readouterr().out
    assert served.live.expelled == [(("22000001", "22000002"), "mailbox reset by the instructor")]


@pytest_twisted.ensureDeferred
async def test_status_shows_sessions_and_holders_within_80_columns(served, tmp_path, capsys):
    assert await tpmail(tmp_path, "status") == 0
    output = capsys.readouterr().out
    for each in (f"process {os.getpid()}", "tcp 2525, tcp 1110", "7 messages", "fd00::31", "POP3"):
        assert each in output
    assert max(map(len, output.splitlines())) <= 80
    await tpmail(tmp_path, "--json", "status")
    assert json.loads(capsys.readouterr().out)["server"]["delivered"] == 7


@pytest_twisted.ensureDeferred
async def test_demo_does_not_start_a_second_server(served, tmp_path, capsys):
    assert await tpmail(tmp_path, "demo") == 0
    assert "The server runs already:\ntcp 2525\ntcp 1110\n" in capsys.readouterr().out
    assert served.directory.members("demo") is not None


@pytest_twisted.ensureDeferred
async def test_thirty_thousand_numbers_go_over_the_socket(served, tmp_path):
    assert await tpmail(tmp_path, "add", "22000001-22030000") == 0
    assert len(served.directory) == 30_000


def test_a_site_that_somebody_holds_without_an_answer_is_left_alone(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(carrier, "_PATIENCE", 0.0)
    desk_at(tmp_path)
    with alone(tmp_path):
        assert run(["--site", str(tmp_path), "add", "22000001"]) == 1
    errors = capsys.readouterr().err
    assert f"process {os.getpid()} has the site" in errors
    assert run(["--site", str(tmp_path), "add", "22000001"]) == 0


def test_a_second_tpmail_waits_for_the_first(tmp_path):
    desk_at(tmp_path)
    command = [sys.executable, "-m", "tpmailserver.cli", "--site", str(tmp_path), "add"]
    started = [
        subprocess.Popen([*command, str(each)], env=with_our_path(), stdout=subprocess.DEVNULL)
        for each in range(3)
    ]
    assert [each.wait(30) for each in started] == [0, 0, 0]
    desk = desk_at(tmp_path)
    assert len(desk.directory) == 3


def test_demos_twistd_knows_tpmail_from_any_folder(tmp_path):
    command = [sys.executable, "-c", _TWISTD, str(_PACKAGE_FOLDER), "--help"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    shown = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert shown.stdout.startswith("Usage: twistd ")
    assert "\n    tpmail " in shown.stdout


def test_demo_starts_a_server_that_status_finds_and_ctrl_c_stops(tmp_path):
    for port in (2525, 1110):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                pytest.skip(f"port {port} is taken: stop what listens there to run this test")
    site = tmp_path / "site"
    tpmail = [sys.executable, "-m", "tpmailserver.cli", "--site", str(site), "--json"]

    def state():
        command = [*tpmail, "status"]
        done = subprocess.run(command, env=with_our_path(), capture_output=True, check=True)
        return json.loads(done.stdout)

    with subprocess.Popen(
        [*tpmail, "demo"], cwd=tmp_path, env=with_our_path(), stdout=subprocess.PIPE
    ) as demo:
        try:
            wait_until((site / "control.socket").exists, 30)
            assert state()["server"]["pid"] == demo.pid
            with socket.create_connection(("127.0.0.1", 1110), timeout=10) as session:
                assert session.recv(100).startswith(b"+OK")
            demo.send_signal(signal.SIGINT)
            output, _ = demo.communicate(timeout=30)
        finally:
            demo.kill()
    assert json.loads(output)["group"] == "demo"
    assert [each.name for each in tmp_path.iterdir()] == ["site"]
    assert not (site / "control.socket").exists()
    assert state()["server"] is None
