"""Nobody gets where they don't belong: no relay, no path, no other's file, no secret in a log.

Everything is tried from outside, on a running server whose `walk_in` lets any name open an account
that may be one; then its site, its sockets and its log are looked at.
"""

import os
import re
import stat
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tpmailserver.site import DATABASE
from tpmailserver.store.database import Database

from .faults import DOMAIN, Peer, Server, address, mail, pop3, serving, site_for, smtp, until

ALICE, BOB = "22000001", "22000002"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("isolation")
    site = site_for(folder / "site", (ALICE, BOB), 'walk_in = ".+"', failed_login_delay=0, budget=0)
    with serving(site) as server:
        with smtp(server.smtp) as peer:
            assert mail(peer, [ALICE, BOB], b"Subject: first\r\n").startswith("250 ")
        yield server


def tree(folder: Path) -> set[str]:
    """Every file and folder around a site, but for the database's journal, which comes and goes."""
    found = {str(each.relative_to(folder)) for each in folder.rglob("*")}
    return {each for each in found if not each.endswith(".sqlite3-journal")}


# No relay.

RELAYS = (
    "<victim@example.org>",
    f"<@{DOMAIN}:victim@example.org>",
    f"<@{DOMAIN},@example.org:victim@example.org>",
    f"<victim%example.org@{DOMAIN}>",
    f"<example.org!victim@{DOMAIN}>",
    f'<"victim@example.org"@{DOMAIN}>',
    f'<"{ALICE}@{DOMAIN}"@example.org>',
    f"<{ALICE}@{DOMAIN}@example.org>",
    f"<victim@example.org@{DOMAIN}>",
    f"<{ALICE}@mail.{DOMAIN}>",
    f"<{ALICE}@{DOMAIN}.example.org>",
    f"<{ALICE}@{DOMAIN}.>",
    f"<{ALICE}@example{DOMAIN}>",
    f"<{ALICE}@[127.0.0.1]>",
    f"<{ALICE}@[192.0.2.1]>",
    f"<{ALICE}@[IPv6:::1]>",
    f"<{ALICE}@127.0.0.1>",
    f"<{ALICE}@localhost>",
    f"<{ALICE}@>",
    "<victim@[192.0.2.1]>",
    "<>",
    "< >",
    "<@>",
    f"<@{DOMAIN}>",
    f"<{ALICE}%00@{DOMAIN}>",
    f"<victim@example.org>,{address(ALICE)}",
    f"<victim@example.org {ALICE}@{DOMAIN}>",
    f"<victim@example.org\t{ALICE}@{DOMAIN}>",
    f"<{ALICE}@{DOMAIN}> <victim@example.org>",
    f"<{ALICE}@{DOMAIN}> ORCPT=rfc822;victim@example.org",
)


@pytest.mark.parametrize("recipient", RELAYS)
def test_no_spelling_relays(server: Server, recipient: str) -> None:
    with smtp(server.smtp) as peer:
        assert peer.say(f"MAIL FROM:{address(ALICE)}").startswith("250 ")
        said = peer.say(f"RCPT TO:{recipient}")
        assert said.startswith(("501 ", "550 ", "555 ", "500 ")), said
        assert peer.say("DATA").startswith(("503 ", "554 "))
        assert_no_way_out(server)


def test_the_server_speaks_to_nobody(server: Server) -> None:
    """A sender that cannot be answered, a name to look up: no bounce, no query, no connection."""
    with smtp(server.smtp) as peer:
        assert peer.say("HELO mail.example.org").startswith("250 ")
        assert peer.say("MAIL FROM:<nobody@example.org>").startswith("250 ")
        assert peer.say(f"RCPT TO:{address('29999999')}").startswith("550 5.1.1 ")
        assert peer.say(f"RCPT TO:{address(ALICE)}").startswith("250 ")
        assert peer.say("DATA").startswith("354 ")
        peer.send(b"Subject: no way back\r\nDisposition-Notification-To: <a@example.org>\r\n.\r\n")
        assert peer.reply().startswith("250 ")
        assert_no_way_out(server)


def assert_no_way_out(server: Server) -> None:
    """Every socket of the process listens, or was taken in by one that does."""
    listening = {server.smtp, server.pop3}
    for each in psutil.Process(server.pid).net_connections("inet"):
        assert each.laddr.port in listening, each


# No name is a path.

NAMES = (
    "..",
    "../../etc/passwd",
    "..%2f..%2fetc",
    f"../{ALICE}",
    f"{ALICE}/../{BOB}",
    f"{ALICE}/new",
    f"{ALICE}%00",
    f"{ALICE}\\0",
    "/etc/passwd",
    "~root",
    ".server",
    ".",
    "-rf",
    "*",
    "$(id)",
    "`id`",
    "|id",
    ";id",
    "2200000\N{FULLWIDTH DIGIT ONE}",
    "2200000\N{ARABIC-INDIC DIGIT ONE}",
    "2200000\N{DEVANAGARI DIGIT ONE}",
    "2200000\N{SUPERSCRIPT ONE}",
    "\N{KELVIN SIGN}2200000",  # whose lower case is a plain k
    "22000001\N{COMBINING ACUTE ACCENT}",
    "\N{RIGHT-TO-LEFT OVERRIDE}10000022",
    "\N{ZERO WIDTH SPACE}22000001",
    "x" * 65,
    "x" * 400,
    "postmaster/../22000001",
)


