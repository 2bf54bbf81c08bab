"""Runs the program of a hook within its bounds, and ends all that came of it.

The rule it guards: nothing of a program outlives it. What it left running, what it hid in a
session of its own, what ignores every signal that can be ignored: when the program ends, when a
bound is reached, when the server is gone, the whole tree is ended, and only then is it told how.

It is a process of its own, between the server and the program, because only so every orphan of the
program becomes its child (prctl(2), PR_SET_CHILD_SUBREAPER). As root it stays root, so that the
program, which does not, cannot reach it. Every hook pays for its start: hence no import that is
not needed, and no dataclass.
"""

import ctypes
import os
import resource
import select
import signal
import time

from .processes import LOOK_EVERY, descendants, send_all, stop_all_below, tasks_of

ERROR_KEPT = 4096  # octets of standard error

# As many threads may a process have, taken all together; see _prepare.
_THREADS_EACH = 8
_OPEN_FILES = 256
_FILE_SIZE = 64 * 1024 * 1024
_PIECE = 64 * 1024

# <linux/prctl.h>
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38

_prctl = ctypes.CDLL(None, use_errno=True).prctl

# What Python ignores from its start, and what is ignored here: the server's end is our signal.
_IGNORED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


class Order:
    """What the server asks for: the words of its command line, in this order."""

    def __init__(self, words: list[str]) -> None:
        self.report = int(words[0])  # the open pipe on which the server hears how it ended
        self.seconds = float(words[1])
        self.memory = int(words[2])
        self.output = int(words[3])
        self.processes = int(words[4])
        self.user = [int(each) for each in words[5].split(",") if each]  # uid, gid, other groups
        self.program = words[6:]


