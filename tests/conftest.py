"""The fixtures that several files of tests share."""

from collections.abc import Iterator

import pytest

from .process import SMALL_BUDGET, Account, ServerProcess, server_process


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
