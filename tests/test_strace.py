"""What the kernel was asked to do before the server said yes.

A kill cannot show what a power cut would lose; the order of the system calls can. The server runs
under strace: a file is synced before it gets a name in a mailbox, every folder is synced after it
got one, and `250` is sent when the last of these has returned. The same for `DELE` and `QUIT`.
"""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from .faults import Server, mail, pop3, site_for, smtp, until
from .listing import lists_of

ACCOUNTS = ("22000001", "22000002", "22000003")
FRESH, KEPT = "22000009", "22000008"
CALLS = (
    "openat,fsync,fdatasync,link,linkat,rename,renameat,renameat2,unlink,unlinkat,"
    "sendto,sendmsg,write,writev"
)
SEND = "sendto|sendmsg|write|writev"
CREATED = "O_WRONLY|O_CREAT|O_EXCL|O_NOFOLLOW|O_CLOEXEC, 0600"
IN = "O_NOFOLLOW|O_CLOEXEC|O_DIRECTORY"
_WHOLE = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+)")
_BEGUN = re.compile(r"(\d+) +(\w+)\((.*) <unfinished \.\.\.>")
_ENDED = re.compile(r"(\d+) +<\.\.\. \w+ resumed>(.*)\) += (-?\d+)")

pytestmark = pytest.mark.skipif(
    shutil.which("strace") is None, reason="wants strace: apt-get install strace"
)


@dataclass(frozen=True, slots=True)
class Call:
    """One system call; `began` and `ended` are lines of the trace."""

    name: str
    arguments: str
    began: int
    ended: int

    def __str__(self) -> str:
        return f"{self.began}-{self.ended} {self.name}({self.arguments[:160]})"


class Trace:
    """The calls of a stretch of the server's life, those that succeeded."""

    def __init__(self, text: str) -> None:
        self.calls = sorted(_calls(text), key=lambda call: call.ended)

    def of(self, name: str, *words: str) -> list[Call]:
        """The calls of these names (a regular expression) whose arguments hold these words."""
        return [
            call
            for call in self.calls
            if re.fullmatch(name, call.name) and all(word in call.arguments for word in words)
        ]

    def one(self, name: str, *words: str) -> Call:
        found = self.of(name, *words)
        assert len(found) == 1, f"{name} {words}: {[str(each) for each in found]}\n{self}"
        return found[0]

    def __str__(self) -> str:
        return "\n".join(map(str, self.calls))


def _calls(text: str) -> Iterator[Call]:
    begun: dict[str, tuple[str, str, int]] = {}
    for at, line in enumerate(text.splitlines()):
        if found := _WHOLE.match(line):
            _, name, arguments, result = found.groups()
            if int(result) >= 0:
                yield Call(name, arguments, at, at)
        elif found := _BEGUN.match(line):
            thread, name, arguments = found.groups()
            begun[thread] = (name, arguments, at)
        elif found := _ENDED.match(line):
            thread, more, result = found.groups()
            name, arguments, began = begun.pop(thread)
            if int(result) >= 0:
                yield Call(name, arguments + more, began, at)


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    """A server under strace, and the file that the trace goes to."""
    folder = tmp_path_factory.mktemp("strace")
    site = site_for(folder / "site", (*ACCOUNTS, FRESH, KEPT))
    output = folder / "trace"
    lists_of(site).put("two", ACCOUNTS[1:])
    before = ("strace", "-f", "-y", "-s", "160", "-e", f"trace={CALLS}", "-o", str(output))
    server = Server(site, before=before)
    try:
        until(lambda: "] serving " in server.log or server.process.poll() is not None)
        if "] serving " not in server.log:
            pytest.skip(f"strace may not trace here: {server.log[-300:]}")
        yield server, output
        server.stop()
    finally:
        if server.process.poll() is None:
            server.process.kill()


def trace_since(output: Path, start: int, said: str) -> Trace:
    """What was traced from an offset on, `said` with it: the client may hear it before strace."""

    def trace() -> Trace:
        return Trace(output.read_bytes()[start:].decode("ascii", "replace"))

    until(lambda: trace().of(SEND, said))
    return trace()


def in_order(first: list[Call], second: list[Call], trace: Trace) -> None:
    """Every call of the first kind had returned before any of the second began."""
    assert first, f"no such call\n{trace}"
    assert second, f"no such call\n{trace}"
    last = max(first, key=lambda call: call.ended)
    early = min(second, key=lambda call: call.began)
    assert last.ended < early.began, f"{early}\ncame before the end of\n{last}\n\n{trace}"


