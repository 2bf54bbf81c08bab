"""`make bench`: every case, the servers in turn, and a report; `--quick` is a minute's look.

python -m bench [--quick] [--rounds N] [--only WORD] [--write FILE]
"""

import argparse
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from . import machine, report
from .load import Measured, Sending, first_look, logins, readings, retrievals, send
from .mailboxes import fill
from .servers import PEERS, READER, Running, tpmail

_KIB, _MIB = 1024, 1024 * 1024
_SIZES = {"1 KiB": (_KIB, 2000), "10 KiB": (10 * _KIB, 2000), "1 MiB": (_MIB, 100)}
_SENDINGS = {
    f"{size}, {connections} conn{how}": Sending(octets, connections, messages, how == ", kept")
    for size, (octets, messages) in _SIZES.items()
    for connections in (1, 10, 50)
    for how in ("", ", kept")
}
_LOOKED_AT = {"22000100": 1_000, "22000101": 10_000, "22000102": 50_000}
_IDLE = 1000

Case = Callable[[Running], Measured]


def main() -> None:
    """Measures and prints."""
    options = _options()
    started = time.strftime("%Y-%m-%d")
    lines = [f"# Measured on {started}", "", f"{machine.described()}.", ""]
    lines += [
        f"Command: `python -m bench {shlex.join(sys.argv[1:])}`".replace(" `", "`").replace(
            "Command:`", "Command: `"
        ),
        "",
    ]
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.folder) as name:
        folder = Path(name)
        folder.chmod(0o755)
        for part in (_limits, _smtp, _pop3, _mailboxes, _idle, _start):
            if options.only in part.__name__:
                for line in part(folder, options):
                    print(line, flush=True)
                    lines.append(line)
    if options.write:
        Path(options.write).write_text("\n".join(lines) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, one round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each case (3)")
    parser.add_argument("--only", default="", help="limits, smtp, pop3, mailboxes, idle or start")
    parser.add_argument("--write", help="the report as a file of Markdown")
    parser.add_argument("--folder", default="/var/tmp", help="where the stores are: a real disk")
    options = parser.parse_args()
    if options.quick:
        options.rounds = 1
    return options


def _limits(folder: Path, _options: argparse.Namespace) -> Iterator[str]:
    yield "## This machine"
    yield ""
    for writers in (1, 10):
        made = machine.files_a_second(folder, writers)
        yield f"- files made durable a second, {writers} at once: {made:,.0f}"
    yield f"- round trips a second over loopback: {machine.round_trips_a_second():,.0f}"
    yield ""


def _serving(stack: ExitStack, folder: Path, protocol: str, *names: str) -> list[Running]:
    """This server, with one worker and with two where it has them, and the peers that are here."""
    place = Path(tempfile.mkdtemp(dir=folder))
    place.chmod(0o755)
    found = [stack.enter_context(tpmail(_made(place / "tpmail")))]
    for name in names:
        start, program = PEERS[name]
        if shutil.which(program):
            found.append(stack.enter_context(start(_made(place / name))))
        else:
            print(f"{program} is not installed: {protocol} without it", file=sys.stderr)
    return found


def _made(folder: Path) -> Path:
    folder.mkdir()
    folder.chmod(0o755)
    return folder


def _smtp(folder: Path, options: argparse.Namespace) -> Iterator[str]:
    yield "## SMTP, messages a second"
    yield ""
    cases: dict[str, Case] = {}
    for name, how in _SENDINGS.items():
        many = max(how.messages // 10, how.connections) if options.quick else how.messages
        cases[name] = _sender(Sending(how.octets, how.connections, many, how.keeps_connections))
    with ExitStack() as stack:
        servers = _serving(stack, folder, "SMTP", "postfix")
        yield from _compared(servers, cases, options.rounds)
        cases = {
            "1,000 RCPT": _sender(Sending(_KIB, 1, 10, True, 1000, "7")),
            "a list of 1,000": _sender(Sending(_KIB, 1, 10, True, 1, "all")),
        }
        yield from _compared(servers[:1], cases, options.rounds)


def _sender(how: Sending) -> Case:
    return lambda server: send(server, how)


def _pop3(folder: Path, options: argparse.Namespace) -> Iterator[str]:
    yield "## POP3, a second (RETR: MB a second)"
    yield ""
    part = 10 if options.quick else 1
    with ExitStack() as stack:
        servers = _serving(stack, folder, "POP3", "dovecot")
        for server in servers:
            for place in range(10):
                fill(server.mailboxes, str(int(READER) + place), [10 * _KIB] * 10 + [_MIB])
        cases: dict[str, Case] = {
            "logins, 1 conn": lambda server: logins(server, 1, 1000 // part),
            "logins, 10 conn": lambda server: logins(server, 10, 300 // part),
            "10 x 10 KiB read, 1 conn": lambda server: readings(server, 1, 300 // part),
            "10 x 10 KiB read, 10 conn": lambda server: readings(server, 10, 100 // part),
            "RETR of 1 MiB, 1 conn": lambda server: retrievals(server, 1, 300 // part),
            "RETR of 1 MiB, 10 conn": lambda server: retrievals(server, 10, 50 // part),
        }
        yield from _compared(servers, cases, options.rounds)


def _compared(servers: Sequence[Running], cases: dict[str, Case], rounds: int) -> Iterator[str]:
    heads = ["case"]
    for each in servers:
        heads += [each.name, "CPU ms + tool's"]
    heads += [f"to {each.name}" for each in servers[1:]]
    rows = []
    for name, case in cases.items():
        runs: list[list[Measured]] = [[] for _ in servers]
        for round_ in range(rounds + 1):
            for server, kept in zip(servers, runs, strict=True):
                measured = case(server)
                if round_ or rounds == 1:  # the first round warms up
                    kept.append(measured)
            if rounds == 1:
                break
        row = [name]
        for kept in runs:
            row += [report.rates(kept), report.costs(kept)]
        rows.append(row + [report.ratio(runs[0], other) for other in runs[1:]])
        print(f"... {name}: {' '.join(row[1::2])}", file=sys.stderr, flush=True)
    yield from report.table(heads, rows)
    yield ""


def _mailboxes(folder: Path, options: argparse.Namespace) -> Iterator[str]:
    yield "## Login to STAT, then UIDL, then LIST, in milliseconds"
    yield ""
    rows = []
    sizes = {"22000100": 1_000} if options.quick else _LOOKED_AT
    with ExitStack() as stack:
        servers = _serving(stack, folder, "POP3", "dovecot")
        for number, count in sizes.items():
            for server in servers:
                fill(server.mailboxes, number, [_KIB] * count)
            _forget_pages()
            cold = {each.name: first_look(each, number) for each in servers}
            warm: dict[str, list[tuple[float, ...]]] = {each.name: [] for each in servers}
            for _ in range(options.rounds * 5):
                for server in servers:
                    warm[server.name].append(first_look(server, number))
            for name, looks in warm.items():
                assert cold[name][3] == count, f"{name} sees {cold[name][3]} messages"
                told = [median(each[place] for each in looks) for place in range(3)]
                rows.append(
                    [f"{count:,}", name]
                    + [
                        " / ".join(f"{each:.1f}" for each in each_of)
                        for each_of in (cold[name][:3], told)
                    ]
                )
    yield from report.table(["messages", "server", "cold", "warm"], rows)
    yield ""


def _forget_pages() -> None:
    """Empties the system's memory of files, where we may: what is cold then is cold on disk."""
    subprocess.run(["sync"], check=True)
    try:
        Path("/proc/sys/vm/drop_caches").write_text("3")
    except OSError as error:
        print(f"the page cache stays warm: {error}", file=sys.stderr)


def _idle(folder: Path, _options: argparse.Namespace) -> Iterator[str]:
    yield f"## Memory a waiting session, kB of PSS, of {_IDLE:,}"
    yield ""
    rows = []
    with ExitStack() as stack:
        for server in _serving(stack, folder, "POP3", "dovecot"):
            for say, text in ((False, "before login"), (True, "after login")):
                many = 50 if say else _IDLE
                before = server.memory()
                clients = [_waiting(server, place if say else None) for place in range(many)]
                time.sleep(1)
                rows.append(
                    [
                        server.name,
                        text,
                        f"{many}",
                        f"{(server.memory() - before) / many / 1024:.1f}",
                    ]
                )
                for each in clients:
                    each.close()
                time.sleep(1)
    yield from report.table(["server", "session", "sessions", "kB"], rows)
    yield ""


def _waiting(server: Running, place: int | None) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", server.pop3), 30)
    client.recv(1024)
    if place is not None:
        number = str(int(READER) + place)
        for command in f"USER {number}", f"PASS {number}":
            client.sendall(command.encode() + b"\r\n")
            client.recv(1024)
    return client


def _start(folder: Path, options: argparse.Namespace) -> Iterator[str]:
    yield "## Start and import, in seconds"
    yield ""
    starts = []
    for _ in range(options.rounds):
        begun = time.perf_counter()
        with ExitStack() as stack:
            _serving(stack, folder, "start")
            starts.append(time.perf_counter() - begun)
    yield f"- a new site, and a server that greets on both of its ports: {median(starts):.1f}"
    roster = folder / "roster.csv"
    roster.write_text("".join(f"{21000000 + each},g{each % 40}\n" for each in range(30_000)))
    site = folder / "imported"
    command = [sys.executable, "-m", "tpmailserver.cli", "--site", str(site), "import", str(roster)]
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    yield f"- import of 30,000 accounts in 40 groups: {time.perf_counter() - begun:.1f}"
    yield ""


if __name__ == "__main__":
    main()
