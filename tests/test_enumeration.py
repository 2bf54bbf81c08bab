"""Nobody learns by logging in which numbers there are, or who has changed a password.

An unknown number, an account whose password is its number, and one with a password of its own,
which costs a hash to check: a wrong password gets the same words at the same moment from all three.
The moments are compared on a clock that moves by what the work costs, and on a running server.
"""

import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from statistics import median

import pytest

from tpmailserver.delivery.logins import Logins
from tpmailserver.delivery.passwords import hash_password
from tpmailserver.delivery.threads import Surroundings
from tpmailserver.model import Client, LoggedIn, Reason, Refusal, Secret, client_address
from tpmailserver.settings import Limits, Settings
from tpmailserver.site import DATABASE, Site, open_site
from tpmailserver.store.database import Database

from .bare import Clockwork, at_once
from .faults import Peer, Server, serving, site_for, smtp

PLAIN, CHANGED, UNKNOWN = KINDS = ("22000001", "22000002", "29999999")
OWN_PASSWORD = "battery staple"
DELAY, HASHING = 1.0, 0.3  # seconds
SAMPLES = 7


# On a clock of our own.


class Costly(Clockwork):
    """A hash takes its time, and meanwhile other logins may come."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: list[Callable[[], object]] = []

    async def hashing(self, work: Callable[..., object], *args: object, **kw: object) -> object:
        while self.meanwhile:
            self.meanwhile.pop()()
        self.now += HASHING
        return work(*args, **kw)


def moment(seconds: float) -> object:
    """A time of day, to the millisecond."""
    return pytest.approx(seconds, rel=0, abs=0.001)


class Desk:
    """Logins of a site with one account of each kind, and when each is answered."""

    def __init__(self, site: Site) -> None:
        self.clock = Costly()
        settings = Settings(limits=Limits(failed_login_delay=DELAY))
        around = Surroundings(self.clock, self.clock.time, self.clock.time)
        self._logins = Logins(settings, site.stores.directory, around, lambda _: None)

    def tries(self, number: str, password: str, address: str = "127.0.0.1") -> object:
        """The answer to a login."""
        client = Client(client_address(address))
        return at_once(self._logins.check(number, Secret(password.encode()), client))

    def answered_at(self, number: str, password: str = "wrong") -> float:
        """When a wrong login is answered that comes now; the clock then stands there."""
        assert self.tries(number, password) == Refusal(Reason.BAD_LOGIN)
        return self.clock.now


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = site_for(tmp_path_factory.mktemp("numbers") / "site", (PLAIN, CHANGED))
    site = open_site(folder, Settings())
    hashed = hash_password(OWN_PASSWORD.encode())
    site.stores.database.set_password_hashes({CHANGED: hashed})
    site.stores.directory.refresh()
    return site


@pytest.mark.parametrize("password", ["wrong", "  wrong ", "", "x" * 129])
@pytest.mark.parametrize("number", KINDS)
def test_a_wrong_password_is_answered_at_one_moment(site: Site, number: str, password: str) -> None:
    desk = Desk(site)
    came = desk.clock.now
    assert desk.answered_at(number, password) == moment(came + DELAY)


def test_who_comes_first_is_answered_first(site: Site) -> None:
    """Of two from one address the second comes while the first one's password is being hashed."""
    desk = Desk(site)
    came = desk.clock.now
    second: list[float] = []

    def comes() -> None:
        second.append(desk.answered_at(UNKNOWN))
        desk.clock.now = came

    desk.clock.meanwhile = [comes]
    assert desk.answered_at(CHANGED) == moment(came + DELAY)
    assert second == [moment(came + DELAY + 0.1)]


def test_a_right_password_leaves_its_place_to_the_next(site: Site) -> None:
    desk = Desk(site)
    came = desk.clock.now
    assert desk.tries(CHANGED, OWN_PASSWORD) == LoggedIn(CHANGED)
    desk.clock.now = came
    assert desk.answered_at(UNKNOWN) == moment(came + DELAY)


def test_a_place_that_was_given_back_is_taken_by_the_next(site: Site) -> None:
    """One whose password was right stood before one whose was wrong."""
    desk = Desk(site)
    came = desk.clock.now
    desk.clock.meanwhile = [lambda: desk.answered_at(UNKNOWN)]
    assert desk.tries(CHANGED, OWN_PASSWORD) == LoggedIn(CHANGED)
    answered = []
    for _ in range(3):
        desk.clock.now = came
        answered.append(desk.answered_at(UNKNOWN))
    assert answered == [moment(came + DELAY + wait) for wait in (0.0, 0.2, 0.3)]


