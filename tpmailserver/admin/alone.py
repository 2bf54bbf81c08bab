"""Holds a site while no server has it.

The rule it guards: an action on a site without a server keeps the server's own lock, so that none
can start in the middle of a reset; and the lock ends with the process, however that ends.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tpmailserver.store.locks import SiteLock


class SiteBusy(Exception):
    """Another process has the site: a server, or another `tpmail`; `pid` is None if unknown."""

    def __init__(self, pid: int | None) -> None:
        super().__init__(f"process {pid or 'of unknown number'} has the site")
        self.pid = pid


@contextmanager
def alone(site: Path) -> Iterator[None]:
    """Keeps every server off the site for the length of a `with` block, or raises SiteBusy."""
    lock = SiteLock(site / "locks")
    if not lock.acquire():
        raise SiteBusy(lock.holder_pid())
    try:
        yield
    finally:
        lock.release()
