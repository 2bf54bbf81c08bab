"""The processes of this machine, as /proc tells of them (proc(5)), and how to end them.

The rule it guards: whoever is to be ended is stopped first, and all of them before the first one
dies, so that nobody is left to start another.
"""

import os
import signal
import time

LOOK_EVERY = 0.03
"""Seconds from one look at the processes to the next."""

_PAGE = os.sysconf("SC_PAGE_SIZE")


class Process:
    """A process as /proc/PID/stat tells of it (proc(5)), in octets."""

    __slots__ = ("lives", "parent", "pid", "resident", "session", "threads")

    def __init__(self, pid: int, stat: bytes) -> None:
        # The name, in brackets, may hold anything, brackets and blanks as well.
        fields = stat[stat.rindex(b")") + 2 :].split()
        self.pid = pid
        self.parent = int(fields[1])
        self.session = int(fields[3])
        self.threads = int(fields[17])
        self.resident = int(fields[21]) * _PAGE
        # One whose first thread has ended looks dead, while its other threads go on.
        self.lives = fields[0] not in (b"Z", b"X") or self.threads > 1


def processes() -> list[Process]:
    """Every process that lives now."""
    found = []
    for name in filter(str.isdecimal, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", "rb", buffering=0) as stat:
                process = Process(int(name), stat.read())
        except OSError:  # it ended meanwhile
            continue
        if process.lives:
            found.append(process)
    return found


def descendants(ancestor: int) -> list[Process]:
    """What lives below a process, in any session."""
    children: dict[int, list[Process]] = {}
    for process in processes():
        children.setdefault(process.parent, []).append(process)
    found: list[Process] = []
    waiting = [ancestor]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += [each.pid for each in below]
    return found


def end_session(session: int) -> None:
    """Ends every process of a session whose leader was killed before it could end them."""
    while found := [each.pid for each in processes() if each.session == session]:
        send_all(found, signal.SIGKILL)
        time.sleep(LOOK_EVERY)


def send_all(pids: list[int], number: int) -> None:
    """Sends a signal to processes, and by a negative number to a group of them."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:  # it ended meanwhile
            continue


def stop_all_below(ancestor: int) -> list[int]:
    """Stops everything below a process, so that nothing of it can start more; who that is."""
    stopped: set[int] = set()
    while fresh := {each.pid for each in descendants(ancestor)} - stopped:
        send_all([*fresh], signal.SIGSTOP)
        stopped |= fresh
    return [*stopped]


def tasks_of(uid: int) -> int:
    """How many threads the processes of a user have now."""
    count = 0
    for process in processes():
        try:
            if os.stat(f"/proc/{process.pid}").st_uid == uid:
                count += process.threads
        except OSError:  # it ended meanwhile
            continue
    return count
