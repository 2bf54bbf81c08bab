"""The fixtures that several files of tests share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tpmailserver.cli.command import run

from .desks import Piped
from .process import Account, ServerProcess, server_process


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
