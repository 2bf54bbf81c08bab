"""The ports 25 and 110: who has them, and whether this user may bind them.

The rule it guards: the right is tried and not guessed, by binding and closing at once. The ways
out are those that this machine has, each with what it costs.
"""

import errno
import os
import pwd
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from tpmailserver.delivery.ports import HIGH_PORTS, LOW_PORTS, Listening, listening

from . import commands
from .finding import Case, Found, ok, warn

_UNPRIVILEGED = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
_CAP_NET_BIND_SERVICE = 10  # capabilities(7)


def who_listens(case: Case) -> Found:
    """Whether the ports are the server's, free, or another program's."""
    ours = {each.port for each in case.server.facts.ports} if case.server.facts else set()
    programs = listening()
    others = {port: programs[port] for port in LOW_PORTS if port in programs and port not in ours}
    free = [port for port in LOW_PORTS if port not in programs and port not in ours]
    said = [f"{_are(sorted(ours))} the server's"] if ours else []
    said += [f"{_are(free)} free"] if free else []
    said += [f"{port} is held by {holder}" for port, holder in others.items()]
    if ours or not others:
        return ok("; ".join(said))
    return warn(
        "; ".join(said),
        "stop it, or start the server on other ports:",
        *(_stopping(port, holder) for port, holder in others.items()),
        commands.twistd(case.desk.folder, "--high-ports"),
    )


def may_bind(case: Case) -> Found:
    """Whether the user who asks may bind 25 and 110, and what else can be done."""
    refused = [port for port in LOW_PORTS if not _may_bind(port)]
    if not refused:
        return ok(_reason())
    said = f"{_user()} may not bind {_and(refused)}"
    if case.server.facts is not None:
        return ok(f"{said}; the server has its ports already")
    return warn(said, "the ways out, or systemd sockets (docs/installing.md):", *_ways_out(case))


def _stopping(port: int, holder: Listening) -> str:
    if holder.unit:
        return commands.as_root(f"systemctl disable --now {holder.unit}")
    if holder.pid:
        return commands.as_root(f"kill {holder.pid}") + f"  # {holder.program}"
    return commands.as_root(f"ss -ltnp sport = :{port}") + "  # shows the program"


def _may_bind(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            # Linux asks for the right first: a port that is in use is one that might be bound.
            return error.errno not in (errno.EACCES, errno.EPERM)
    return True


def _reason() -> str:
    if os.geteuid() == 0:
        return f"root may bind {_and(LOW_PORTS)}, and gives root up then"
    if _unprivileged_from() <= min(LOW_PORTS):
        return f"everybody may bind ports from {_unprivileged_from()} on (sysctl)"
    if _has_capability():
        return f"this process may bind {_and(LOW_PORTS)} (CAP_NET_BIND_SERVICE)"
    return f"{_user()} may bind {_and(LOW_PORTS)}"


def _ways_out(case: Case) -> Sequence[str]:
    folder = case.desk.folder
    python = Path(sys.executable).resolve()
    start = f"net.ipv4.ip_unprivileged_port_start={min(LOW_PORTS)}"
    user, group = _owner_of(folder)
    ways = [
        commands.twistd(folder, "--high-ports") + f"  # {_and(HIGH_PORTS)}: needs no right",
        commands.as_root(commands.twistd(folder, of_twistd=f"--uid {user} --gid {group}"))
        + "  # root only binds",
        commands.as_root(f"sysctl -w {start}") + "  # then everybody here may, until the next boot",
    ]
    if commands.program("authbind"):
        ways.append(f"authbind --deep {commands.twistd(folder)}  # with /etc/authbind/byport/25")
    if commands.program("setcap"):
        ways.append(
            commands.as_root(f"setcap cap_net_bind_service=+ep {python}")
            + "  # beware: every script that this Python runs, for everybody"
        )
    return ways


def _owner_of(folder: Path) -> tuple[int, int]:
    try:
        found = folder.stat()
    except OSError:
        return os.getuid(), os.getgid()
    return found.st_uid, found.st_gid


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"user {os.geteuid()}"


def _unprivileged_from() -> int:
    try:
        return int(_UNPRIVILEGED.read_text())
    except (OSError, ValueError):
        return 1024


def _has_capability() -> bool:
    lines = Path("/proc/self/status").read_text().splitlines()
    effective = next((each for each in lines if each.startswith("CapEff:")), "CapEff:\t0")
    return bool(int(effective.split()[1], 16) >> _CAP_NET_BIND_SERVICE & 1)


def _are(ports: Sequence[int]) -> str:
    return f"{_and(ports)} {'is' if len(ports) == 1 else 'are'}"


def _and(ports: Sequence[int]) -> str:
    return " and ".join(map(str, ports))
