"""Killed in the middle of its work, the server has kept every promise that it made.

A `250` after the final dot means in every recipient's mailbox, exactly as sent; a `+OK` to QUIT
means removed for good; and nothing else is ever seen: no half message, no second copy, no other
unique-id. Several clients work without a pause, the server is killed at a moment of chance and
started again, several times on the same site.
"""

import poplib
import random
import smtplib
import time
from base64 import encodebytes
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from threading import Thread

from .faults import DOMAIN, Peer, Server, pop3, serving, site_for, until

STUDENTS = tuple(f"220000{number:02}" for number in range(1, 13))
TIDY, HESITANT = "22000021", "22000022"
ACCOUNTS = (*STUDENTS, TIDY, HESITANT)
ROUNDS = 3
STAMP_LINES = 4  # Return-Path and Received
KILLED_AFTER = (0.3, 1.2)  # seconds of work


@dataclass
class Ledger:
    """What was promised; messages by their Message-ID."""

    sent: dict[str, bytes] = field(default_factory=dict)
    acknowledged: dict[str, tuple[str, ...]] = field(default_factory=dict)
    removed: dict[str, str] = field(default_factory=dict)
    """Removals that were acknowledged: unique-id to Message-ID."""
    perhaps_removed: dict[str, str] = field(default_factory=dict)
    """Those of a QUIT that the kill left without an answer."""
    seen: dict[str, dict[str, str]] = field(default_factory=dict)
    """What each mailbox held after the last start: unique-id to Message-ID."""


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)  # shown when it fails
    chance = random.Random(seed)
    site = site_for(tmp_path / "site", ACCOUNTS, budget=0, mailbox_messages=0)
    ledger = Ledger()
    for _ in range(ROUNDS):
        with serving(site) as server:
            check(server, ledger)
            before = len(ledger.acknowledged)
            work_until_killed(server, ledger, chance)
            assert len(ledger.acknowledged) > before, "nothing was acknowledged in this round"
            assert "Traceback" not in server.log
    with serving(site) as server:
        check(server, ledger)
    assert ledger.removed, "nothing was ever removed"
    assert len(ledger.sent) > len(ledger.acknowledged), "no kill ever came in the middle"


def work_until_killed(server: Server, ledger: Ledger, chance: random.Random) -> None:
    marked = mark_without_quit(server)
    students = len(STUDENTS)
    clients = [Client(server, ledger, random.Random(chance.random())) for _ in range(6)]
    work = (
        *((Client.send, 1, 1_000), (Client.send, 1, 1_000), (Client.send, 3, 1_000)),
        *((Client.send, students, 20_000), (Client.send, 2, 200 * 1024), (Client.send_and_remove,)),
    )
    threads = [
        Thread(target=task, args=(client, *sizes))
        for client, (task, *sizes) in zip(clients, work, strict=True)
    ]
    for thread in threads:
        thread.start()
    time.sleep(chance.uniform(*KILLED_AFTER))
    server.kill()
    for thread in threads:
        thread.join()
    marked.close()


class Client:
    """Somebody who works without a pause until the server is gone."""

    def __init__(self, server: Server, ledger: Ledger, chance: random.Random) -> None:
        self._server = server
        self._ledger = ledger
        self._chance = chance
        self._smtp = smtplib.SMTP("127.0.0.1", server.smtp, timeout=20)

    def send(self, recipients: int, octets: int) -> None:
        """Sends one message after the other on one connection."""
        with suppress(smtplib.SMTPServerDisconnected, OSError):
            while True:
                self._send_one(self._chance.sample(STUDENTS, recipients), octets)

    def send_and_remove(self) -> None:
        """Fills a mailbox and empties it by half, again and again."""
        with suppress(smtplib.SMTPServerDisconnected, OSError, poplib.error_proto):
            while True:
                for _ in range(4):
                    self._send_one([TIDY], 500)
                self._remove_some()

    def _send_one(self, recipients: list[str], octets: int) -> None:
        body = encodebytes(self._chance.randbytes(octets)).replace(b"\n", b"\r\n")
        identity = sha256(body).hexdigest()
        head = b"Message-ID: " + identity.encode() + b"\r\n\r\n"
        # Lines that begin with a dot, one of them in the end, where a cut message has none.
        message = head + b".\r\n.." + body + b".end\r\n"
        self._ledger.sent[identity] = message
        self._smtp.sendmail(address(STUDENTS[0]), list(map(address, recipients)), message)
        self._ledger.acknowledged[identity] = tuple(recipients)

    def _remove_some(self) -> None:
        client = log_in(self._server, TIDY)
        marked = {}
        for line in client.uidl()[1][::2]:
            number, uidl = line.decode().split()
            marked[uidl] = identity_of(client.top(int(number), 0)[1])
            client.dele(int(number))
        self._ledger.perhaps_removed |= marked
        client.quit()  # raises unless it is answered +OK
        self._ledger.removed |= marked


