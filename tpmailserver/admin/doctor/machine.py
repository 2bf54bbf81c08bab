"""What the machine is like on which a class is to work: its name, networks, clock, limits.

The rule it guards: what only a network can answer, as the domain's address, is waited for briefly;
a laboratory without any resolver is a laboratory.
"""

import ctypes
import os
import platform
import resource
import socket
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import version
from itertools import islice
from pathlib import Path

import psutil

from tpmailserver import __version__
from tpmailserver.delivery.networks import Admission, Network, own_networks
from tpmailserver.model import IPAddress, client_address

from . import commands
from .finding import Case, Found, bad, ok, warn
from .patience import within

_RESOLVER_PATIENCE = 5.0  # seconds
_LATE = 60.0  # seconds; file servers' clocks differ by some
_FILES_LOOKED_AT = 5000

# adjtimex(2): the state that says so is "clock not synchronized".
_TIME_ERROR = 5

# Files that are no sessions: the log, the database, mail being written.
_FILES_BESIDE = 200


def name(case: Case) -> Found:
    """What the domain's name means on this machine."""
    domain = case.desk.settings.domain
    own = _own_addresses()
    try:
        addresses = within(_RESOLVER_PATIENCE, lambda: _addresses_of(domain))
    except TimeoutError:
        return warn(
            f"the resolver has no answer about {domain} within {_RESOLVER_PATIENCE:.0f} seconds",
            _hosts_advice(own),
            _hosts_line(own, domain),
        )
    shown = ", ".join(map(str, addresses))
    if not addresses:
        found = f"{domain} has no address here"
        return warn(found, _hosts_advice(own), _hosts_line(own, domain))
    if not any(each in own or each.is_loopback for each in addresses):
        found = f"{domain} is {shown}: another machine"
        return warn(found, _hosts_advice(own), _hosts_line(own, domain))
    return ok(f"{domain} is {shown}, this machine")


def networks(case: Case) -> Found:
    """Whether the networks of this machine are among those that the site serves."""
    settings = case.desk.settings
    admission = Admission(settings, time.monotonic)
    own = [each for each in dict.fromkeys(own_networks()) if not _is_inside(each)]
    setting = f"networks = {list(settings.networks)}".replace("'", '"')
    if not own:
        return warn(
            "this machine has no network but its own loopback",
            "nobody else can connect: plug it in, or see",
            "ip address",
        )
    outside = [each for each in own if not admission.is_near(each.network_address)]
    if outside:
        return warn(
            f"{_listed(outside)} of this machine: not in {setting}",
            "clients of it are refused; write into tpmail.toml, and start again: "
            + admission.with_network(str(outside[0])),
        )
    public = [each for each in own if each.is_global]
    if "any" in settings.networks and public:
        return warn(
            f"{setting}, and this machine is in {_listed(public)}",
            "the whole internet may send here; local is enough for a class: "
            'write networks = ["local"] into tpmail.toml, and start again',
        )
    return ok(f"{_listed(own)}, served by {setting}")


def clock(case: Case) -> Found:
    """Whether the time of day is one that the site's files have not left behind."""
    now = time.time()
    newest, path = max(_times(case.desk.folder))
    synchronised = _synchronised()
    set_it = (
        commands.as_root("timedatectl set-ntp true")
        if commands.program("timedatectl")
        else commands.as_root("date -s 'YYYY-MM-DD HH:MM:SS'")
    )
    shown = time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(now))
    if newest > now + _LATE:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(newest))
        return bad(f"{shown}, and {path} is of {when}", "set the clock:", set_it)
    if synchronised is False:
        return warn(f"{shown}, not synchronised", "if that is not the time:", set_it)
    return ok(f"{shown}{', synchronised' if synchronised else ''}")


def open_files(case: Case) -> Found:
    """Whether the server may have as many files open as it admits sessions."""
    sessions = case.desk.settings.limits.sessions
    limit = _file_limit(case)
    if limit < sessions + _FILES_BESIDE:
        return warn(
            f"{limit:,} files at most, and sessions = {sessions:,}",
            "write LimitNOFILE=16384 into the systemd unit, or start it after:",
            "ulimit -n 16384",
        )
    return ok(f"{limit:,} at most; sessions = {sessions:,}")


def versions(case: Case) -> Found:
    """What runs here; a server of another version than `tpmail` wants a restart."""
    facts = case.server.facts
    said = (
        f"tpmail {__version__}, Python {platform.python_version()}, "
        f"Twisted {version('twisted')}, SQLite {sqlite3.sqlite_version}"
    )
    if facts is not None and facts.version != __version__:
        return warn(
            f"{said}; the server runs {facts.version or 'an older one'}",
            "stop it and start it again:",
            f"kill {facts.pid}",
        )
    return ok(said)


def _addresses_of(domain: str) -> tuple[IPAddress, ...]:
    try:
        found = socket.getaddrinfo(domain.encode("ascii"), None, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return ()
    addresses = (client_address(str(each[4][0])) for each in found)
    return tuple(dict.fromkeys(each for each in addresses if each is not None))


def _own_addresses() -> list[IPAddress]:
    """The addresses of this machine, those first by which others reach it."""
    every = [each for addresses in psutil.net_if_addrs().values() for each in addresses]
    found = [each for each in (client_address(one.address) for one in every) if each]
    return sorted(found, key=lambda each: (each.is_loopback, each.is_link_local, each.version))


def _hosts_advice(own: list[IPAddress]) -> str:
    return f"let students say {own[0]}, or type on each machine, as root:"


def _hosts_line(own: list[IPAddress], domain: str) -> str:
    return f"echo {own[0]} {domain} >> /etc/hosts"


def _is_inside(network: Network) -> bool:
    """Whether a network is a machine's or a link's own, which no client comes by."""
    return network.is_loopback or network.is_link_local


def _listed(own: list[Network]) -> str:
    shown = [str(each) for each in own[:3]]
    return ", ".join([*shown, f"{len(own) - 3} more"] if len(own) > 3 else shown)


def _times(folder: Path) -> Iterator[tuple[float, str]]:
    """When this program and files of the site were last written."""
    yield os.stat(__file__).st_mtime, __file__
    for part in (folder, folder / "locks", folder / "maildirs", folder / "snapshots"):
        # What is not there, or not for this user, another check tells.
        with suppress(OSError):
            for path in islice(part.iterdir(), _FILES_LOOKED_AT):
                yield path.lstat().st_mtime, str(path)


class _Timex(ctypes.Structure):
    """The beginning of Linux's struct timex, and room for the rest (adjtimex(2))."""

    _fields_ = (("modes", ctypes.c_uint), ("rest", ctypes.c_long * 64))


def _synchronised() -> bool | None:
    """Whether the kernel holds its clock for synchronised; None where it does not tell."""
    adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
    if adjtimex is None:
        return None
    state = int(adjtimex(ctypes.byref(_Timex(modes=0))))  # no mode: it only reads
    return None if state < 0 else state != _TIME_ERROR


def _file_limit(case: Case) -> int:
    """The limit of the running server, or what one started from here would raise its own to."""
    facts = case.server.facts
    if facts is None:
        return _shown_limit(resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    lines = Path(f"/proc/{facts.pid}/limits").read_text().splitlines()
    limit = next(each for each in lines if each.startswith("Max open files")).split()[3]
    return sys.maxsize if limit == "unlimited" else int(limit)


def _shown_limit(limit: int) -> int:
    return sys.maxsize if limit == resource.RLIM_INFINITY else limit
