"""Where the server listens, as Twisted endpoint strings.

The rule it guards: a port that cannot be bound is one line that names the ways out, said before
the server goes into the background, where nobody would read it.
"""

import errno
import re
import socket
from collections.abc import Sequence
from contextlib import suppress

import psutil

from tpmailserver.delivery.ports import listening

_TCP = re.compile(r"(?:tcp:|tcp4:)?(?:port=)?(\d+)(.*)")
_TCP6 = re.compile(r"tcp6:(?:port=)?(\d+)(.*)")
_INTERFACE = re.compile(r":interface=((?:[^:\\]|\\.)*)")
_BACKLOG = 512


class CannotListen(Exception):
    """A port cannot be bound; its text is one line for whoever starts the server."""


def default_endpoints(port: int) -> tuple[str, ...]:
    """The endpoints for a port on every address of this machine, IPv4 and IPv6."""
    six = rf"tcp6:{port}:backlog={_BACKLOG}:interface=\:\:"
    four = f"tcp:{port}:backlog={_BACKLOG}"
    if not socket.has_ipv6:
        return (four,)
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::", 0))
            six_only = probe.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    except OSError:
        return (four,)
    # One socket on `::` takes IPv4 too, unless this machine is set up otherwise.
    return (four, six) if six_only else (six,)


def check(endpoints: Sequence[str]) -> None:
    """Tries to bind each TCP endpoint, and raises CannotListen for the first that fails.

    Other kinds (`systemd:`, `unix:`) are left to Twisted.
    """
    for endpoint in endpoints:
        family, found = socket.AF_INET, _TCP.fullmatch(endpoint)
        if found is None:
            family, found = socket.AF_INET6, _TCP6.fullmatch(endpoint)
        if found is None:
            continue
        interface = _INTERFACE.search(found[2])
        if "%" in found[2]:
            continue  # a link-local address, whose scope only Twisted resolves
        host = re.sub(r"\\(.)", r"\1", interface[1]) if interface else ""
        if ":" in host:
            family = socket.AF_INET6
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, int(found[1])))
        except (OSError, OverflowError) as error:
            raise CannotListen(refusal(int(found[1]), error)) from error


def with_backlog(endpoint: str) -> str:
    """A TCP endpoint with room for a class that connects at once, unless it says how much."""
    if endpoint.isdecimal():
        endpoint = f"tcp:{endpoint}"
    is_tcp = _TCP.fullmatch(endpoint) or _TCP6.fullmatch(endpoint)
    return f"{endpoint}:backlog={_BACKLOG}" if is_tcp and "backlog=" not in endpoint else endpoint


def refusal(port: int, error: Exception) -> str:
    """The line that says why a port cannot be bound, and what to do."""
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EACCES:
        return (
            f"port {port}: only root may bind it; the ways out: start as root with "
            "twistd --uid USER --gid GROUP, or use --high-ports, a systemd socket, "
            "or a port redirect (docs/installing.md)"
        )
    if number == errno.EADDRINUSE:
        return (
            f"port {port}: another program listens there ({_who_listens(port)}); "
            "stop it, or use --high-ports, or name another port with --smtp and --pop3"
        )
    return f"port {port}: cannot be bound ({error}); --smtp and --pop3 name another endpoint"


def _who_listens(port: int) -> str:
    found = None
    # What this user may not see is no reason to say nothing.
    with suppress(OSError, psutil.Error):
        found = listening().get(port)
    return str(found) if found and found.pid else "ss -ltnp shows which"


def shown(host: object) -> str:
    """An address that a server listens on, for people: "0.0.0.0 port 25"."""
    name, port = getattr(host, "host", None), getattr(host, "port", None)
    if name is None:
        path = getattr(host, "name", host)
        return path.decode("utf-8", "replace") if isinstance(path, bytes) else str(path)
    if name == "::":
        return f"[::] port {port} (every address, IPv4 as well)"
    return f"{name} port {port}"
