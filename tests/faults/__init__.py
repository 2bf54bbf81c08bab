"""A real server in a process of its own, a peer that talks to it by hand, and sites to serve.

The tests of durability, isolation and bounds kill, starve and trace the server: only a process
shows what is left of it then.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import psutil

from tpmailserver.settings import Settings
from tpmailserver.site import open_site

ROOT = Path(__file__).parent.parent.parent
DOMAIN = Settings().domain
ANYWHERE = "tcp:0:interface=127.0.0.1"
PATIENCE = 30.0
IS_LONG = "TPMAIL_LONG" in os.environ
"""Whether the tests of this package may take minutes, as in `make faults`."""

_PORT = re.compile(r"(SMTP|POP3) on \S+ port (\d+)")


def site_for(folder: Path, accounts: Sequence[str], *top: str, **limits: float) -> Path:
    """A site with accounts and, in its tpmail.toml, the lines `top` and small limits."""
    open_site(folder, Settings()).stores.database.add(accounts, "td1", 0.0)
    lines = [*top, "[limits]", *(f"{name} = {value}" for name, value in limits.items())]
    (folder / "tpmail.toml").write_text("\n".join(lines) + "\n")
    return folder


class Server:
    """`twistd tpmail` on a site, its log in a file beside it; ports of the system's choice."""

    def __init__(
        self,
        site: Path,
        *options: str,
        before: Sequence[str] = (),
        twistd: Sequence[str] = ("--pidfile=",),
        umask: int = -1,
    ) -> None:
        self.site = site
        self._log = site.with_name(site.name + ".log")
        self._ports: dict[str, str] = {}
        ports = () if options else ("--smtp", ANYWHERE, "--pop3", ANYWHERE)
        command = [*before, sys.executable, "-c", "from twisted.scripts.twistd import run; run()"]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "-n", *twistd, "tpmail", "--site", str(site), *ports, *options],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=site.parent,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                umask=umask,
            )

    @property
    def log(self) -> str:
        """All that the server has said so far, standard error with it."""
        return self._log.read_text("utf-8", "surrogateescape")

    @property
    def smtp(self) -> int:
        return self._port("SMTP")

    @property
    def pop3(self) -> int:
        return self._port("POP3")

    @property
    def pid(self) -> int:
        """The server's own process, which `before` may have started."""
        return int((self.site / "locks" / ".server").read_text())

    def wait_until_serving(self) -> Self:
        until(lambda: "] serving " in self.log or self.process.poll() is not None)
        assert self.process.poll() is None, self.log
        return self

    @contextmanager
    def growing_at_most(self, mebibytes: int) -> Iterator[None]:
        """Holds the peak of what is resident in a `with` block to so much more than before."""
        process = Path("/proc") / str(self.pid)
        (process / "clear_refs").write_text("5")  # forgets the peak so far: proc(5)
        before = _peak(process)
        yield
        grown = (_peak(process) - before) // 1024
        assert grown <= mebibytes, f"memory grew by {grown} MiB"

    @contextmanager
    def working_at_most(self, seconds: float) -> Iterator[None]:
        """Holds the processor time that a `with` block costs the server."""
        process = psutil.Process(self.pid)
        before = sum(process.cpu_times()[:2])
        yield
        worked = sum(process.cpu_times()[:2]) - before
        assert worked <= seconds, f"the server worked for {worked:.1f} s"

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def ended(self) -> int:
        """Waits for the end; the exit status."""
        return self.process.wait(PATIENCE)

    def stop(self) -> int:
        self.signal(signal.SIGTERM)
        return self.ended()

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.ended()

    def _port(self, protocol: str) -> int:
        # Asked once: the log of the next server on this site takes the place of this one.
        if protocol not in self._ports:
            self._ports = dict(_PORT.findall(self.log))
        return int(self._ports[protocol])


def _peak(process: Path) -> int:
    """VmHWM in KiB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", (process / "status").read_text())
    assert found
    return int(found[1])


@contextmanager
def serving(
    site: Path, *options: str, before: Sequence[str] = (), umask: int = -1
) -> Iterator[Server]:
    """Serves a site while a `with` block lasts."""
    server = Server(site, *options, before=before, umask=umask)
    try:
        yield server.wait_until_serving()
    finally:
        if server.process.poll() is None:
            server.kill()


class Peer:
    """A client that sends what it is told and hears lines."""

    def __init__(self, port: int, source: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE, (source, 0))
        self._reading = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, octets: bytes) -> None:
        self.socket.sendall(octets)

    def reply(self) -> str:
        """A reply without its line end, of several lines the last; "" after the close."""
        while True:
            line = self._line()
            if line[3:4] != "-":
                return line

    def replies(self, count: int) -> list[str]:
        return [self.reply() for _ in range(count)]

    def say(self, text: str | bytes) -> str:
        """Sends a line; the server's reply."""
        octets = text.encode() if isinstance(text, str) else text
        self.send(octets + b"\r\n")
        return self.reply()

    def text(self) -> bytes:
        """The rest of a multi-line response of POP3, as it comes, without its final dot."""
        lines = []
        while (line := self._reading.readline()) != b".\r\n":
            assert line.endswith(b"\r\n"), line
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)

    def heard(self) -> bytes:
        """One line as it comes, what is no line of text before it included."""
        return self._reading.readline()

    def rest(self) -> bytes:
        """All that comes until the server closes."""
        with self._reading as reading:
            try:
                return reading.read()
            except ConnectionResetError:
                return b""

    def half_close(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._reading.close()
        self.socket.close()

    def _line(self) -> str:
        line = self._reading.readline()
        assert not line or line.endswith(b"\r\n"), line
        return line.removesuffix(b"\r\n").decode("ascii")


def smtp(port: int, source: str = "127.0.0.1") -> Peer:
    """A peer that has been greeted by the SMTP server."""
    peer = Peer(port, source)
    assert peer.reply().startswith("220 "), "no greeting"
    assert peer.say("EHLO peer").startswith("250 ")
    return peer


def pop3(port: int, number: str, source: str = "127.0.0.1") -> Peer:
    """A peer that has opened a maildrop."""
    peer = Peer(port, source)
    assert peer.reply().startswith("+OK")
    assert peer.say(f"USER {number}").startswith("+OK")
    opened = peer.say(f"PASS {number}")
    assert opened.startswith("+OK"), opened
    return peer


def address(number: str) -> str:
    return f"<{number}@{DOMAIN}>"


def begin_mail(peer: Peer, recipients: Sequence[str], sender: str = "22000001") -> None:
    """As far as 354."""
    said = peer.say(f"MAIL FROM:{address(sender)}")
    assert said.startswith("250 "), said
    for number in recipients:
        said = peer.say(f"RCPT TO:{address(number)}")
        assert said.startswith("250 "), said
    said = peer.say("DATA")
    assert said.startswith("354 "), said


def mail(peer: Peer, recipients: Sequence[str], content: bytes, sender: str = "22000001") -> str:
    """Sends a message of whole CRLF lines, none of which begins with a dot; the last reply."""
    begin_mail(peer, recipients, sender)
    peer.send(content + b".\r\n")
    return peer.reply()


def until(condition: object, patience: float = PATIENCE) -> None:
    """Waits until a condition holds."""
    gives_up = time.monotonic() + patience
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < gives_up, "it did not happen"
        time.sleep(0.01)