@pytest.mark.parametrize("name", NAMES)
def test_no_name_is_a_path(server: Server, name: str) -> None:
    before = tree(server.site.parent)
    with smtp(server.smtp) as peer:
        assert peer.say(f"MAIL FROM:{address(ALICE)} SMTPUTF8").startswith("250 ")
        for recipient in (f"<{name}@{DOMAIN}>", f'<"{name}"@{DOMAIN}>', f"<{name}>"):
            said = peer.say(f"RCPT TO:{recipient}")
            assert said.startswith(("501 ", "550 ", "553 ")), said
        credentials = b64encode(b"\0" + name.encode() + b"\0" + name.encode()).decode()
        assert peer.say("RSET").startswith("250 ")
        assert peer.say(f"AUTH PLAIN {credentials}").startswith(("535 ", "501 "))
    with Peer(server.pop3) as peer:
        peer.reply()
        assert peer.say(f"USER {name}").startswith("+OK")
        assert peer.say(f"PASS {name}") == "-ERR [AUTH] wrong number or password"
    assert tree(server.site.parent) == before


@pytest.mark.parametrize("octet", [b"\0", b"\x0b", b"\x1b", b"\r"], ids=["NUL", "VT", "ESC", "CR"])
def test_a_control_character_reaches_nothing(server: Server, octet: bytes) -> None:
    before = tree(server.site.parent)
    name = ALICE.encode() + octet + b"x"
    with smtp(server.smtp) as peer:
        for line in (
            b"HELO " + name,
            b"MAIL FROM:<" + name + b"@example.org>",
            b'MAIL FROM:<"' + name + b'"@example.org>',
            b"VRFY " + name,
        ):
            assert peer.say(line).startswith("500 5.5.2 the line held a control character")
        secret = b64encode(b"\0" + name + b"\0" + name).decode()
        assert peer.say(f"AUTH PLAIN {secret}").startswith("501 ")
    with Peer(server.pop3) as peer:
        peer.reply()
        assert peer.say(b"USER " + name).startswith("-ERR the line held a control character")
    assert tree(server.site.parent) == before


def test_a_name_of_ten_thousand_characters(server: Server) -> None:
    before = tree(server.site.parent)
    name = "2" * 10_000
    with smtp(server.smtp) as peer:
        assert peer.say(f"HELO {name}").startswith("500 ")
        assert peer.say(f"MAIL FROM:<{name}@{DOMAIN}>").startswith("500 ")
        secret = b64encode(f"\0{name[:4000]}\0{name[:4000]}".encode()).decode()
        assert peer.say(f"AUTH PLAIN {secret}").startswith("535 ")
        assert peer.say("NOOP") == "250 2.0.0 OK"
    with Peer(server.pop3) as peer:
        peer.reply()
        assert peer.say(f"USER {name}").startswith("-ERR ")
        assert peer.say("CAPA").startswith("+OK")
    assert tree(server.site.parent) == before


def test_a_link_in_the_place_of_a_mailbox_leads_nowhere(server: Server, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    for part in ("tmp", "new", "cur"):
        (outside / part).mkdir(parents=True)
    (outside / "new" / "1.secret.host").write_text("Subject: not yours\n")
    (server.site / "maildirs" / "link").symlink_to(outside)
    with Peer(server.pop3) as peer:
        peer.reply()
        peer.say("USER link")
        said = peer.say("PASS link")  # `walk_in` makes it an account
        assert said.startswith("-ERR [SYS/TEMP] "), said
    with smtp(server.smtp) as peer:
        peer.say(f"MAIL FROM:{address(ALICE)}")
        assert peer.say(f"RCPT TO:{address('link')}").startswith("451 ")
        assert peer.say(f"RCPT TO:{address(ALICE)}").startswith("250 ")
    assert [each.name for each in outside.rglob("*") if each.is_file()] == ["1.secret.host"]


# Files are private.


@pytest.mark.parametrize("umask", [0, 0o022], ids=["umask 0", "umask 022"])
def test_everything_is_private(tmp_path: Path, umask: int) -> None:
    site = tmp_path / "site"  # which the server makes
    with serving(site, umask=umask) as server:
        Database(site / DATABASE).add([ALICE, BOB], None, 0.0)
        with smtp(server.smtp) as peer:
            until(lambda: is_known(peer, BOB))
            peer.say("RSET")
            assert mail(peer, [ALICE, BOB], b"Subject: x\r\n").startswith("250 ")
            peer.say(f"MAIL FROM:{address(ALICE)}")
            peer.say(f"RCPT TO:{address(ALICE)}")
            peer.say("DATA")
            peer.send(b"x" * 200_000)
            until(lambda: any((site / "spool").iterdir()))
            with pop3(server.pop3, ALICE):
                found = modes(site)
        server.stop()
    kinds = {path.split("/")[0] for path in found}
    assert {"maildirs", "spool", "locks", "tpmail.sqlite3", "control.socket"} <= kinds
    assert {path: oct(mode) for path, mode in found.items() if mode & 0o077} == {}


def is_known(peer: Peer, number: str) -> bool:
    peer.say(f"MAIL FROM:{address(number)}")
    return peer.say(f"RCPT TO:{address(number)}").startswith("250 ")


def modes(site: Path) -> dict[str, int]:
    """The permissions of everything in a site and of the site itself."""
    return {
        str(each.relative_to(site)): stat.S_IMODE(each.lstat().st_mode)
        for each in (site, *site.rglob("*"))
    }


# After all of this.


def test_nothing_was_made_outside_of_the_store(server: Server) -> None:
    top = {each.name for each in server.site.iterdir()}
    known = {"tpmail.toml", "tpmail.sqlite3", "maildirs", "spool", "locks", "control.socket"}
    assert top <= known, top - known
    assert {each.name for each in server.site.parent.iterdir()} == {"site", "site.log"}
    names = {each.name for each in (server.site / "maildirs").iterdir()}
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", name) for name in names), names
    assert os.listdir(server.site / "spool") == []
