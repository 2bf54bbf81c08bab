"""What README.md tells to type after `make run` gets the answers that stand there."""

import re
import socket
from pathlib import Path

import pytest_twisted
from twisted.internet.threads import deferToThread

from tpmailserver.admin.demo import demo
from tpmailserver.settings import Settings
from tpmailserver.site import open_site

from .serving import serving
from .transcript import Expected

PAGE = (Path(__file__).parent.parent / "README.md").read_text()
CONVERSATION = re.compile(r"^\$ telnet localhost (\d+)\n((?:[CS]:.*\n)+)", re.MULTILINE)
PROTOCOLS = {"2525": "smtp", "1110": "pop3"}


@pytest_twisted.ensureDeferred
async def test_what_is_typed_gets_these_answers(tmp_path: Path) -> None:
    demo(open_site(tmp_path, Settings()).desk())
    conversations = CONVERSATION.findall(PAGE)
    assert [PROTOCOLS[port] for port, _ in conversations] == ["smtp", "pop3"]
    async with serving(tmp_path, Settings()) as ports:
        for port, lines in conversations:
            await deferToThread(_converse, ports[PROTOCOLS[port]], lines)


def _converse(port: int, lines: str) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        server = connection.makefile("rb")
        for line in lines.splitlines():
            speaker, text = line[:2], line[3:]
            if speaker == "C:":
                connection.sendall(text.encode() + b"\r\n")
            else:
                heard = server.readline().removesuffix(b"\r\n")
                wanted = Expected(text.replace("…", "*").encode())
                assert wanted.pattern().fullmatch(heard), f"{heard!r} is not {line!r}"
        assert server.read() == b"", "the server says more than the page"
