"""`twistd tpmail` in the background: a start that fails says why, and a stop leaves nothing.

twistd runs as the program that it is, in a folder of its own.
"""

import os
import pwd
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tpmailserver.control.client import NoServer, ask
from tpmailserver.control.wording import Request

from .desks import wait_until, with_our_path

TWISTD = [sys.executable, "-c", "from twisted.scripts.twistd import run; run()"]
POP3_HERE = ["--pop3", "tcp:0:interface=127.0.0.1"]
HERE = ["--smtp", "tcp:0:interface=127.0.0.1", *POP3_HERE]

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="gives up root: run it as root to try that")


def twistd(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*TWISTD, *options],
        cwd=folder,
        env=with_our_path(),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def start(folder: Path, *options: str) -> int:
    """Starts a server in the background; its process, once it can be asked something.

    Earlier than that a signal ends it as it ends any program.
    """
    started = twistd(folder, *options, "tpmail", *HERE)
    assert (started.returncode, started.stdout, started.stderr) == (0, "", "")
    wait_until(lambda: answers(folder))
    return int((folder / "twistd.pid").read_text())


def answers(folder: Path) -> bool:
    try:
        return bool(ask(folder, Request("status", {})))
    except NoServer:
        return False


def stop(folder: Path) -> None:
    pid_file = folder / "twistd.pid"
    os.kill(int(pid_file.read_text()), signal.SIGTERM)
    wait_until(lambda: not pid_file.exists())


@pytest.fixture
def folder_of_nobody() -> Iterator[Path]:
    """Not below pytest's own folder, which every other run of pytest closes to all but root."""
    with TemporaryDirectory() as name:
        nobody = pwd.getpwnam("nobody")
        os.chown(name, nobody.pw_uid, nobody.pw_gid)
        yield Path(name)


def test_it_starts_in_the_background_and_stops_without_a_trace(tmp_path: Path) -> None:
    start(tmp_path)
    stop(tmp_path)
    assert "Server Shut Down" in (tmp_path / "twistd.log").read_text()
    left = {each.name for each in tmp_path.iterdir()}
    assert left == {"twistd.log", "tpmail.sqlite3", "maildirs", "spool", "locks"}


def test_the_shells_limit_of_open_files_does_not_bound_the_sessions(tmp_path: Path) -> None:
    usual, highest = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, highest))
    try:
        pid = start(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (usual, highest))
    assert resource.prlimit(pid, resource.RLIMIT_NOFILE) == (highest, highest)
    stop(tmp_path)


def test_the_pid_file_of_another_program_does_not_stop_a_start(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        (tmp_path / "twistd.pid").write_text(str(other.pid))
        start(tmp_path)
        stop(tmp_path)
        other.terminate()


def test_a_second_server_of_the_site_says_which_process_has_it(tmp_path: Path) -> None:
    holder = start(tmp_path)
    second = twistd(tmp_path, "--pidfile=other.pid", "tpmail", *HERE)
    stop(tmp_path)
    assert second.returncode == 1
    assert second.stderr == f"twistd tpmail: process {holder} serves {tmp_path} already\n"


@pytest.mark.parametrize("where", [["-n"], []], ids=["in the foreground", "in the background"])
def test_a_port_that_only_twisted_can_try_is_refused_in_one_line(
    where: list[str], tmp_path: Path
) -> None:
    nowhere = tmp_path / "missing" / "socket"
    smtp = f"--smtp=unix:{nowhere}"
    refused = twistd(tmp_path, *where, "--logfile=log", "tpmail", smtp, *POP3_HERE)
    log = tmp_path / "log"
    assert refused.returncode == 1
    # The one in the background tells its starter first, then the log.
    wait_until(lambda: f"tpmail: port unix:{nowhere}: cannot be bound" in log.read_text())
    assert "Traceback" not in log.read_text() + refused.stdout + refused.stderr
    assert not (tmp_path / "twistd.pid").exists()
    if not where:
        assert "CannotStart: port unix:" in refused.stderr


def test_a_site_that_is_a_file_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "maildirs").write_text("not a folder")
    refused = twistd(tmp_path, "tpmail", *HERE)
    assert refused.returncode == 1
    assert "the site cannot be used" in refused.stderr
    log = tmp_path / "twistd.log"
    wait_until(lambda: "tpmail: the site cannot be used" in log.read_text())
    assert "Traceback" not in log.read_text()


def test_a_bad_option_or_endpoint_is_one_line(tmp_path: Path) -> None:
    for options, why in (
        (["--smpt", "tcp:25"], "option --smpt not recognized"),
        (["--smtp", "nonsense"], "'nonsense' is no endpoint"),
        (["--smtp", "tcp:99999"], "port 99999: cannot be bound"),
        (["--language", "de"], "--language takes 'en' or 'fr'"),
    ):
        refused = twistd(tmp_path, "tpmail", *options, *POP3_HERE)
        assert refused.returncode == 1
        assert refused.stderr.startswith("twistd tpmail: ")
        assert why in refused.stderr
        assert len(refused.stderr.splitlines()) == 1


def test_a_socket_that_systemd_passes_is_served(tmp_path: Path) -> None:
    """As systemd does (sd_listen_fds(3)): the sockets from 3 on, with their names."""
    sockets = [socket.create_server(("::1", 0), family=socket.AF_INET6) for _ in range(2)]
    endpoints = [f"--{each}=systemd:domain=INET6:name={each}" for each in ("smtp", "pop3")]
    shell = """
        exec 3<&$A 4<&$B
        export LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=smtp:pop3
        exec "$@"
    """
    server = subprocess.Popen(
        ["bash", "-c", shell, "bash", *TWISTD, "-n", "--pidfile=", "tpmail", *endpoints],
        cwd=tmp_path,
        env=with_our_path()
        | dict(zip("AB", (str(each.fileno()) for each in sockets), strict=True)),
        pass_fds=[each.fileno() for each in sockets],
        stdout=subprocess.DEVNULL,
    )
    try:
        for each, greeting in zip(sockets, (b"220 ", b"+OK "), strict=True):
            with socket.create_connection(each.getsockname()[:2], timeout=20) as client:
                assert client.recv(1000).startswith(greeting)
    finally:
        server.terminate()
        server.wait(20)


@as_root
@pytest.mark.parametrize("options", [["--uid", "nobody"], []], ids=["--uid", "owner of the site"])
def test_root_is_given_up_for_the_owner_and_nothing_stays_roots(
    options: list[str], folder_of_nobody: Path
) -> None:
    folder, nobody = folder_of_nobody, pwd.getpwnam("nobody")
    pid = start(folder, *options)
    status = Path(f"/proc/{pid}/status").read_text()
    stop(folder)
    assert f"Uid:\t{'	'.join([str(nobody.pw_uid)] * 4)}\n" in status
    assert f"Gid:\t{'	'.join([str(nobody.pw_gid)] * 4)}\n" in status
    assert {each.stat().st_uid for each in folder.rglob("*")} == {nobody.pw_uid}


@as_root
def test_root_gives_no_file_away_through_a_link(tmp_path: Path) -> None:
    roots = tmp_path / "roots"
    roots.write_text("secret")
    folder = tmp_path / "site"
    folder.mkdir()
    os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
    log = folder / "twistd.log"
    log.symlink_to(roots)
    assert "cannot write the log" in twistd(folder, "tpmail", *HERE).stderr
    log.unlink()
    log.hardlink_to(roots)
    twistd(folder, "--uid", "nobody", "tpmail", "--smtp", "nonsense", *POP3_HERE)
    assert roots.stat().st_uid == 0