class Supervisor:
    """One program, its output, and the watch over it."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._output = bytearray()
        self._errors = bytearray()
        self._status = int(signal.SIGKILL)  # until it is waited for
        self._gives_up = time.monotonic() + order.seconds
        self._looks = time.monotonic() + LOOK_EVERY
        self._program, self._output_fd, self._errors_fd = _start(order)

    def run(self) -> tuple[str, int]:
        """Waits for the end, makes it whole, and says what it was: a word and its number."""
        try:
            how = self._watch()
        finally:
            self._end()
        for fd in (self._output_fd, self._errors_fd):
            self._drain(fd)
        if len(self._output) > self._order.output:
            return "output", 0
        code = os.waitstatus_to_exitcode(self._status)
        if how != "ended":
            return how, 0
        return ("exited", code) if code >= 0 else ("killed", -code)

    def report(self, how: str, number: int) -> bytes:
        """What the server is told: a line, standard error and standard output."""
        head = f"{how} {number} {len(self._errors)}\n"
        return b"".join((head.encode(), self._errors, self._output))

    def _watch(self) -> str:
        poll = select.poll()
        poll.register(self._order.report, 0)  # its POLLERR says that nobody reads any more
        ended = os.pidfd_open(self._program)
        for fd in (ended, self._output_fd, self._errors_fd):
            poll.register(fd, select.POLLIN)
        while True:
            for fd, _ in poll.poll(LOOK_EVERY * 1000):
                if fd == self._order.report:
                    return "abandoned"
                if fd == ended:
                    return "ended"
                if not self._read(fd):
                    poll.unregister(fd)
            reached = self._bound_reached()
            if reached:
                return reached

    def _bound_reached(self) -> str:
        now = time.monotonic()
        if len(self._output) > self._order.output:
            return "output"
        if now > self._gives_up:
            return "late"
        if now < self._looks:
            return ""
        found = descendants(os.getpid())
        # Where there are thousands of processes, a look takes its time.
        self._looks = now + max(LOOK_EVERY, 4 * (time.monotonic() - now))
        if len(found) > self._order.processes:
            return "processes"
        if sum(each.resident for each in found) > self._order.memory:
            return "memory"
        return ""

    def _read(self, fd: int) -> bool:
        """Takes what a pipe has; False at its end."""
        piece = os.read(fd, _PIECE)
        if fd == self._output_fd:
            self._output += piece
        else:
            self._errors += piece[: ERROR_KEPT - len(self._errors)]
        return bool(piece)

    def _drain(self, fd: int) -> None:
        """Takes what was written before the end."""
        os.set_blocking(fd, False)
        try:
            while len(self._output) <= self._order.output and self._read(fd):
                pass
        except BlockingIOError:  # something else, not below us, was given this pipe
            pass

    def _end(self) -> None:
        """Ends the program and everything below it."""
        # Its group in one stroke, whatever is forking in there. The program was not waited for yet,
        # so the number is still its own.
        send_all([-self._program], signal.SIGKILL)
        while True:
            found = stop_all_below(os.getpid())
            send_all(found, signal.SIGKILL)
            # Nothing is waited for while something lives: the dead count for RLIMIT_NPROC, and so
            # a program that flees from process to process soon has none left to flee to.
            if not found and self._wait_for_all():
                return
            time.sleep(LOOK_EVERY / 10)

    def _wait_for_all(self) -> bool:
        """Waits for what is dead; True when there is no child left, not even a living one."""
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == self._program:
                    self._status = status
                if pid == 0:
                    return False
        except ChildProcessError:
            return True


def _start(order: Order) -> tuple[int, int, int]:
    """Starts the program: its process, and the pipes of its output and errors."""
    output_fd, output_end = os.pipe()
    errors_fd, errors_end = os.pipe()
    failure_fd, failure_end = os.pipe()
    supervisor = os.getpid()
    tasks = tasks_of(order.user[0] if order.user else os.getuid())
    pid = os.fork()
    if pid == 0:
        try:
            os.dup2(output_end, 1)
            os.dup2(errors_end, 2)
            _prepare(order, tasks)
            # Should the supervisor be killed by somebody, the program goes with it.
            _call_prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() == supervisor:
                os.execve(order.program[0], order.program, os.environ)
        except OSError as error:
            os.write(failure_end, str(error.errno).encode())
        finally:
            os._exit(127)
    for fd in (output_end, errors_end, failure_end):
        os.close(fd)
    failure = os.read(failure_fd, 16)  # the pipe closes when the program is there
    os.close(failure_fd)
    if failure:
        os.waitpid(pid, 0)
        raise OSError(int(failure), "the program cannot be started")
    return pid, output_fd, errors_fd


def _prepare(order: Order, tasks: int) -> None:
    """Turns the process that becomes the program into what the program shall find."""
    os.setpgid(0, 0)
    os.umask(0o077)
    os.chdir("/")
    for number in (*_IGNORED, *_IGNORED_BY_PYTHON):
        signal.signal(number, signal.SIG_DFL)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, int(order.seconds) + 1)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    _limit(resource.RLIMIT_FSIZE, _FILE_SIZE)
    # The kernel counts the threads of all processes of the user, here and elsewhere: this bound
    # only holds off a fork bomb between two looks, and those count exactly.
    _limit(resource.RLIMIT_NPROC, tasks + order.processes * _THREADS_EACH)
    if order.user:
        uid, gid, *groups = order.user
        os.setgroups(groups)
        os.setgid(gid)
        os.setuid(uid)
    # No sudo, no ping: what runs as root cannot be ended by us when we are not.
    _call_prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _limit(resource.RLIMIT_AS, order.memory)


def _limit(what: int, value: int) -> None:
    """Lowers a limit for good; where it is lower already it stays."""
    _, highest = resource.getrlimit(what)
    value = value if highest == resource.RLIM_INFINITY else min(value, highest)
    resource.setrlimit(what, (value, value))


def _call_prctl(option: int, value: int) -> None:
    if _prctl(option, *(ctypes.c_ulong(each) for each in (value, 0, 0, 0))) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def main(words: list[str]) -> None:
    """Runs what the server has ordered and reports how it ended."""
    order = Order(words)
    os.set_inheritable(order.report, False)
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    # Ignored by whoever started the server, it would let no exit status through: wait(2).
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _call_prctl(_PR_SET_CHILD_SUBREAPER, 1)
    # A program that runs as the same user must not find our open pipe by /proc/PID/fd.
    _call_prctl(_PR_SET_DUMPABLE, 0)
    try:
        supervisor = Supervisor(order)
        report = supervisor.report(*supervisor.run())
    except OSError as error:
        report = b"failed %d 0\n" % (error.errno or 0)
    # Where the server is gone this fails, and nobody is left to see it.
    with open(order.report, "wb") as pipe:
        pipe.write(report)
