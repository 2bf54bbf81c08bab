"""The threads of hooks: bounded in number and time, and in nobody's way when the server stops."""

import signal
import subprocess
import sys
import time
from threading import Event

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from tpmailserver.delivery.answers import HookFailed
from tpmailserver.delivery.threads import HOOKS_AT_ONCE, Inline, apart
from tpmailserver.net.threads import ReactorThreads

from .bare import at_once
from .faults import PATIENCE, ROOT, until
from .hook_server import running


@pytest_twisted.ensureDeferred
async def test_the_work_is_done_and_its_result_is_had() -> None:
    threads = ReactorThreads(reactor)
    assert await threads.hook(5, divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await threads.hook(5, divmod, 7, 0)


@pytest_twisted.ensureDeferred
async def test_work_that_takes_too_long_is_left() -> None:
    threads = ReactorThreads(reactor)
    go = Event()
    with pytest.raises(TimeoutError):
        await threads.hook(0.05, go.wait)
    go.set()
    assert await threads.hook(5, divmod, 7, 2) == (3, 1)


@pytest_twisted.ensureDeferred
async def test_what_hangs_keeps_its_place_until_it_ends() -> None:
    threads = ReactorThreads(reactor)
    go = Event()
    hung = [Deferred.fromCoroutine(threads.hook(0.05, go.wait)) for _ in range(HOOKS_AT_ONCE)]
    for each in hung:
        with pytest.raises(TimeoutError):
            await each
    with pytest.raises(HookFailed, match="16 hooks are at work, and none got done in time"):
        await threads.hook(0.05, divmod, 7, 2)
    waiting = Deferred.fromCoroutine(threads.hook(PATIENCE, divmod, 7, 2))
    go.set()
    assert await waiting == (3, 1)


@pytest_twisted.ensureDeferred
async def test_as_many_at_once_as_there_are_places() -> None:
    threads = ReactorThreads(reactor)
    at_work: list[int] = []
    most: list[int] = []

    def work(number: int) -> int:
        at_work.append(number)
        most.append(len(at_work))
        time.sleep(0.01)
        at_work.remove(number)
        return number

    asked = [Deferred.fromCoroutine(threads.hook(PATIENCE, work, each)) for each in range(50)]
    assert [await each for each in asked] == list(range(50))
    assert 1 < max(most) <= HOOKS_AT_ONCE


@pytest_twisted.ensureDeferred
async def test_hooks_that_hang_hold_up_no_disk_and_no_stop() -> None:
    threads = ReactorThreads(reactor)
    go = Event()
    hung = [Deferred.fromCoroutine(threads.hook(30, go.wait)) for _ in range(HOOKS_AT_ONCE)]
    assert await threads.disk(divmod, 7, 2) == (3, 1)
    threads.stop()
    go.set()
    assert [await each for each in hung] == [True] * HOOKS_AT_ONCE


def test_inline_keeps_the_time_too() -> None:
    go = Event()
    with pytest.raises(TimeoutError):
        at_once(Inline().hook(0.05, go.wait))
    go.set()
    assert at_once(Inline().hook(5, divmod, 7, 2)) == (3, 1)
    assert at_once(Inline().disk(divmod, 7, 2)) == (3, 1)
    assert at_once(Inline().hashing(divmod, 7, 2)) == (3, 1)
    before = time.monotonic()
    at_once(Inline().pause(0.02))
    assert time.monotonic() - before >= 0.02


def test_what_is_raised_apart_is_raised_where_it_is_asked_for() -> None:
    def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        apart(leave).result(5)


SERVER = """
import sys, time
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from tests.hook_server import post
from tpmailserver.delivery.hooks import run
from tpmailserver.delivery.programs import Program
from tpmailserver.net.threads import ReactorThreads
from tpmailserver.settings import Hook

class Spinning:
    def expand(self, post):
        while True:
            pass

class Sleeping:
    def expand(self, post):
        print("asleep", flush=True)
        time.sleep(1000)

def serve():
    program = Program(Hook("td1", ("/bin/sh", "-c", sys.argv[1]), seconds=1000))
    for expander in (Spinning(), Sleeping(), program):
        Deferred.fromCoroutine(run(expander, post(), threads, 1000))

threads = ReactorThreads(reactor)
reactor.addSystemEventTrigger("before", "shutdown", threads.stop)
reactor.callWhenRunning(serve)
reactor.run()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_server_stops_while_hooks_are_at_work(number: signal.Signals) -> None:
    """No thread holds it, and of a program nothing is left."""
    sleep = f"/bin/sleep 2000.{time.monotonic_ns()}"
    script = f"trap '' TERM INT HUP; (setsid {sleep} &); {sleep}"
    command = [sys.executable, "-c", SERVER, script]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as server:
        assert server.stdout
        assert server.stdout.readline() == b"asleep\n"
        until(lambda: len(running(sleep)) == 2)
        server.send_signal(number)
        try:
            server.wait(PATIENCE)
        finally:
            server.kill()
    until(lambda: not running(sleep))
