"""Thunderbird, as its own conversation shows it (version 153, recorded between it and the server).

Its account set-up tries everything at the same time and early; its mail check asks in one order,
and its memory is the UIDL.
"""

import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from .faults import Peer
from .process import HOST, PATIENCE, Account, ServerProcess


def encoded(*parts: str) -> str:
    return b64encode("\0".join(parts).encode()).decode()


def multiline(peer: Peer, command: str) -> list[str]:
    """A multi-line response of POP3 without its first and last line."""
    assert peer.say(command).startswith("+OK")
    return peer.text().decode().splitlines()


class Thunderbird:
    """One account, "leave messages on the server" ticked."""

    def __init__(self, server: ServerProcess, student: Account) -> None:
        self._server = server
        self._student = student
        self.inbox: list[bytes] = []
        self._known: set[str] = set()
        self.asked: list[str] = []
        """The messages of the last check, by number."""

    def checks_mail(self) -> None:
        """What "Get Messages" does: CAPA before the login; then STAT, LIST, UIDL, what is new."""
        number = self._student.number
        with self._connected() as peer:
            assert "SASL PLAIN LOGIN" in multiline(peer, "CAPA")
            assert peer.say("AUTH PLAIN") == "+ "
            assert peer.say(encoded("", number, number)).startswith("+OK")
            if peer.say("STAT").split()[1] != "0":
                self._loads(peer)
            assert peer.say("QUIT").startswith("+OK")

    def _loads(self, peer: Peer) -> None:
        sizes = dict(each.split() for each in multiline(peer, "LIST"))
        unique = dict(each.split() for each in multiline(peer, "UIDL"))
        assert sizes.keys() == unique.keys()
        self.asked = [number for number, each in unique.items() if each not in self._known]
        for number in self.asked:
            assert peer.say(f"RETR {number}") == f"+OK {sizes[number]} octets"
            self.inbox.append(peer.text().replace(b"\r\n", b"\n"))
            self._known.add(unique[number])

    @contextmanager
    def _connected(self) -> Iterator[Peer]:
        with Peer(self._server.pop3) as peer:
            assert peer.reply().startswith("+OK")
            yield peer


# The account set-up: everything on "Autodetect"


@pytest.mark.parametrize("protocol", ["smtp", "pop3"])
def test_set_up_tries_tls_and_is_let_go(server: ServerProcess, protocol: str) -> None:
    """Its TLS takes our greeting for the head of a record and waits; only the close ends that."""
    outgoing = ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="mypc")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    with Peer(getattr(server, protocol)) as peer:
        peer.send(outgoing.read())
        greeting, answer, *more = peer.rest().decode("ascii").splitlines()
        assert greeting.startswith(("220 ", "+OK "))
        assert answer.startswith(("421 4.7.0 no TLS here", "-ERR no TLS here"))
        assert more == []


def test_set_up_asks_for_the_login_mechanisms_and_leaves(server: ServerProcess) -> None:
    with Peer(server.smtp) as peer:
        peer.send(b"EHLO we-guess.mozilla.org\r\n")  # it does not wait for the greeting
        peer.send(b"QUIT\r\n")
        said = peer.rest().decode().splitlines()
    assert "250-AUTH PLAIN LOGIN" in said
    assert not any("STARTTLS" in line for line in said)
    assert said[-1].startswith("221 ")
    with Peer(server.pop3) as peer:
        peer.send(b"CAPA\r\nQUIT\r\n")
        said = peer.rest().decode().splitlines()
    assert "<" not in said[0], "a timestamp would offer APOP"
    assert "SASL PLAIN LOGIN" in said
    assert "STLS" not in said
    assert said[-1].startswith("+OK ")


@pytest.mark.parametrize("form", ["number", "address"])
def test_set_up_tries_the_login(server: ServerProcess, student: Account, form: str) -> None:
    with Peer(server.pop3) as peer:
        assert peer.reply().startswith("+OK")
        multiline(peer, "CAPA")
        assert peer.say("AUTH PLAIN") == "+ "
        answer = peer.say(encoded("", getattr(student, form), student.number))
        assert answer == f"+OK maildrop of {student.number} has 0 messages (0 octets)"
        assert peer.say("QUIT").startswith("+OK")


# The daily work


def test_mail_stays_on_the_server_and_is_loaded_once(
    server: ServerProcess, student: Account
) -> None:
    thunderbird = Thunderbird(server, student)
    thunderbird.checks_mail()
    server.deliver(student, b"Subject: one\n\n.\n", b"Subject: two\n\n2\n")
    thunderbird.checks_mail()
    assert thunderbird.asked == ["1", "2"]
    thunderbird.checks_mail()
    assert thunderbird.asked == []
    server.deliver(student, b"Subject: three\n\n3\n")
    thunderbird.checks_mail()
    assert thunderbird.asked == ["3"]
    assert thunderbird.inbox == student.stored()
    assert len(student.mail()) == 3


