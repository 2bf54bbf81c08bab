"""The control socket: one request, one answer, whoever is at either end."""

import json
import os
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from functools import partial

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.logger import globalLogPublisher

from tests.desks import Room, desk_at, mode, with_our_path
from tpmailserver.admin.actions import perform
from tpmailserver.admin.desk import NotDone
from tpmailserver.control.client import NoServer, ask
from tpmailserver.control.server import ControlService
from tpmailserver.control.wording import (
    LONGEST_REQUEST,
    SOCKET_NAME,
    BadLine,
    Request,
    read_answer,
    read_request,
    request_line,
)


@pytest.fixture
def serve():
    """Starts control services on sites and stops them again."""
    services = []

    def start(site, action):
        service = ControlService(reactor, site, action)
        service.startService()
        services.append(service)
        return service

    yield start
    for each in services:
        if each.running:
            pytest_twisted.blockon(each.stopService())


@pytest.fixture
def logged():
    """The events that are logged meanwhile."""
    events = []
    globalLogPublisher.addObserver(events.append)
    yield events
    globalLogPublisher.removeObserver(events.append)


def echo(action, arguments):
    return {"action": action, "arguments": arguments}


def raw(site, octets, close=True):
    """What the socket answers to these octets, up to the end."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(20)
        peer.connect(str(site / SOCKET_NAME))
        peer.sendall(octets)
        if close:
            peer.shutdown(socket.SHUT_WR)
        return b"".join(iter(partial(peer.recv, 65536), b""))


@pytest_twisted.ensureDeferred
async def test_an_action_of_the_site_comes_back_as_its_report(tmp_path, serve):
    desk = replace(desk_at(tmp_path), live=Room())
    serve(tmp_path, partial(perform, desk))
    add = Request("add", {"numbers": ["22000001"], "group": "tp1"})
    report = await deferToThread(ask, tmp_path, add)
    assert report == {"added": ["22000001"], "present": [], "group": "tp1", "elsewhere": []}
    status = await deferToThread(ask, tmp_path, Request("status", {}))
    assert status["server"]["pid"] == os.getpid()
    assert [each["protocol"] for each in status["sessions"]] == ["POP3", "SMTP"]
    with pytest.raises(NotDone, match="no group zz"):
        await deferToThread(ask, tmp_path, Request("reset", {"who": {"group": "zz"}}))


@pytest_twisted.ensureDeferred
async def test_the_socket_is_private_and_goes_with_the_server(tmp_path, serve):
    before = os.umask(0)
    try:
        service = serve(tmp_path, echo)
    finally:
        os.umask(before)
    assert mode(tmp_path / SOCKET_NAME) == 0o600
    await service.stopService()
    assert not (tmp_path / SOCKET_NAME).exists()
    with pytest.raises(NoServer):
        ask(tmp_path, Request("x", {}))


@pytest_twisted.ensureDeferred
async def test_a_path_longer_than_a_sockets_may_be(tmp_path, serve):
    site = tmp_path / ("long" * 20) / ("longer" * 20)
    site.mkdir(parents=True)
    serve(site, echo)
    report = await deferToThread(ask, site, Request("x", {"y": 1}))
    assert report == {"action": "x", "arguments": {"y": 1}}


def test_no_site_and_no_socket_mean_no_server(tmp_path):
    for site in (tmp_path, tmp_path / "missing"):
        with pytest.raises(NoServer):
            ask(site, Request("x", {}))


@pytest_twisted.ensureDeferred
async def test_a_killed_servers_socket_is_no_server_and_stops_no_start(tmp_path, serve):
    code = (
        "import os, socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]);"
        "s.listen(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / SOCKET_NAME)], check=False)
    assert (tmp_path / SOCKET_NAME).is_socket()
    with pytest.raises(NoServer):
        ask(tmp_path, Request("x", {}))
    serve(tmp_path, echo)
    assert (await deferToThread(ask, tmp_path, Request("x", {})))["action"] == "x"


@pytest.mark.parametrize("there", ["a file", "another server"])
@pytest_twisted.ensureDeferred
async def test_what_is_no_stale_socket_stays(tmp_path, serve, logged, there):
    if there == "a file":
        (tmp_path / SOCKET_NAME).write_text("mine")
    else:
        serve(tmp_path, echo)
    before = (tmp_path / SOCKET_NAME).stat()
    await serve(tmp_path, partial(echo, "the second")).stopService()
    assert (tmp_path / SOCKET_NAME).stat() == before
    assert sum("no control socket" in str(each["log_format"]) for each in logged) == 1


@pytest_twisted.ensureDeferred
async def test_a_socket_that_somebody_removed_does_not_disturb_the_stop(tmp_path, serve):
    service = serve(tmp_path, echo)
    (tmp_path / SOCKET_NAME).unlink()
    await service.stopService()
    serve(tmp_path, echo)
    assert (await deferToThread(ask, tmp_path, Request("x", {})))["action"] == "x"


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (b"\n", "not JSON"),
        (b"\xff\n", "not JSON"),
        (b"[" * 100_000 + b"\n", "not JSON"),
        (b"[]\n", "not a JSON object"),
        (b'{"action": 1, "arguments": {}}\n', '"NAME"'),
        (b'{"action": "x"}\n', '"NAME"'),
        (b'{"action": "x", "arguments": []}\n', "are an object"),
        (b'{"action": "x", "arguments": {}, "more": 1}\n', '"NAME"'),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_line_that_is_no_request_gets_one_error_line(tmp_path, serve, octets, says):
    serve(tmp_path, echo)
    answer = await deferToThread(raw, tmp_path, octets, close=False)
    assert answer.count(b"\n") == 1
    assert says in json.loads(answer)["error"]


@pytest_twisted.ensureDeferred
async def test_a_large_request_passes_and_a_larger_one_is_refused(tmp_path, serve):
    serve(tmp_path, lambda _action, arguments: {"count": len(arguments["numbers"])})
    roster = Request("add", {"numbers": [f"{each:08}" for each in range(500_000)]})
    assert (await deferToThread(ask, tmp_path, roster))["count"] == 500_000
    answer = await deferToThread(raw, tmp_path, b" " * (LONGEST_REQUEST + 1), close=False)
    assert "at most 16,777,216 octets" in json.loads(answer)["error"]
    with pytest.raises(NotDone, match="too much"):
        ask(tmp_path, Request("add", {"numbers": ["x" * LONGEST_REQUEST]}))


@pytest_twisted.ensureDeferred
async def test_a_bug_is_logged_once_and_not_shown(tmp_path, serve, logged):
    def broken(_action, _arguments):
        raise RuntimeError("the inside of the server")

    serve(tmp_path, broken)
    with pytest.raises(NotDone) as refusal:
        await deferToThread(ask, tmp_path, Request("add", {"password": "hunter2"}))
    assert str(refusal.value) == "there is a bug in the server: its log has the details"
    failures = [each for each in logged if "log_failure" in each]
    assert [str(each["log_failure"].value) for each in failures] == ["the inside of the server"]
    assert "hunter2" not in failures[0]["log_failure"].getTraceback()


@pytest_twisted.ensureDeferred
async def test_an_action_that_blocks_holds_up_nobody_else(tmp_path, serve):
    go_on = threading.Event()

    def slow(action, _arguments):
        return {"was": action, "went_on": action != "slow" or go_on.wait(20)}

    serve(tmp_path, slow)
    first = deferToThread(ask, tmp_path, Request("slow", {}))
    assert (await deferToThread(ask, tmp_path, Request("quick", {})))["was"] == "quick"
    go_on.set()
    assert await first == {"was": "slow", "went_on": True}


@pytest_twisted.ensureDeferred
async def test_a_stop_waits_for_the_answer_under_way_but_not_for_the_silent(tmp_path, serve):
    started, go_on = threading.Event(), threading.Event()

    def slow(_action, _arguments):
        started.set()
        return {"went_on": go_on.wait(20)}

    service = serve(tmp_path, slow)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.settimeout(20)
        silent.connect(str(tmp_path / SOCKET_NAME))
        asked = deferToThread(ask, tmp_path, Request("slow", {}))
        assert await deferToThread(started.wait, 20)
        stopped = service.stopService()
        assert not stopped.called
        go_on.set()
        assert await asked == {"went_on": True}
        await stopped
        assert await deferToThread(silent.recv, 1) == b""


@pytest_twisted.ensureDeferred
async def test_a_server_that_dies_in_the_middle_is_an_error_and_not_no_server(tmp_path):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / SOCKET_NAME))
        listening.listen()
        asked = deferToThread(ask, tmp_path, Request("x", {}))
        peer, _ = await deferToThread(listening.accept)
        peer.close()
        with pytest.raises(NotDone, match="closed without an answer"):
            await asked


@pytest.mark.skipif(os.geteuid() != 0, reason="takes another user's part: run it as root")
@pytest_twisted.ensureDeferred
async def test_another_user_is_not_heard_even_where_the_socket_is_open_to_him(tmp_path, serve):
    called = []
    serve(tmp_path, lambda action, _arguments: called.append(action) or {})
    (tmp_path / SOCKET_NAME).chmod(0o666)
    code = (
        "import os, sys; from pathlib import Path; from tpmailserver.control import client\n"
        "from tpmailserver.admin.desk import NotDone\n"
        "os.chdir(sys.argv[1]); os.setgid(65534); os.setuid(65534)\n"
        "try: print(client.ask(Path(), client.Request('status', {})))\n"
        "except NotDone as refusal: print(refusal)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    # He gets in by a working folder that is open, so the folders above it need not be.
    tmp_path.chmod(0o755)
    done = await deferToThread(
        subprocess.run, command, capture_output=True, text=True, env=with_our_path(), check=False
    )
    assert "only the server's own user" in done.stdout, done.stderr
    assert called == []


def test_lines_are_read_back_as_they_were_written():
    request = Request("add", {"numbers": ["é", "\n", "\ud800"]})
    line = request_line(request)
    assert line.count(b"\n") == 1
    assert read_request(line) == request


@pytest.mark.parametrize("line", [b"", b"{}", b'{"report": 1}', b'{"error": {}}', b"null"])
def test_an_answer_that_is_none_is_not_taken_for_one(line):
    with pytest.raises(BadLine):
        read_answer(line)
