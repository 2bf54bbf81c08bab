"""A real server on real sockets, in this process, for as long as a `with` block lasts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from twisted.internet.defer import maybeDeferred

from tpmailserver.settings import Settings
from tpmailserver.tap import service_of


@asynccontextmanager
async def serving(folder: Path, settings: Settings) -> AsyncIterator[dict[str, int]]:
    """Serves a site on ports of the system's choice: {"smtp": 40001, "pop3": 40002}."""
    anywhere = ["tcp:0:interface=127.0.0.1"]
    service = service_of(folder, settings, anywhere, anywhere)
    service.privilegedStartService()
    service.startService()
    try:
        yield service.ports
    finally:
        await maybeDeferred(service.stopService)
