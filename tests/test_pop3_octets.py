r"""What LIST announces is what RETR sends: octets with every line end as CRLF (RFC 1939 §5, §11).

Byte-stuffing and the final `.` are not counted. Messages come in by SMTP, as drafts, and as files
that another program has put there; a client counts what it receives, over real sockets.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread

from tpmailserver.settings import Settings
from tpmailserver.site import Site, open_site

from .serving import serving

NUMBER = "22000001"
MESSAGES = {
    "plain": b"Subject: x\n\nbody\n",
    "empty": b"",
    "one line end": b"\n",
    "no final newline": b"Subject: x\n\nthe last line",
    "one octet": b"x",
    "dots at line starts": b"Subject: x\n\n.\n..\n...\n.profile\na.\n",
    "a lone dot first": b".\n",
    "a lone dot last, unended": b"Subject: x\n\n.",
    "dot behind a bare CR": b"Subject: x\n\na\r.b\n\r.\n",
    "eight bits": b"Subject: \xc3\xa9\n\n\xe9\xff\x00\x80\n",
    "a long line": b"Subject: x\n\n" + b"x" * 100_000 + b"\n",
    "a long line of dots": b"Subject: x\n\n" + b"." * 100_000 + b"\n",
    "bare CRs": b"Subject: x\n\na\rb\r\r\nc\r\n",
    "empty lines": b"\n" * 1000,
    "larger than a piece": b"Subject: x\n\n" + b".line\n" * 100_000,
}


class Reader:
    """A POP3 client that counts octets."""

    def __init__(self, connection: socket.socket) -> None:
        self._file = connection.makefile("rwb")
        assert self._file.readline().startswith(b"+OK")

    def say(self, command: str) -> bytes:
        self._file.write(command.encode() + b"\r\n")
        self._file.flush()
        reply: bytes = self._file.readline()
        assert reply.startswith(b"+OK"), reply
        return reply

    def listing(self, command: str) -> dict[int, bytes]:
        self.say(command)
        rows = [line.split(maxsplit=1) for line in self._lines()]
        return {int(number): value.rstrip(b"\r\n") for number, value in rows}

    def retrieve(self, number: int) -> bytes:
        """The octets of a message as they came, unstuffed (RFC 1939 §3)."""
        self.say(f"RETR {number}")
        return b"".join(line[1:] if line.startswith(b".") else line for line in self._lines())

    def _lines(self) -> Iterator[bytes]:
        while (line := self._crlf_line()) != b".\r\n":
            yield line

    def _crlf_line(self) -> bytes:
        """A line ends in CRLF; a bare LF ends none, and must not be there."""
        line: bytes = self._file.readline()
        assert line.endswith(b"\r\n"), line[-50:]
        return line


@contextmanager
def reading(port: int) -> Iterator[Reader]:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        reader = Reader(connection)
        reader.say(f"USER {NUMBER}")
        reader.say(f"PASS {NUMBER}")
        yield reader


def on_the_wire(stored: bytes) -> bytes:
    """RFC 1939 §11: every line ends in CRLF, the last one too."""
    ended = stored + b"\n" if stored and not stored.endswith(b"\n") else stored
    return ended.replace(b"\n", b"\r\n")


def check_everything(port: int, expected: list[bytes]) -> None:
    with reading(port) as reader:
        octets = {number: int(size) for number, size in reader.listing("LIST").items()}
        uidls = reader.listing("UIDL")
        assert len(set(uidls.values())) == len(expected)
        for number, stored in enumerate(expected, 1):
            received = reader.retrieve(number)
            assert received.endswith(on_the_wire(stored))
            assert octets[number] == len(received)
            assert reader.say(f"LIST {number}") == f"+OK {number} {len(received)}\r\n".encode()
        total = sum(octets.values())
        assert reader.say("STAT") == f"+OK {len(expected)} {total}\r\n".encode()
        reader.say("QUIT")
    with reading(port) as reader:
        assert reader.listing("UIDL") == uidls


def site_in(folder: Path) -> Site:
    site = open_site(folder, Settings())
    site.stores.database.add([NUMBER], None, 0.0)
    return site


@pytest_twisted.ensureDeferred
async def test_octets_of_drafts(tmp_path: Path) -> None:
    site = site_in(tmp_path)
    for message in MESSAGES.values():
        draft = site.stores.spool.draft(b"")
        draft.write(message)
        site.stores.mailboxes.deliver(draft, [NUMBER])
    async with serving(tmp_path, Settings()) as ports:
        await deferToThread(check_everything, ports["pop3"], list(MESSAGES.values()))


@pytest_twisted.ensureDeferred
async def test_octets_of_files_that_another_program_has_put_there(tmp_path: Path) -> None:
    """Their names say no sizes, so they are read once."""
    site_in(tmp_path).stores.mailboxes.prepare(NUMBER)
    messages = list(MESSAGES.values())
    for index, message in enumerate(messages):
        (tmp_path / "maildirs" / NUMBER / "new" / f"17000000{index:02}.1.elsewhere").write_bytes(
            message
        )
    async with serving(tmp_path, Settings()) as ports:
        await deferToThread(check_everything, ports["pop3"], messages)


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r\0\r\n"], ids=["CRLF", "LF", "telnet"])
async def test_octets_of_mail_that_came_by_smtp(end: bytes, tmp_path: Path) -> None:
    """In each manner of line ends; what the client stuffs with dots comes out without them."""
    site_in(tmp_path)
    wanted = [each for each in MESSAGES.values() if b"\r" not in each and b"\0" not in each]
    async with serving(tmp_path, Settings()) as ports:
        for message in wanted:
            await deferToThread(send, ports["smtp"], message, end)
        stored = [each if each.endswith(b"\n") or not each else each + b"\n" for each in wanted]
        await deferToThread(check_everything, ports["pop3"], stored)


def send(port: int, message: bytes, end: bytes) -> None:
    """One mail, all in one write."""
    lines = message.removesuffix(b"\n").split(b"\n") if message else []
    stuffed = [b"." + line if line.startswith(b".") else line for line in lines]
    commands = [b"HELO me", b"MAIL FROM:<1@x>", b"RCPT TO:<" + NUMBER.encode() + b">", b"DATA"]
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"".join(each + end for each in [*commands, *stuffed, b".", b"QUIT"]))
        with connection.makefile("rb") as replies:
            codes = [line[:3] for line in replies]
    assert codes == [b"220", b"250", b"250", b"250", b"354", b"250", b"221"]
