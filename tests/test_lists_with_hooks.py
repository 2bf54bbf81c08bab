"""Lists on which there is a list with a hook: nobody knows beforehand to whom their mail goes."""

from collections.abc import Callable
from pathlib import Path
from shutil import rmtree

import pytest

from tpmailserver.delivery.expander import Declined, Expansion, Held, Post
from tpmailserver.model import Address
from tpmailserver.settings import Hook

from .talking import ONE, OWNER, TWO, Site


class Reader:
    """Keeps what it is given to read, and names ONE."""

    def __init__(self) -> None:
        self.read = b""
        self.octets = 0
        self.address = ""

    def expand(self, post: Post) -> Expansion:
        with post.open() as message:
            self.read = message.read()
        self.octets = post.octets
        self.address = str(post.address)
        return [ONE]


class Mocks:
    """Names a mailbox that cannot be, in more than one line."""

    def expand(self, _post: Post) -> Expansion:
        return [Address("\r\n250 OK\r\n" + "x" * 1000, "tpmail.info.unicaen.fr")]


class Busy:
    """Takes its time: meanwhile something else is done."""

    def __init__(self) -> None:
        self.meanwhile: Callable[[], None] = lambda: None

    def expand(self, _post: Post) -> Expansion:
        self.meanwhile()
        return [ONE]


busy = Busy()


class Holds:
    """Lets every message wait."""

    def expand(self, _post: Post) -> Expansion:
        return Held("somebody reads it first")


class Circles:
    """Names its own list, and one on which nobody is."""

    def expand(self, post: Post) -> Expansion:
        return [post.address, "empty"]


class Fails:
    """Breaks down."""

    def expand(self, _post: Post) -> Expansion:
        raise RuntimeError("not today")


class Refuses:
    """Wants nothing."""

    def expand(self, _post: Post) -> Expansion:
        return Declined("not today")


reader = Reader()
HOOK = Hook("poll", python=f"{__name__}:reader")


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> Site:
    """A list "outer" on which there is nobody but "poll", whose hook names ONE."""
    site = Site(tmp_path, HOOK)
    site.change(lambda lists: lists.put("outer", ["poll"]))
    return site


def test_a_list_of_nothing_but_a_list_with_a_hook_is_not_empty(site: Site) -> None:
    assert site.talk.sends(TWO, "outer").startswith("250 2.0.0 delivered to 1 mailbox,")
    (mail,) = site.mails(ONE)
    assert b"\nList-Id: <poll.tpmail.info.unicaen.fr>\n" in mail.read_bytes()


@pytest.mark.parametrize("recipients", [["poll"], ["outer"], ["cours", "outer"], ["cours", OWNER]])
def test_a_hook_reads_the_message_as_it_came(site: Site, recipients: list[str]) -> None:
    """And not with the fields of some list that it has nothing to do with."""
    site.change(lambda lists: lists.put("cours", ["outer"]))
    assert site.talk.sends(TWO, *recipients).startswith("250 ")
    assert reader.read.startswith(f"Return-Path: <{TWO}@tpmail.info.unicaen.fr>\n".encode())
    assert b"List-Id" not in reader.read
    assert len(reader.read) == reader.octets


@pytest.mark.parametrize(
    ("recipient", "address"), [("poll+now", "poll+now"), ("outer+now", "poll"), ("POLL", "POLL")]
)
def test_a_hook_is_given_the_address_of_its_own_list(
    site: Site, recipient: str, address: str
) -> None:
    """As it was written, where the list was written to; else its plain name."""
    assert site.talk.sends(TWO, recipient).startswith("250 ")
    assert reader.address == f"{address}@tpmail.info.unicaen.fr"


def test_what_a_hook_names_is_told_in_one_line(tmp_path: Path) -> None:
    site = Site(tmp_path, Hook("poll", python=f"{__name__}:Mocks"))
    assert site.talk.sends(TWO, "poll").startswith("451 4.2.4 the program of poll failed;")
    trouble = site.session.site.stores.database.lists.troubles()["poll"].what
    assert trouble.startswith('it named " 250 OK x')
    assert trouble.isprintable()
    assert len(trouble) < 300


@pytest.mark.parametrize(
    ("recipients", "said"),
    [
        ([TWO, "poll"], "550 5.1.1 there is no mailbox 22000002@tpmail.info.unicaen.fr here"),
        (["outer"], "451 4.3.0 trouble on the server's side; try again later"),
    ],
)
def test_somebody_is_removed_while_a_hook_is_asked(
    tmp_path: Path, recipients: list[str], said: str
) -> None:
    """No 250 for what nobody will read; the next message finds who is there."""
    site = Site(tmp_path, Hook("poll", python=f"{__name__}:busy"))
    site.change(lambda lists: lists.put("outer", [TWO, "poll"]))
    busy.meanwhile = lambda: (site.removes(TWO), site.change(lambda lists: None))
    assert site.talk.sends(OWNER, *recipients) == said
    assert site.mails(ONE) == site.mails(TWO) == []
    assert list((tmp_path / "spool").iterdir()) == []
    assert site.talk.sends(OWNER, "outer").startswith("250 2.0.0 delivered to 1 mailbox,")


