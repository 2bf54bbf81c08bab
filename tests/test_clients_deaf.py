"""A client that says all it wants and hangs up without listening is heard out."""

import socket
import struct
from pathlib import Path

from .faults import serving, site_for, until

MAIL = (
    b"HELO me\n",
    b"MAIL FROM:<22000001>\n",
    b"RCPT TO:<22000002>\n",
    b"DATA\n",
    b"Subject: deaf\n\nhello\n",
    b".\n",
    b"QUIT\n",
)


def say_and_hang_up(port: int, *pieces: bytes) -> None:
    """Writes piece by piece, reads nothing, and closes; the system then refuses the answers."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.recv(1, socket.MSG_PEEK)  # so that the greeting lies there, unread
        for piece in pieces:
            connection.sendall(piece)


def test_mail_of_a_script_that_reads_no_answer_is_delivered(tmp_path: Path) -> None:
    site = site_for(tmp_path / "site", ["22000001", "22000002"])
    with serving(site) as server:
        for _ in range(10):
            say_and_hang_up(server.smtp, *MAIL)
        new = site / "maildirs" / "22000002" / "new"
        until(lambda: new.is_dir() and len(list(new.iterdir())) == 10)


def test_a_reset_in_the_middle_of_the_message_delivers_nothing(tmp_path: Path) -> None:
    site = site_for(tmp_path / "site", ["22000001", "22000002"])
    with serving(site) as server:
        connection = socket.create_connection(("127.0.0.1", server.smtp))
        connection.sendall(b"".join(MAIL[:5]))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        say_and_hang_up(server.smtp, *MAIL)
        new = site / "maildirs" / "22000002" / "new"
        until(lambda: new.is_dir() and len(list(new.iterdir())) >= 1)
        assert len(list(new.iterdir())) == 1
