"""What a fault costs everybody else: the server's memory, and how long a healthy session waits.

Two sessions that do nothing wrong go on beside the fault, one of SMTP and one of POP3 after the
other, and each of their round trips is timed. The bound is generous, because it is held on any
machine, whatever else it does; the figure is what counts.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from . import Server, pop3, smtp
from .clients import at_work

HEALTHY = "22009999"
"""An account that every site of these tests has; nobody else uses it."""

LONGEST_WAIT = 5.0  # seconds
MOST_GROWTH = 64.0  # MiB
_PAUSE = 0.02
_PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)


@dataclass(slots=True)
class Watch:
    """What was seen so far; MiB and seconds."""

    pss_before: float
    peak_pss: float
    worst_smtp: float = 0.0
    worst_pop3: float = 0.0
    round_trips: int = 0

    @property
    def growth(self) -> float:
        return self.peak_pss - self.pss_before

    def figures(self) -> dict[str, str]:
        """The figures in words."""
        return {
            "peak memory": f"{self.peak_pss:.0f} MiB",
            "growth": f"{self.growth:.1f} MiB",
            "worst round trip": f"{max(self.worst_smtp, self.worst_pop3) * 1000:.0f} ms",
        }


def pss(server: Server) -> float:
    """The memory of the server's process in MiB, what it shares with others by its share."""
    found = _PSS.search(Path(f"/proc/{server.pid}/smaps_rollup").read_text())
    assert found
    return int(found[1]) / 1024


@contextmanager
def watched(server: Server) -> Iterator[Watch]:
    """Watches a server while a `with` block lasts; too much memory and too long a wait fail."""
    before = pss(server)
    watch = Watch(before, before)

    def probe(over: Event) -> None:
        with smtp(server.smtp) as session:
            # Once more after the end: a server that hung must have answered before it counts.
            is_last = False
            while not is_last:
                is_last = over.is_set()
                for command in ("NOOP", "RSET"):
                    begun = time.monotonic()
                    assert session.say(command).startswith("250 ")
                    watch.worst_smtp = max(watch.worst_smtp, time.monotonic() - begun)
                begun = time.monotonic()
                with pop3(server.pop3, HEALTHY) as reader:
                    assert reader.say("STAT").startswith("+OK ")
                    watch.worst_pop3 = max(watch.worst_pop3, time.monotonic() - begun)
                    assert reader.say("QUIT").startswith("+OK")
                watch.round_trips += 1
                time.sleep(_PAUSE)

    def weigh(over: Event) -> None:
        is_last = False
        while not is_last:
            is_last = over.wait(_PAUSE)
            watch.peak_pss = max(watch.peak_pss, pss(server))

    with at_work(probe, weigh):
        yield watch
    assert watch.growth <= MOST_GROWTH, watch
    assert max(watch.worst_smtp, watch.worst_pop3) <= LONGEST_WAIT, watch
