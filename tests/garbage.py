"""What beginners, telnet and scripts mix, as hypothesis draws it.

Nearly right commands, every line end, telnet sequences, control characters, half messages, cut
anywhere: the network cuts where it likes.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from random import Random

from hypothesis import strategies as st

from tpmailserver.settings import Limits, Settings

from .bare import BareSession
from .faults import DOMAIN

ACCOUNTS = ("22000001", "22000002")
EASY_LIMITS = {"failed_login_delay": 0, "budget": 0}
EASY = Settings(maildrop="shared", limits=Limits(**EASY_LIMITS))
STRICT = Settings(maildrop="shared", line_ends="strict", limits=Limits(failed_login_delay=0))
SMALL = Settings(maildrop="shared", limits=Limits(failed_login_delay=0, message_size=300))

CRLF, LF, TELNET, SCRIPT = b"\r\n", b"\n", b"\r\0\r\n", b"\r\r\n"
TIMING_MARK = b"\xff\xfd\x06"
TIMING_ANSWER = b"\xff\xfc\x06"
GOOD_SMTP = (
    b"HELO pc",
    b"EHLO pc",
    f"MAIL FROM:<22000001@{DOMAIN}>".encode(),
    f"RCPT TO:<22000002@{DOMAIN}>".encode(),
    b"RCPT TO:22000002",
    b"DATA",
    b"RSET",
    b"AUTH LOGIN",
    b"AUTH PLAIN",
    b"AUTH PLAIN ADIyMDAwMDAxADIyMDAwMDAx",
    b"AUTH PLAIN AP8Acw==",  # a login that is no UTF-8
    b"6Q==",
    b"*",
    b"HELP",
    b"VRFY 22000001",
    b"QUIT",
)
GOOD_POP3 = (
    b"USER 22000001",
    b"PASS 22000001",
    b"PASS wrong",
    b"CAPA",
    b"AUTH",
    b"AUTH LOGIN",
    b"MjIwMDAwMDE=",
    b"6Q==",
    b"AUTH PLAIN AP8Acw==",
    b"*",
    b"STAT",
    b"LIST",
    b"LIST 1",
    b"UIDL",
    b"UIDL 2",
    b"RETR 1",
    b"TOP 2 1",
    b"DELE 1",
    b"RSET",
    b"LAST",
    b"HELP",
    b"QUIT",
)
CRUMBS = (
    *(b"HELO", b"MAIL", b"RCPT", b"MAIL FROM:", b"RCPT TO:", b"DATA x", b"VRFY", b"EXPN x"),
    *(b"STARTTLS", b"GET / HTTP/1.1", b"USER", b"PASS", b"RETR", b"TOP", b"DELE 0", b"LIST x"),
    *(b"<", b">", b"<>", b":", b"@", b'"', b"\\", b" ", b"  ", b"\t", b".", b"..", b"=", b"*"),
    *(b"a@b", b"[127.0.0.1]", b"[IPv6:::1]", b"SIZE=", b"SIZE=9" + b"9" * 19, b"BODY=8BITMIME"),
    *(b"SMTPUTF8", b"AUTH=<>", b"0", b"1", b"99999999999999999999", b"{0}", b"{host}", b"%s"),
    *(b"\0", b"\r", b"\x08", b"\x7f", b"\x1b[A", b"\x03", b"\x1a", b"\x80", b"\xe9", b"\xc3\xa9"),
    *(b"\xff", b"\xff\xf4" + TIMING_MARK, TIMING_MARK, b"\xff\xfb\x18", b"\xff\xfa\x18\0\xff\xf0"),
    *(b"\xff\xff", b"\xc2\x85", b"\xe2\x80\xa8", b"x" * 500, b"y" * 2100, b"z" * 13000),
)
ENDS = (CRLF, CRLF, LF, TELNET, SCRIPT)


def commands(good: tuple[bytes, ...]) -> st.SearchStrategy[list[tuple[bytes, bytes]]]:
    """Command lines and their ends, some right; too few to end a session by being wrong."""
    octets = st.binary(max_size=40).map(lambda each: each.replace(LF, b""))
    mixed = st.lists(st.sampled_from(CRUMBS) | octets, max_size=5).map(b"".join)
    spoilt = st.tuples(st.sampled_from(good), mixed).map(b"".join)
    line = st.sampled_from(good) | mixed | spoilt
    return st.lists(st.tuples(line, st.sampled_from(ENDS)), max_size=25)


def pieces(octets: bytes, cuts: Random) -> Iterator[bytes]:
    """The same octets as a network may cut them."""
    while octets:
        length = cuts.choice((1, 1, 2, 7, 100, len(octets)))
        yield octets[:length]
        octets = octets[length:]


def garbage(good: tuple[bytes, ...]) -> st.SearchStrategy[bytes]:
    """Commands of any kind; none that removes what the next example wants to read."""
    return commands(good).map(
        lambda lines: b"".join(line + end for line, end in lines if b"QUIT" not in line.upper())
    )


# In the middle of a message.

IN_DATA = (
    *(b"Subject: x", b"", b".", b"..", b".x", b"x.", b"\r.", b"\r\0", b"\0", b"\r", b"text\r"),
    *(TIMING_MARK, b"\xe9", b"x" * 150, b"y" * 5000, b"QUIT", b"NOOP"),
)


def conversations() -> st.SearchStrategy[bytes]:
    """Sessions with messages in them whose lines end in every manner, and the wrong dots."""
    opening = st.sampled_from(ENDS).map(
        lambda end: b"".join(line + end for line in (*GOOD_SMTP[:1], *GOOD_SMTP[2:4], b"DATA"))
    )
    line = st.tuples(st.sampled_from(IN_DATA), st.sampled_from(ENDS)).map(b"".join)
    message = st.lists(line, max_size=8).map(b"".join)
    tail = commands(GOOD_SMTP).map(lambda lines: b"".join(line + end for line, end in lines[:6]))
    return st.tuples(opening, message, st.sampled_from((b".\r\n", b".\n", b"")), tail).map(b"".join)


def furnish(folder: Path) -> None:
    site = BareSession("pop3", folder, EASY).site
    for content in (b"Subject: one\n\n.\n..dots\nend", b"Subject: two\n\n" + b"long" * 400 + b"\n"):
        draft = site.stores.spool.draft(b"")
        draft.write(content)
        site.stores.mailboxes.deliver(draft, [ACCOUNTS[0]])


def masked(said: bytes) -> bytes:
    """Without what differs from one session to the next."""
    said = re.sub(rb"id=\S+", b"id=*", said.replace(TIMING_ANSWER, b""))
    return re.sub(rb"; \d+ deletions? of your last session[^\r]*", b"", said)