def test_a_message_that_another_program_deletes_shifts_numbers_but_no_names(
    server: ServerProcess, student: Account
) -> None:
    thunderbird = Thunderbird(server, student)
    server.deliver(student, b"Subject: one\n\n1\n", b"Subject: two\n\n2\n")
    thunderbird.checks_mail()
    by_hand = Peer(server.pop3)
    commands = (f"USER {student.number}", f"PASS {student.number}", "DELE 1", "QUIT")
    assert [by_hand.reply(), *map(by_hand.say, commands)][-1] == "+OK goodbye, 1 message removed"
    server.deliver(student, b"Subject: three\n\n3\n")
    thunderbird.checks_mail()
    assert thunderbird.asked == ["2"]
    assert b"Subject: three" in thunderbird.inbox[-1]


def test_a_wrong_password_is_tried_by_every_mechanism(
    server: ServerProcess, student: Account
) -> None:
    """On one connection: PLAIN, LOGIN, then USER and PASS; the fourth is right, in the dialogue."""
    number = student.number
    with Peer(server.pop3) as peer:
        peer.reply()
        multiline(peer, "CAPA")
        peer.say("AUTH PLAIN")
        assert peer.say(encoded("", number, "wrong")).startswith("-ERR [AUTH]")
        peer.say("AUTH LOGIN")
        assert peer.say(encoded(number)) == f"+ {encoded('Password:')}"
        assert peer.say(encoded("wrong")).startswith("-ERR [AUTH]")
        peer.say(f"USER {number}")
        assert peer.say("PASS wrong").startswith("-ERR [AUTH]")
        peer.say("AUTH PLAIN")
        assert peer.say(encoded("", number, number)).startswith("+OK")


def test_a_mail_is_sent(server: ServerProcess, student: Account) -> None:
    number, address = student.number, student.address
    message = f"""\
Message-ID: <d7344b98-7dff-431c-ae2f-215b8b1ad68d@tpmail.info.unicaen.fr>
Date: Mon, 23 Nov 2026 17:05:05 +0000
MIME-Version: 1.0
User-Agent: Mozilla Thunderbird
To: {address}
From: Student <{address}>
Subject: =?UTF-8?B?w6l0w6k=?=
Content-Type: text/plain; charset=UTF-8; format=flowed
Content-Transfer-Encoding: 8bit

déjà vu
..
""".encode()
    with Peer(server.smtp) as peer:
        peer.reply()
        assert peer.say("EHLO [127.0.0.1]") == "250 HELP"
        assert peer.say(f"AUTH PLAIN {encoded('', number, 'wrong')}").startswith("535 ")
        peer.say("AUTH LOGIN")
        peer.say(encoded(number))
        assert peer.say(encoded("wrong")).startswith("535 ")
        assert peer.say(f"AUTH PLAIN {encoded('', number, number)}").startswith("235 ")
        size = len(message.replace(b"\n", b"\r\n"))
        assert peer.say(f"MAIL FROM:<{address}> BODY=8BITMIME SIZE={size}").startswith("250 ")
        assert peer.say(f"RCPT TO:<{address}>").startswith("250 ")
        assert peer.say("DATA").startswith("354 ")
        peer.send(message.replace(b"\n..", b"\n...").replace(b"\n", b"\r\n"))
        assert peer.say(".").startswith("250 2.0.0 delivered to 1 mailbox")
        # The connection is kept for the next mail, and in the end just closed.
        assert peer.say(f"MAIL FROM:<{address}> BODY=8BITMIME SIZE=3").startswith("250 ")
    assert student.mail() == [message]


def test_a_second_check_while_the_maildrop_is_held(server: ServerProcess, student: Account) -> None:
    """A check that finds the maildrop taken waits for it a moment, as a poll is short."""
    with socket.create_connection((HOST, server.pop3), PATIENCE) as holder:
        holder.sendall(f"USER {student.number}\r\nPASS {student.number}\r\n".encode())
        with holder.makefile("rb") as replies:
            assert [next(replies)[:3] for _ in range(3)] == [b"+OK"] * 3
        with Peer(server.pop3) as waiting:
            waiting.reply()
            assert waiting.say("AUTH PLAIN") == "+ "
            waiting.send(encoded("", student.number, student.number).encode() + b"\r\n")
            holder.sendall(b"QUIT\r\n")
            assert waiting.reply().startswith("+OK")
