"""Every conversation in `transcripts/`, played three ways: the octets are the same.

On the bare machine with all that the client says in one piece, on the bare machine octet by octet,
and over real TCP line by line.
"""

import socket
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread

from tpmailserver.settings import Settings, from_table
from tpmailserver.site import Site, open_site
from tpmailserver.store.database import Database
from tpmailserver.store.lists import MayPost

from .bare import BareSession, play
from .serving import serving
from .transcript import (
    ACCOUNTS,
    Closed,
    Connect,
    Expected,
    HalfClose,
    HangUp,
    Script,
    Sent,
    Step,
    Transcript,
    Turn,
    Wait,
    all_transcripts,
    check_mailboxes,
    read,
)

TRANSCRIPTS = all_transcripts()
NAMES = [str(each.relative_to(Path(__file__).parent / "transcripts")) for each in TRANSCRIPTS]
LIMITS = frozenset(Settings().limits.__slots__)


def settings_of(transcript: Transcript) -> Settings:
    table: dict[str, object] = {}
    limits: dict[str, object] = {"failed_login_delay": 0.05}
    for key, value in transcript.settings.items():
        if key in LIMITS:
            limits[key] = float(value) if "." in value else int(value)
        else:
            table[key] = value.split() if key == "networks" else value
    hooks = [(name, value) for said, name, value in transcript.lists if said == "list-hook"]
    if hooks:
        table["hooks"] = {name: {"python": value} for name, value in hooks}
    return from_table(table | {"limits": limits})


def furnish(folder: Path, settings: Settings, transcript: Transcript) -> Site:
    """A site with the accounts and the mail that a conversation starts from."""
    site = open_site(folder, settings)
    site.stores.database.add(ACCOUNTS, "td1", 0.0)
    site.stores.database.add(transcript.accounts, None, 0.0)
    make_lists(site.stores.database, transcript)
    site.stores.directory.refresh()
    for number, message in transcript.mail:
        draft = site.stores.spool.draft(b"")
        draft.write(message)
        site.stores.mailboxes.deliver(draft, [number])
    return site


def make_lists(database: Database, transcript: Transcript) -> None:
    """The lists that a conversation starts from, each direction carried out in its turn."""
    for said, name, value in transcript.lists:
        match said:
            case "list":
                database.lists.put(name, members=value.split())
            case "list-owner":
                database.lists.put(name, owner=value)
            case "list-post":
                database.lists.put(name, may_post=MayPost(value))
            case "list-suspended":
                database.lists.suspend(name, value)


@pytest.mark.parametrize("size", [0, 1], ids=["whole", "octet by octet"])
@pytest.mark.parametrize("path", TRANSCRIPTS, ids=NAMES)
def test_on_the_bare_machine(path: Path, size: int, tmp_path: Path) -> None:
    transcript = read(path)
    if transcript.tcp_only:
        pytest.skip("a conversation about TCP itself; it is played over TCP")
    settings = settings_of(transcript)
    furnish(tmp_path, settings, transcript)
    play(transcript, BareSession(transcript.protocol, tmp_path, settings), size)
    check_mailboxes(transcript, tmp_path)


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=NAMES)
@pytest_twisted.ensureDeferred
async def test_over_tcp(path: Path, tmp_path: Path) -> None:
    transcript = read(path)
    settings = settings_of(transcript)
    furnish(tmp_path, settings, transcript)
    async with serving(tmp_path, settings) as ports:
        await deferToThread(_converse, transcript, ports)
    check_mailboxes(transcript, tmp_path)


def _converse(transcript: Transcript, ports: dict[str, int]) -> None:
    connections = [(_connected(ports[transcript.protocol]), Script(transcript))]
    connection, script = connections[0]
    try:
        for step in transcript.steps:
            match step:
                case Connect(protocol):
                    connection, script = _connected(ports[protocol]), Script(transcript)
                    connections.append((connection, script))
                case Turn(number):
                    connection, script = connections[number]
                case _:
                    _perform(connection, script, step)
        for connection, script in connections:
            _hear_to_the_end(connection, script)
            script.check_nothing_left()
    finally:
        for connection, _ in connections:
            connection.close()


def _connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def _perform(connection: socket.socket, script: Script, step: Step) -> None:
    match step:
        case Sent(octets):
            connection.sendall(octets)
        case Expected():
            _hear(connection, script, step)
            script.check(step)
        case Wait():
            pass  # the next line of the server takes its time
        case HalfClose():
            connection.shutdown(socket.SHUT_WR)
        case HangUp():
            connection.close()
        case Closed():
            assert _read(connection) == b"", "the server goes on"


def _hear(connection: socket.socket, script: Script, step: Expected) -> None:
    while not script.has(step):
        octets = _read(connection)
        if not octets:
            return
        script.hear(octets)


def _hear_to_the_end(connection: socket.socket, script: Script) -> None:
    if connection.fileno() < 0:
        return  # we hung up
    with suppress(OSError):  # both sides have closed already
        connection.shutdown(socket.SHUT_WR)
    while octets := _read(connection):
        script.hear(octets)


def _read(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except ConnectionResetError:
        return b""