def test_somebody_is_added_while_a_hook_is_asked(tmp_path: Path) -> None:
    site = Site(tmp_path, Hook("poll", python=f"{__name__}:busy"))
    busy.meanwhile = lambda: site.change(lambda lists: lists.put("another", [ONE]))
    assert site.talk.sends(OWNER, TWO, "poll").startswith("250 2.0.0 delivered to 2 mailboxes,")


@pytest.mark.parametrize("decide", ["approve", "reject"])
def test_what_was_decided_on_makes_room_for_what_waits(tmp_path: Path, decide: str) -> None:
    hook = Hook("cours", python="tests.expanders:Holds")
    site = Site(tmp_path, hook, mailbox_messages=2)
    for _ in range(2):
        assert site.talk.sends(TWO, "cours").startswith("250 2.0.0 held for the owner of cours")
    assert site.talk.sends(TWO, "cours").startswith("452 4.2.2 too much waits on the list cours;")
    approval = site.session.site.desk().approval
    cours = site.session.site.stores.directory.mailing_list("cours")
    first, _ = approval.waiting(cours)
    getattr(approval, decide)(cours, first.identity)
    assert site.talk.sends(TWO, "cours").startswith("250 2.0.0 held for the owner of cours")


@pytest.mark.parametrize(
    ("kind", "said"),
    [("Fails", "451 4.2.4 "), ("Refuses", "554 5.7.1 "), ("reader", "250 2.0.0 ")],
)
@pytest.mark.parametrize("named", ["poll", "outer"])
def test_what_a_hook_was_asked_about_counts(
    tmp_path: Path, kind: str, said: str, named: str
) -> None:
    """A program that writes to its own list and then fails goes on and on without a delivery."""
    site = Site(tmp_path, Hook("poll", python=f"{__name__}:{kind}"), list_breaker=3)
    site.change(lambda lists: lists.put("outer", ["poll"], owner=OWNER))
    for _ in range(3):
        assert site.talk.sends(TWO, named).startswith(said)
    stopped = f"450 4.2.1 {named} is suspended until its teacher resumes it: {TWO} wrote 3 messages"
    assert site.talk.sends(TWO, named).startswith(stopped)


def test_what_a_plain_list_could_not_send_on_does_not_count(tmp_path: Path) -> None:
    """The sender keeps it, and tries again until there is room."""
    site = Site(tmp_path, list_breaker=1, mailbox_size=10)
    for _ in range(3):
        assert site.talk.sends(TWO, "cours").startswith("452 4.2.2 the mailbox of ")


def test_a_hook_that_names_nothing_but_empty_lists_has_failed(tmp_path: Path) -> None:
    """Nobody can add members to a list with a hook, so the sender is not told that."""
    site = Site(tmp_path, Hook("poll", python=f"{__name__}:Circles"))
    site.change(lambda lists: lists.put("empty"))
    assert site.talk.sends(TWO, "poll").startswith("451 4.2.4 the program of poll failed;")
    trouble = site.session.site.stores.database.lists.troubles()["poll"].what
    assert trouble == "it named nothing but lists that come to nobody"
    assert site.talk.sends(TWO, "poll", ONE).startswith("250 2.0.0 delivered to 1 mailbox,")


@pytest.mark.parametrize("broken", ["held/second", f"maildirs/{ONE}"])
def test_what_fails_for_one_recipient_waits_on_no_list_either(tmp_path: Path, broken: str) -> None:
    """Or it would wait once for each time that its sender tries again."""
    hooks = [Hook(name, python=f"{__name__}:Holds") for name in ("first", "second")]
    site = Site(tmp_path, *hooks)
    assert site.talk.sends(TWO, "first", "second", ONE).startswith(
        "250 2.0.0 delivered to 1 mailbox, held for the owner of first, second,"
    )
    site.talk.begins(TWO, "first", "second", ONE)
    rmtree(tmp_path / broken)
    (tmp_path / broken).write_text("no folder")
    with pytest.raises(NotADirectoryError, match=broken.partition("/")[2]):
        site.talk.ends()
    assert len(list((tmp_path / "held" / "first" / "new").iterdir())) == 1
    assert list((tmp_path / "spool").iterdir()) == []
