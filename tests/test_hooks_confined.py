"""The bounds of a program, and its end: nothing of it is left, whatever it does."""

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psutil
import pytest

from .faults import until
from .hook_server import Asker, ordinary_asker, program_at, running

_numbers = count(os.getpid() * 1000)


@pytest.fixture
def sleep() -> Iterator[str]:
    """A command that sleeps for long, unlike any other; none is left of it after the test."""
    command = f"/bin/sleep 1000.{next(_numbers)}"
    yield command
    assert not running(command)


# Its time.


def test_a_program_that_takes_too_long(ask: Asker, sleep: str) -> None:
    assert ask.sh(f"echo busy >&2; {sleep}", seconds=0.3) == {
        "failed": "/bin/sh was not done after 0.3 s: busy"
    }


def test_a_program_that_ignores_every_signal_it_can(ask: Asker, sleep: str) -> None:
    script = f"trap '' TERM INT HUP QUIT XCPU USR1; {sleep} & {sleep}"
    assert "was not done" in ask.sh(script, seconds=0.3)["failed"]


def test_a_program_that_has_stopped_itself(ask: Asker) -> None:
    assert "was not done" in ask.sh("kill -STOP $$", seconds=0.3)["failed"]


def test_a_program_that_lets_go_of_its_output_and_goes_on(ask: Asker, sleep: str) -> None:
    script = f"exec > /dev/null 2>&1; {sleep}"
    assert "was not done" in ask.sh(script, seconds=0.3)["failed"]


# What it leaves behind.


@pytest.mark.parametrize(
    "script",
    [
        "{} & echo 1",
        "setsid {} & echo 1",
        "setsid sh -c 'setsid {} & setsid {}' & sleep 0.1; echo 1",
        "(trap '' TERM HUP; {} > /dev/null 2>&1 < /dev/null &) & wait; echo 1",
    ],
    ids=["in the background", "in another session", "a daemon and its child", "orphaned"],
)
def test_what_it_left_running_is_ended(ask: Asker, sleep: str, script: str) -> None:
    assert ask.sh(script.replace("{}", sleep)) == {"recipients": ["1"]}
    until(lambda: not running(sleep))


def test_output_of_what_it_left_running_does_not_count(ask: Asker) -> None:
    assert ask.sh("(sleep 1; echo 2) & echo 1") == {"recipients": ["1"]}


# Its size.


def test_a_fork_bomb(ask: Asker, sleep: str) -> None:
    script = f"bomb() {{ bomb & bomb & {sleep}; }}; bomb"
    assert "failed" in ask.sh(script, seconds=2)


def test_a_fork_bomb_of_sessions(ask: Asker, sleep: str, open_folder: Path) -> None:
    script = f"#!/bin/sh\ntrap '' TERM HUP\nsetsid $0 &\nsetsid $0 &\n{sleep}\n"
    assert "failed" in ask(program_at(open_folder / "bomb", script), seconds=2)


def test_more_processes_than_it_may_have(ask: Asker, sleep: str) -> None:
    said = ask.sh(f"for each in 1 2 3 4; do {sleep} & done; wait", processes=3)
    assert said == {"failed": "/bin/sh ran more than 3 processes at once"}
    until(lambda: not running(sleep))


def test_output_without_end(ask: Asker) -> None:
    assert ask("/usr/bin/yes") == {"failed": "/usr/bin/yes printed more than 1,048,576 octets"}


def test_output_up_to_its_bound(ask: Asker) -> None:
    said = ask.sh("head -c 1000 /dev/zero | tr '\\0' a", output=1000)
    assert said == {"recipients": ["a" * 1000]}
    said = ask.sh("head -c 1001 /dev/zero | tr '\\0' a", output=1000)
    assert said == {"failed": "/bin/sh printed more than 1,000 octets"}


def test_errors_without_end_hold_nothing_up(ask: Asker) -> None:
    assert ask.sh("yes why | head -c 3000000 >&2; echo 1") == {"recipients": ["1"]}
    assert ask.sh("yes why | head -c 3000000 >&2; exit 1") == {"failed": "/bin/sh exited 1: why"}


def test_memory_of_one_process(ask: Asker) -> None:
    """dd asks for a buffer of 64 MiB at once."""
    script = "dd if=/dev/zero of=/dev/null bs=64M count=1"
    assert ask.sh(script) == {"recipients": []}
    assert "exited 1: dd: memory exhausted" in ask.sh(script, memory=32 << 20)["failed"]


def test_memory_of_all_processes_together(ask: Asker) -> None:
    script = "for each in 1 2 3; do dd if=/dev/zero bs=20M count=1 | sleep 5 & done; wait"
    said = ask.sh(script, memory=48 << 20, seconds=5)
    assert said == {"failed": "/bin/sh used more than 50,331,648 octets of memory"}


def test_the_limits_of_the_system(ask: Asker) -> None:
    script = "ulimit -c; ulimit -n; ulimit -f; ulimit -t; ulimit -H -c"
    said = ask.sh(script, seconds=3)
    assert said == {"recipients": ["0", "256", "131072", "4", "0"]}


# Its supervisor.


def test_it_cannot_tell_the_server_its_own_end(ask: Asker) -> None:
    script = "for pipe in /proc/$PPID/fd/*; do echo 'exited 0 0' > $pipe; done; exit 100"
    assert "declined" in ask.sh(f"({script}) 2> /dev/null; exit 100")


def test_it_gets_no_rights_by_a_program_that_gives_some(ask: Asker) -> None:
    said = ask.sh("grep NoNewPrivs /proc/self/status")
    assert said == {"recipients": ["NoNewPrivs:\t1"]}


def test_it_cannot_end_its_supervisor(ask: Asker, sleep: str) -> None:
    """As root it is another's; else the program goes down with it."""
    said = ask.sh(f"kill -KILL $PPID 2> /dev/null; {sleep} & {sleep}", seconds=0.3)
    assert said in (
        {"failed": "/bin/sh was not done after 0.3 s"},
        {"failed": "/bin/sh was cut off: its supervisor is gone"},
    )
    assert ("supervisor" in said["failed"]) == (ask.user != "root")
    until(lambda: not running(sleep))


def test_it_ends_with_a_server_that_is_killed(sleep: str) -> None:
    with ordinary_asker() as asker:
        asker.send("/bin/sh", "-c", f"trap '' TERM; setsid {sleep} & {sleep}")
        until(lambda: len(running(sleep)) == 2)
        asker.process.kill()
        until(lambda: not running(sleep))


def test_sigterm_to_everybody_leaves_nothing(sleep: str) -> None:
    """As systemd stops a service: every process of it gets the signal."""
    with ordinary_asker() as asker:
        asker.send("/bin/sh", "-c", f"trap '' TERM; (trap '' TERM; exec {sleep}) & {sleep}")
        until(lambda: len(running(sleep)) == 2)
        for process in psutil.Process(asker.process.pid).children(recursive=True):
            process.terminate()
        asker.process.terminate()
        until(lambda: not running(sleep))


def test_it_ends_with_a_supervisor_that_is_killed(sleep: str) -> None:
    with ordinary_asker() as asker:
        asker.send(*sleep.split())
        until(lambda: running(sleep))
        server = psutil.Process(asker.process.pid)
        server.suspend()  # it must not be the one who ends it
        server.children()[0].kill()
        until(lambda: not running(sleep))
        asker.process.kill()
