"""Those who work without a pause while something is broken; each notes what it is promised.

A refusal is an answer and is counted; a connection that ends is the end of the work, or is made
again where the server is one that comes back.
"""

import poplib
import random
import smtplib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from tpmailserver.admin.desk import NotDone
from tpmailserver.control.client import NoServer, ask
from tpmailserver.control.wording import Request

from . import DOMAIN, PATIENCE, Server
from .ledger import Ledger, log_in, own_part

_EVERYBODY = {"who": {"everybody": True}}

Work = Callable[[Event], None]
"""Goes on until the event is set or the server is gone."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends one message after the other on one connection."""

    server: Server
    ledger: Ledger
    chance: random.Random
    recipients: int = 1
    octets: int = 1000
    mailing_list: str = ""
    """Where mail goes to a list, of which every mailbox of the ledger is a member."""

    def __call__(self, over: Event) -> None:
        with suppress(smtplib.SMTPServerDisconnected, ConnectionError, TimeoutError):
            client = smtplib.SMTP("127.0.0.1", self.server.smtp, "pc", timeout=PATIENCE)
            while not over.is_set():
                self.send(client)
            client.quit()

    def send(self, client: smtplib.SMTP) -> None:
        """Sends one message."""
        mailboxes = self.ledger.mailboxes
        if not self.mailing_list:
            mailboxes = self.chance.sample(list(mailboxes), self.recipients)
        letter = self.ledger.letter(self.chance, self.octets, mailboxes)
        addressed = [self.mailing_list] if self.mailing_list else mailboxes
        try:
            refused = client.sendmail(
                f"{mailboxes[0]}@{DOMAIN}",
                [f"{each}@{DOMAIN}" for each in addressed],
                letter.content,
            )
        except smtplib.SMTPServerDisconnected:
            raise
        except smtplib.SMTPRecipientsRefused as refusal:
            self.ledger.refused.update(str(code) for code, _ in refusal.recipients.values())
        except smtplib.SMTPResponseException as refusal:
            self.ledger.refused[str(refusal.smtp_code)] += 1
        else:
            self.ledger.refused.update(str(code) for code, _ in refused.values())
            self.ledger.promised(
                letter, [each for each in mailboxes if f"{each}@{DOMAIN}" not in refused]
            )


@dataclass(frozen=True, slots=True)
class Tidy:
    """Fetches the mail of one mailbox after the other, and removes every second one."""

    server: Server
    ledger: Ledger
    mailboxes: Sequence[str]

    def __call__(self, over: Event) -> None:
        with suppress(ConnectionError, TimeoutError):
            while not over.is_set():
                for number in self.mailboxes:
                    self.remove_some(number)

    def remove_some(self, number: str) -> None:
        """One session; a maildrop that a reset has taken away is left alone."""
        marked = set()
        try:
            client = log_in(self.server, number)
            for line in client.uidl()[1][:20:2]:
                at = int(line.split()[0])
                marked.add((number, own_part(client.retr(at)[1])[0]))
                client.dele(at)
        except (poplib.error_proto, EOFError):
            return
        self.ledger.perhaps_removed |= marked
        with suppress(poplib.error_proto, EOFError):
            client.quit()  # raises unless it is answered +OK
            self.ledger.removed |= marked


@dataclass(frozen=True, slots=True)
class Resetter:
    """An instructor who empties every mailbox, and takes it back."""

    site: Path

    def __call__(self, over: Event) -> None:
        with suppress(NotDone, NoServer, OSError):
            while not over.wait(0.05):
                ask(self.site, Request("reset", _EVERYBODY))
                ask(self.site, Request("undo", {}))


def undo_all(site: Path) -> None:
    """Takes back every reset that a running server knows of."""
    while True:
        try:
            ask(site, Request("undo", {}))
        except NotDone as refusal:
            if not str(refusal).startswith("there is nothing to undo"):
                raise
            return


@contextmanager
def at_work(*workers: Work) -> Iterator[None]:
    """Everybody works while a `with` block lasts, and a bug in one of them is one of the test."""
    over = Event()
    bugs: list[BaseException] = []

    def go(worker: Work) -> None:
        try:
            worker(over)
        except BaseException as bug:  # noqa: BLE001 - a thread's error is shown by no one else
            bugs.append(bug)

    threads = [Thread(target=go, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
        if bugs:
            raise bugs[0]


def again(worker: Work) -> Work:
    """The same, but whoever loses the server connects again."""

    def work(over: Event) -> None:
        while not over.is_set():
            worker(over)
            time.sleep(0.02)

    return work
