"""Killed in the middle of its work, the server has kept every promise that it made.

A `250` after the final dot means in every recipient's mailbox, exactly as sent; a `+OK` to QUIT
means removed for good; and nothing else is ever seen: no half message, no second copy, no other
unique-id. Senders, a list, readers who delete, and an instructor who resets everybody work without
a pause; the server is killed at a moment of chance and started again, many times on the same site.
"""

import random
import time
from pathlib import Path

from ..listing import lists_of
from . import IS_LONG, Peer, Server, begin_mail, mail, pop3, serving, site_for, smtp, until
from .clients import Resetter, Sender, Tidy, at_work, undo_all
from .conftest import Note
from .ledger import Ledger

STUDENTS = tuple(f"220000{number:02}" for number in range(1, 13))
HESITANT = "22000022"
ROUNDS = 60 if IS_LONG else 6
WORK_AT_MOST = 1.0  # seconds


def test_nothing_acknowledged_is_lost(tmp_path: Path, note: Note) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)  # shown when it fails
    chance = random.Random(seed)
    site = site_for(
        tmp_path / "site",
        (*STUDENTS, HESITANT),
        **{"budget": 0, "list_budget": 0, "list_breaker": 0, "mailbox_messages": 0},
        mailbox_size=0,
    )
    lists_of(site).put("cours", STUDENTS)
    ledger = Ledger(STUDENTS)
    for _ in range(ROUNDS):
        with serving(site) as server:
            undo_all(site)
            ledger.audit(server).check()
            work_until_killed(server, ledger, chance)
            assert "Traceback" not in server.log
    with serving(site) as server:
        undo_all(site)
        audit = ledger.audit(server, again=True)
        kept = pop3(server.pop3, HESITANT).say("STAT")
    note(
        {"kills": ROUNDS}
        | audit.figures()
        | {"acknowledged deletions": len(ledger.removed), "messages sent": len(ledger)}
    )
    audit.check()
    assert kept.startswith(f"+OK {ROUNDS} "), "what was marked without QUIT is gone"
    assert ledger.removed, "nothing was ever removed"
    assert len({identity for _, identity in ledger.acknowledged}) < len(ledger), (
        "no kill ever came in the middle"
    )


def work_until_killed(server: Server, ledger: Ledger, chance: random.Random) -> None:
    marked = mark_without_quit(server)
    before = len(ledger.acknowledged)

    def sender(recipients: int, octets: int, mailing_list: str = "") -> Sender:
        own = random.Random(chance.random())
        return Sender(server, ledger, own, recipients, octets, mailing_list)

    with at_work(
        *(sender(1, 1_000), sender(1, 1_000), sender(3, 1_000), sender(2, 200_000)),
        *(sender(len(STUDENTS), 20_000), sender(1, 2_000, "cours")),
        *(Tidy(server, ledger, STUDENTS[:4]), Resetter(server.site)),
    ):
        until(lambda: len(ledger.acknowledged) > before)
        time.sleep(chance.uniform(0, WORK_AT_MOST))
        server.kill()
    marked.close()


def mark_without_quit(server: Server) -> Peer:
    """A session with a deletion pending, which is open when the kill comes."""
    with smtp(server.smtp) as peer:
        assert mail(peer, [HESITANT], b"Subject: kept\r\n", HESITANT).startswith("250 ")
    session = pop3(server.pop3, HESITANT)
    assert session.say("DELE 1").startswith("+OK")
    return session


def test_it_starts_on_what_a_kill_left(tmp_path: Path) -> None:
    """Locks, the control socket and half a message in the spool are in nobody's way."""
    site = site_for(tmp_path / "site", STUDENTS)
    with serving(site) as server:
        client = pop3(server.pop3, STUDENTS[0])
        with smtp(server.smtp) as sender:
            begin_mail(sender, STUDENTS[:1])
            sender.send(b"Subject: half\r\n\r\n" + b"x" * 300_000)
            until(lambda: any((site / "spool").iterdir()))
            server.kill()
        client.close()
    assert any((site / "spool").iterdir())
    assert (site / "control.socket").exists()
    assert (site / "locks" / STUDENTS[0]).exists()
    with serving(site) as server, pop3(server.pop3, STUDENTS[0]) as client:
        assert client.say("STAT") == "+OK 0 0"
