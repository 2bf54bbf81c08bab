"""The fixtures that several files of tests share."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tpmailserver.cli.command import run

from .desks import Piped
from .hook_server import Asker, ordinary_asker
from .process import SMALL_BUDGET, Account, ServerProcess, server_process

# A shell ignores Ctrl-C for what it starts behind an "&", and so would every child of ours.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def running_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server process for all tests of a module."""
    with server_process(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def server(running_server: ServerProcess) -> Iterator[ServerProcess]:
    """The module's server, whose log is free of tracebacks after the test too."""
    yield running_server
    running_server.check_log()


@pytest.fixture
def student(server: ServerProcess) -> Account:
    """An account with an empty mailbox."""
    return server.new_account()


@pytest.fixture(scope="module", params=["as we are", "as an ordinary user"])
def ask(request: pytest.FixtureRequest) -> Iterator[Asker]:
    """The server's part, once as root where the tests run as root, once as somebody else."""
    if request.param == "as we are":
        yield Asker()
    elif os.geteuid() != 0:
        pytest.skip("we are an ordinary user already: run it as root to try both")
    else:
        with ordinary_asker() as asker:
            yield asker


@pytest.fixture
def in_memory() -> Iterator[Path]:
    """A folder in memory where there can be one: what is synced there costs nothing."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as name:
        yield Path(name)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter, unlike pytest's."""
    with TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.fixture
def tpmail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Runs `tpmail --site SITE ...` and returns its status, output and errors."""

    def call(*arguments: str, typed: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", Piped(typed))
        status = run(["--site", str(tmp_path / "site"), *arguments])
        output, errors = capsys.readouterr()
        return status, output, errors

    return call


@pytest.fixture(scope="module")
def thrifty_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for all tests of a module whose budgets are soon spent."""
    with server_process(tmp_path_factory.mktemp("thrifty"), budget=SMALL_BUDGET) as server:
        yield server


@pytest.fixture
def thrifty(thrifty_server: ServerProcess) -> Iterator[ServerProcess]:
    """The module's server with small budgets, its log free of tracebacks after the test too."""
    yield thrifty_server
    thrifty_server.check_log()
