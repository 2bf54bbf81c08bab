#!/usr/bin/python3 -I
"""Answers a message with a text, and hands it to the account that keeps it.

The rule it guards: RFC 3834, whose purpose is that no two programs ever answer each other. An
answer goes to the envelope sender alone, once in seven days, and never to what may be a program
or a list. The message itself is delivered whatever becomes of the answer.

    [hooks.office]
    program = ["/srv/hooks/autoreply.py", "22000001", "/srv/hooks/office.txt",
               "/var/lib/autoreply", "127.0.0.1", "25"]
    user = "autoreply"

The folder (/var/lib/autoreply) remembers who was answered. It belongs to `user`, mode 0700.
"""

import argparse
import os
import re
import smtplib
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from email import message_from_string
from email.charset import QP, Charset
from email.errors import HeaderParseError
from email.header import Header, decode_header, make_header
from email.message import Message
from email.utils import formatdate, make_msgid
from itertools import islice, takewhile
from pathlib import Path
from typing import BinaryIO

SEVEN_DAYS = 7 * 24 * 3600.0
PATIENCE = 5.0  # seconds; the hook has ten
SUBJECT_AT_MOST = 120
REFERENCES_AT_MOST = 20

# No standard names these values; everybody uses them (RFC 3834 §2).
_TO_MANY = ("bulk", "list", "junk")

# RFC 5322 §3.6.4, as it is met: no blank, no second bracket.
_MESSAGE_ID = re.compile(r"<[^<>\s]+@[^<>\s]+>")


def main() -> None:
    """Prints the account, and answers where an answer is due."""
    order = _order()
    sender = os.environ["SENDER"]
    header = header_of(sys.stdin.buffer)
    try:
        answer = answer_to(header, sender, order.text.read_text("utf-8"))
        if is_due(sender, header) and is_first(order.state, sender):
            with smtplib.SMTP(order.host, order.port, timeout=PATIENCE) as server:
                # RFC 3834 §3.3: from the null reverse path, so that nothing can come back.
                server.sendmail("", [sender], answer.as_string())
    except (OSError, sqlite3.Error, UnicodeError) as error:  # an SMTPException is an OSError
        print(f"no answer: {error}", file=sys.stderr)
    print(order.account)


def _order() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Answers a message with a text.")
    parser.add_argument("account", help="who keeps the message")
    parser.add_argument("text", type=Path, help="the file of the answer, in UTF-8")
    parser.add_argument("state", type=Path, help="the folder that remembers who was answered")
    parser.add_argument("host", help="the SMTP server")
    parser.add_argument("port", type=int)
    return parser.parse_args()


def header_of(stream: BinaryIO) -> Message:
    """The header of a message, without reading its body; raw UTF-8 in it is understood."""
    lines = takewhile(lambda line: line.strip(b"\r\n"), stream)
    return message_from_string(b"".join(lines).decode("utf-8", "replace"))


def is_due(sender: str, header: Message) -> bool:
    """Whether this message may be answered at all (RFC 3834 §2)."""
    local = sender.rpartition("@")[0].lower()
    # Nobody reads what goes to the null path, and a program or a list what goes to these.
    if not local or local.startswith("owner-") or local.endswith("-request"):
        return False
    if local == "mailer-daemon":
        return False
    if any(value_of(each) != "no" for each in header.get_all("Auto-Submitted", [])):
        return False
    if any(value_of(each) in _TO_MANY for each in header.get_all("Precedence", [])):
        return False
    return not any(name.lower().startswith("list-") for name in header)


def value_of(field: str) -> str:
    """What a field says, without comments and parameters (RFC 3834 §5)."""
    return re.sub(r"\([^()]*\)", "", field).partition(";")[0].strip().lower()


def is_first(state: Path, sender: str) -> bool:
    """Whether a sender was not answered in seven days; from now on it was (RFC 3834 §2).

    It is noted before the answer is sent: rather none than two, when two messages come at once.
    """
    folder = state.stat()
    if folder.st_uid != os.geteuid() or folder.st_mode & 0o022:
        raise PermissionError(f"{state} must be our own, and writable by nobody else")
    now = time.time()
    with closing(sqlite3.connect(state / "answered.sqlite3", timeout=PATIENCE)) as file, file:
        file.execute("CREATE TABLE IF NOT EXISTS answered (sender TEXT PRIMARY KEY, at REAL)")
        file.execute("DELETE FROM answered WHERE at < ?", (now - SEVEN_DAYS,))
        noted = file.execute("INSERT OR IGNORE INTO answered VALUES (?, ?)", (sender.lower(), now))
        return noted.rowcount == 1


def answer_to(header: Message, sender: str, text: str) -> Message:
    """The answer to a message with this header (RFC 3834 §3.1)."""
    charset = Charset("utf-8")
    charset.body_encoding = QP
    answer = Message()
    answer.set_payload(text, charset)
    answer["From"] = os.environ["RECIPIENT"]
    answer["To"] = sender
    answer["Date"] = formatdate(localtime=True)
    answer["Message-ID"] = make_msgid(domain=os.environ["DOMAIN"])
    answer["Subject"] = auto(subject_of(header))
    answer["Auto-Submitted"] = "auto-replied"
    # RFC 5322 §3.6.4: what the message refers to, and the message.
    answered = list(islice(identities(header, "Message-ID"), 1))
    if answered:
        before = list(identities(header, "References")) or list(identities(header, "In-Reply-To"))
        answer["In-Reply-To"] = answered[0]
        answer["References"] = " ".join([*before, *answered][-REFERENCES_AT_MOST:])
    return answer


def subject_of(header: Message) -> str:
    """The subject as people read it, in one line and not too long."""
    raw = header.get("Subject", "")
    try:
        text = str(make_header(decode_header(raw)))
    except (HeaderParseError, LookupError, ValueError):  # an encoded word that is none (RFC 2047)
        text = raw
    line = " ".join(text.split())
    shown = "".join(each if each.isprintable() else "?" for each in line)[:SUBJECT_AT_MOST]
    return shown or "(no subject)"


def auto(subject: str) -> str:
    """A subject behind "Auto:", in encoded words where it is not ASCII (RFC 2047 §2)."""
    plain = subject.isascii() and "=?" not in subject
    header = Header("Auto:", "us-ascii", header_name="Subject")
    header.append(subject, "us-ascii" if plain else "utf-8")
    return header.encode()


def identities(header: Message, name: str) -> Iterator[str]:
    """The message identities in a field."""
    return (each[0] for each in _MESSAGE_ID.finditer(header.get(name, "")))


if __name__ == "__main__":
    main()