@pytest.mark.parametrize(
    ("addressed", "mailboxes"),
    [(ACCOUNTS[:1], ACCOUNTS[:1]), (ACCOUNTS, ACCOUNTS), (("two",), ACCOUNTS[1:])],
    ids=["one", "three", "list"],
)
@pytest.mark.parametrize("octets", [100, 200_000], ids=["small", "large"])
def test_250_is_sent_when_everything_is_on_the_disk(
    traced: tuple[Server, Path], addressed: tuple[str, ...], mailboxes: tuple[str, ...], octets: int
) -> None:
    server, output = traced
    with smtp(server.smtp) as peer:
        # The mailboxes are made by the first delivery, which is another test's.
        assert mail(peer, mailboxes, b"Subject: first\r\n").startswith("250 ")
        start = output.stat().st_size
        said = mail(peer, addressed, b"Subject: traced\r\n\r\n" + b"x" * octets + b"\r\n")
        assert said.startswith("250 "), said
    identity = said.rpartition("id=")[2]
    trace = trace_since(output, start, said)
    created = trace.one("openat", "/spool>", f'"{identity}"', "O_CREAT")
    assert created.arguments.endswith(f'"{identity}", {CREATED}'), created
    writes = trace.of("write|writev", f"/spool/{identity}>")
    synced = trace.one("fsync|fdatasync", f"/spool/{identity}>")
    opened = [trace.one("openat", f"/maildirs/{name}>", '"new"', IN) for name in mailboxes]
    links = trace.of("link|linkat", identity)
    moved = trace.one("rename|renameat2?", identity)
    folders = [trace.one("fsync", f"/maildirs/{name}/new>") for name in mailboxes]
    assert len(links) == len(mailboxes) - 1
    for call in (*links, moved):
        assert f'"{identity},S=' in call.arguments
    in_order([created], writes, trace)
    in_order(writes, [synced], trace)
    in_order([synced], opened, trace)
    in_order(opened, [*links, moved], trace)
    if links:
        in_order(links, [moved], trace)
    in_order([*links, moved], folders, trace)
    in_order(folders, [trace.one(SEND, said)], trace)


def test_a_list_beside_a_direct_recipient_is_written_before_either_has_it(
    traced: tuple[Server, Path],
) -> None:
    """Two stamps are two files, and a failure with the second must leave none of the first."""
    server, output = traced
    with smtp(server.smtp) as peer:
        assert mail(peer, ACCOUNTS, b"Subject: first\r\n").startswith("250 ")
        start = output.stat().st_size
        said = mail(peer, [ACCOUNTS[0], "two"], b"Subject: traced\r\n\r\nx\r\n")
        assert said.startswith("250 2.0.0 delivered to 3 mailboxes, "), said
    trace = trace_since(output, start, said)
    synced = trace.of("fsync|fdatasync", "/spool/")
    given = trace.of("link|linkat|rename|renameat2?", "/spool>")
    folders = [trace.one("fsync", f"/maildirs/{name}/new>") for name in ACCOUNTS]
    assert len(synced) == 2
    assert len(given) == 3
    in_order(synced, given, trace)
    in_order(given, folders, trace)
    in_order(folders, [trace.one(SEND, said)], trace)


def test_a_new_mailbox_is_on_the_disk_too(traced: tuple[Server, Path]) -> None:
    """A message is not safe in a folder whose own name is not."""
    server, output = traced
    start = output.stat().st_size
    with smtp(server.smtp) as peer:
        said = mail(peer, [FRESH], b"Subject: new\r\n")
    assert said.startswith("250 "), said
    trace = trace_since(output, start, said)
    sent = [trace.one(SEND, said)]
    for folder in (f"/maildirs/{FRESH}/new>", f"/maildirs/{FRESH}>", "/maildirs>"):
        in_order(trace.of("fsync", folder), sent, trace)


@pytest.mark.parametrize("removed_from", [("new",), ("cur", "new")], ids=["unread", "both"])
def test_ok_to_quit_is_sent_when_everything_is_removed(
    traced: tuple[Server, Path], removed_from: tuple[str, ...]
) -> None:
    server, output = traced
    reader_of = ACCOUNTS[1]
    with pop3(server.pop3, reader_of) as reader:
        earlier = int(reader.say("STAT").split()[1])
    with smtp(server.smtp) as peer:
        for subject in (b"one", b"two", b"three"):
            assert mail(peer, [reader_of], b"Subject: " + subject + b"\r\n").startswith("250 ")
    if "cur" in removed_from:
        with pop3(server.pop3, reader_of) as reader:
            assert reader.say(f"RETR {earlier + 1}").startswith("+OK")
            reader.text()
            assert reader.say("QUIT").startswith("+OK")
    with pop3(server.pop3, reader_of) as reader:
        for number in (earlier + 1, earlier + 3):
            assert reader.say(f"DELE {number}").startswith("+OK")
        start = output.stat().st_size
        said = reader.say("QUIT")
    assert said == "+OK goodbye, 2 messages removed"
    trace = trace_since(output, start, said)
    removed = trace.of("unlink|unlinkat", f"/maildirs/{reader_of}/")
    assert len(removed) == 2
    sent = trace.one(SEND, said)
    for folder in removed_from:
        place = f"/maildirs/{reader_of}/{folder}>"
        synced = trace.one("fsync", place)
        in_order(trace.of("unlink|unlinkat", place), [synced], trace)
        in_order([synced], [sent], trace)


def test_nothing_is_removed_before_quit(traced: tuple[Server, Path]) -> None:
    server, output = traced
    with smtp(server.smtp) as peer:
        assert mail(peer, [KEPT], b"Subject: kept\r\n").startswith("250 ")
    start = output.stat().st_size
    with pop3(server.pop3, KEPT) as reader:
        said = reader.say("DELE 1")
        assert said.startswith("+OK")
        reader.half_close()
        assert reader.rest() == b""
    with pop3(server.pop3, KEPT) as reader:
        end = reader.say("STAT")
    assert end.startswith("+OK 1 ")
    assert not trace_since(output, start, end).of("unlink|unlinkat", "/maildirs/")
