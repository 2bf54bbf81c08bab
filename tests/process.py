"""A server in a process of its own, shared by the tests of a module, with fresh accounts for each.

The rule it guards: no test sees the mail of another, and nothing that a client does leaves a
traceback in the server's log.
"""

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM

from .faults import DOMAIN, Server, serving, site_for

HOST = "127.0.0.1"
PATIENCE = 20.0
SMALL_BUDGET = 20

_ACCOUNTS = tuple(f"22{number:06}" for number in range(1, 501))
_STAMPED_LINES = 4  # Return-Path and the three lines of Received


@dataclass(frozen=True, slots=True)
class Account:
    """A student's account; the password is the number."""

    number: str
    maildir: Path

    @property
    def address(self) -> str:
        return f"{self.number}@{DOMAIN}"

    def stored(self) -> list[bytes]:
        """The messages on disk in the order in which they came, stamps and all."""
        return [each.read_bytes() for each in sorted(self._files(), key=lambda each: each.name)]

    def count(self) -> int:
        """How many messages are on disk, while others come and go."""
        return len(self._files())

    def mail(self) -> list[bytes]:
        """The messages on disk as they were sent: without the server's stamps."""
        return [each.split(b"\n", _STAMPED_LINES)[_STAMPED_LINES] for each in self.stored()]

    def _files(self) -> list[Path]:
        return [each for folder in ("new", "cur") for each in (self.maildir / folder).glob("*")]


class ServerProcess:
    """`twistd tpmail` on a scratch site, on ports of the system's choice."""

    def __init__(self, server: Server) -> None:
        self.smtp = server.smtp
        self.pop3 = server.pop3
        self._server = server
        self._numbers = iter(_ACCOUNTS)

    @property
    def log(self) -> str:
        """All that the server has said so far."""
        return self._server.log

    @property
    def site(self) -> Path:
        """The folder of its site."""
        return self._server.site

    def new_account(self) -> Account:
        """An account that no other test has, and so an empty mailbox."""
        number = next(self._numbers)
        return Account(number, self.site / "maildirs" / number)

    def deliver(self, account: Account, *messages: bytes) -> None:
        """Puts messages into a mailbox the usual way; their line ends become CRLF."""
        self.post(account, account, *messages)

    def post(self, sender: Account, recipient: Account, *messages: bytes) -> None:
        """Sends messages from one account to another; their line ends become CRLF."""
        with smtplib.SMTP(HOST, self.smtp, "mypc", PATIENCE) as client:
            for message in messages:
                octets = message.replace(b"\n", b"\r\n")
                client.sendmail(sender.address, recipient.address, octets)

    def check_log(self) -> None:
        """Fails where the server has met a bug."""
        for word in ("Traceback", "Unhandled"):
            assert word not in self.log, self.log


@contextmanager
def server_process(folder: Path, **limits: float) -> Iterator[ServerProcess]:
    """Runs a server while a `with` block lasts, and ends it as an administrator does."""
    site = site_for(folder / "site", _ACCOUNTS, **{"failed_login_delay": 0.05} | limits)
    with serving(site) as server:
        running = ServerProcess(server)
        yield running
        # twistd cleans up, then ends by the signal that it was sent.
        assert server.stop() == -SIGTERM, server.log
        running.check_log()
