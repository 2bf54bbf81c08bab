"""A storm of wrong passwords keeps nobody from working.

Many sessions guess long passwords of an account whose password takes a hash to check, each
from the start again when it is sent away. Others log in, send and read meanwhile.
"""

import random
from pathlib import Path
from threading import Event

from tpmailserver.delivery.passwords import hash_password
from tpmailserver.site import DATABASE
from tpmailserver.store.database import Database

from . import IS_LONG, Peer, pop3, serving, site_for, until
from .clients import Sender, Tidy, Work, at_work
from .conftest import Note
from .ledger import Ledger
from .watch import HEALTHY, watched

STUDENTS = tuple(f"220000{number:02}" for number in range(1, 9))
HASHED = "22000021"
GUESSERS = 100 if IS_LONG else 40
GUESSES = 200 if IS_LONG else 60


def test_a_storm_of_wrong_passwords(tmp_path: Path, note: Note) -> None:
    site = site_for(tmp_path / "site", (*STUDENTS, HASHED, HEALTHY), budget=0)
    Database(site / DATABASE).set_password_hashes({HASHED: hash_password(b"right")})
    ledger = Ledger(STUDENTS)
    said: list[str] = []
    with serving(site) as server:

        def guesser(number: int) -> Work:
            def go(over: Event) -> None:
                while not over.is_set():
                    with Peer(server.pop3, f"127.0.3.{number % 20 + 1}") as peer:
                        peer.reply()
                        for each in range(3):
                            if over.is_set():
                                return
                            peer.say(f"USER {HASHED}")
                            said.append(peer.say(f"PASS {number}-{each}-".ljust(120, "x")))

            return go

        with (
            watched(server) as watch,
            at_work(*map(guesser, range(GUESSERS))),
            at_work(Sender(server, ledger, random.Random(1)), Tidy(server, ledger, STUDENTS[:4])),
        ):
            until(lambda: len(said) > GUESSES and len(ledger.acknowledged) > 100)
        with pop3(server.pop3, STUDENTS[0]), Peer(server.pop3) as owner:
            owner.reply()
            owner.say(f"USER {HASHED}")
            assert owner.say("PASS right").startswith("+OK")
        audit = ledger.audit(server)
        assert "Traceback" not in server.log
        assert "xxxx" not in server.log, "a password is in the log"
    note({"wrong passwords": len(said)} | audit.figures() | watch.figures())
    audit.check()
    assert {each.split("]")[0] for each in said} <= {"-ERR [AUTH", "-ERR [SYS/TEMP"}, set(said)
