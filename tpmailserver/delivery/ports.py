"""The TCP ports of this machine: those that the server usually has, and who listens where.

The rule it guards: a port that is taken is told with the program that has it, as far as the
system lets this user see that.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

LOW_PORTS = (25, 110)
HIGH_PORTS = (2525, 1110)

# A service of the machine's in cgroups(7); what runs in a login is in another slice.
_UNIT = re.compile(r":/system\.slice/(?:.*/)?([^/]+\.service)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Listening:
    """A program that listens on a port; `pid` is 0 and the rest "" where it is another user's."""

    pid: int
    program: str
    unit: str
    """The systemd unit that it belongs to, such as "exim4.service", or ""."""

    def __str__(self) -> str:
        return f"{self.program} (process {self.pid})" if self.pid else "another user's program"


def listening() -> Mapping[int, Listening]:
    """Who listens on which TCP port of this machine."""
    found: dict[int, Listening] = {}
    for each in psutil.net_connections("tcp"):
        if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port not in found:
            found[each.laddr.port] = _listening(each.pid or 0)
    return found


def _listening(pid: int) -> Listening:
    program = unit = ""
    # It may end at any moment, and then nobody listens there any more.
    with suppress(psutil.Error, OSError):
        if pid:
            program = psutil.Process(pid).name()
            found = _UNIT.search(Path(f"/proc/{pid}/cgroup").read_text())
            unit = found[1] if found else ""
    return Listening(pid, program, unit) if program else Listening(0, "", "")