@pytest.mark.parametrize("number", KINDS)
def test_a_full_queue_says_the_same_to_all(site: Site, number: str) -> None:
    """Somebody has filled it with wrong passwords to an account of his own."""
    desk = Desk(site)
    said: list[object] = []

    def fill(left: int) -> None:
        if left:
            desk.clock.meanwhile = [lambda: fill(left - 1)]
            desk.tries(CHANGED, f"wrong {left}", f"127.0.1.{left}")
        else:
            said.append(desk.tries(number, "wrong"))
            said.append(desk.tries(PLAIN, PLAIN))

    fill(64)
    assert said == [Refusal(Reason.LOGINS_BUSY), LoggedIn(PLAIN)]


# On a running server.


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("enumeration")
    site = site_for(folder / "site", (PLAIN, CHANGED), failed_login_delay=0.08)
    hashed = hash_password(OWN_PASSWORD.encode())
    Database(site / DATABASE).set_password_hashes({CHANGED: hashed})
    with serving(site) as server:
        yield server
        assert "Traceback" not in server.log


def user_pass(server: Server, number: str, source: str) -> tuple[float, tuple[str, ...]]:
    with Peer(server.pop3, source) as peer:
        peer.reply()
        named = peer.say(f"USER {number}")
        seconds, said = timed(peer, "PASS wrong")
        return seconds, (named, said, peer.say("STAT"))


def pop3_auth(server: Server, number: str, source: str) -> tuple[float, tuple[str, ...]]:
    with Peer(server.pop3, source) as peer:
        peer.reply()
        seconds, said = timed(peer, f"AUTH PLAIN {coded(number)}")
        return seconds, (said, peer.say("STAT"))


def smtp_auth(server: Server, number: str, source: str) -> tuple[float, tuple[str, ...]]:
    with smtp(server.smtp, source) as peer:
        seconds, said = timed(peer, f"AUTH PLAIN {coded(number)}")
        return seconds, (said, peer.say("NOOP"))


def timed(peer: Peer, line: str) -> tuple[float, str]:
    begun = time.perf_counter()
    said = peer.say(line)
    return time.perf_counter() - begun, said


def coded(number: str) -> str:
    return b64encode(f"\0{number}\0wrong".encode()).decode()


@pytest.mark.parametrize("way", [user_pass, pop3_auth, smtp_auth])
def test_neither_words_nor_time_tell_who_is_there(server: Server, way: Callable) -> None:
    taken: dict[str, list[float]] = {kind: [] for kind in KINDS}
    words: set[tuple[str, ...]] = set()
    number = {user_pass: 1, pop3_auth: 2, smtp_auth: 3}[way]
    for sample in range(SAMPLES):
        # In turn, so that a slow moment of the machine strikes all; each from an address of its
        # own, or the line of wrong passwords would hide what is measured.
        for place, kind in enumerate(KINDS):
            seconds, said = way(server, kind, f"127.{number}.{sample + 1}.{place + 1}")
            taken[kind].append(seconds)
            words.add(said)
    assert len(words) == 1, words
    medians = {kind: median(seconds) for kind, seconds in taken.items()}
    print(medians)
    assert max(medians.values()) < 1.5 * min(medians.values()), medians


def test_vrfy_and_expn_tell_nothing_and_rcpt_does(server: Server) -> None:
    """RFC 5321 §7.3: 252 is neither yes nor no. A sender must hear at once of a wrong address."""
    with smtp(server.smtp) as peer:
        for verb, code in (("VRFY", "252 2.0.0 "), ("EXPN", "550 5.1.1 ")):
            replies = {kind: peer.say(f"{verb} {kind}") for kind in KINDS}
            assert all(said.startswith(code) for said in replies.values()), replies
            assert len({said.replace(kind, "X") for kind, said in replies.items()}) == 1
        peer.say(f"MAIL FROM:<{PLAIN}>")
        said = [peer.say(f"RCPT TO:<{kind}>")[:9] for kind in KINDS]
        assert said == ["250 2.1.5", "250 2.1.5", "550 5.1.1"]