def mark_without_quit(server: Server) -> Peer:
    """A session with a deletion pending, which is open when the kill comes."""
    with smtplib.SMTP("127.0.0.1", server.smtp, timeout=20) as client:
        client.sendmail(address(HESITANT), address(HESITANT), b"Message-ID: kept\r\n\r\n")
    session = pop3(server.pop3, HESITANT)
    assert session.say("DELE 1").startswith("+OK")
    return session


def check(server: Server, ledger: Ledger) -> None:
    """Reads every mailbox, and compares it with what was promised and with what was there."""
    removable = ledger.removed | ledger.perhaps_removed
    for account in ACCOUNTS:
        found = read(server, account, ledger)
        expected = {
            identity
            for identity, recipients in ledger.acknowledged.items()
            if account in recipients and identity not in removable.values()
        }
        missing = expected.difference(found.values())
        assert not missing, f"{account} has lost {len(missing)} messages"
        for uidl, identity in ledger.seen.get(account, {}).items():
            assert found.get(uidl) == identity or uidl in removable, f"{account}: {uidl} is gone"
        assert not ledger.removed.keys() & found.keys(), "what was removed has come back"
        ledger.seen[account] = found


def read(server: Server, account: str, ledger: Ledger) -> dict[str, str]:
    """Unique-id to Message-ID of a mailbox, where every message is exactly as it was sent."""
    client = log_in(server, account)
    found: dict[str, str] = {}
    for line in client.uidl()[1]:
        number, uidl = line.decode().split()
        lines = client.retr(int(number))[1]
        identity = found[uidl] = identity_of(lines)
        if account != HESITANT:
            received = b"".join(each + b"\r\n" for each in lines[STAMP_LINES:])
            assert received == ledger.sent[identity], f"{account}: {uidl} is not what was sent"
    if account != HESITANT:
        assert len(set(found.values())) == len(found), f"{account} has a message twice"
    client.quit()
    return found


def log_in(server: Server, account: str) -> poplib.POP3:
    client = poplib.POP3("127.0.0.1", server.pop3, timeout=20)
    client.user(account)
    client.pass_(account)
    return client


def identity_of(lines: list[bytes]) -> str:
    return lines[STAMP_LINES].decode().removeprefix("Message-ID: ")


def address(number: str) -> str:
    return f"{number}@{DOMAIN}"


def test_it_starts_on_what_a_kill_left(tmp_path: Path) -> None:
    """Locks, the control socket and half a message in the spool are in nobody's way."""
    site = site_for(tmp_path / "site", STUDENTS)
    with serving(site) as server:
        client = pop3(server.pop3, STUDENTS[0])
        with smtplib.SMTP("127.0.0.1", server.smtp) as sender:
            sender.ehlo("pc")
            sender.mail(address(STUDENTS[1]))
            sender.rcpt(address(STUDENTS[0]))
            sender.putcmd("DATA")
            sender.getreply()
            sender.send(b"Subject: half\r\n\r\n" + b"x" * 300_000)
            until(lambda: any((site / "spool").iterdir()))
            server.kill()
            sender.close()
        client.close()
    assert any((site / "spool").iterdir())
    assert (site / "control.socket").exists()
    assert (site / "locks" / STUDENTS[0]).exists()
    with serving(site) as server, pop3(server.pop3, STUDENTS[0]) as client:
        assert client.say("STAT") == "+OK 0 0"
