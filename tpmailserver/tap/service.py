"""The running server: its ports, its housekeeping, its start and its stop.

The rule it guards: a start makes what is missing and needs nothing that a crash may have left; a
stop keeps every promise. It stops listening, finishes what is at its final dot or in its UPDATE,
tells the rest, and is gone within seconds.
"""

import resource
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from twisted.application.service import Service
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import ServerFactory
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from tpmailserver.admin.desk import PortSeen
from tpmailserver.delivery.policy import Policy
from tpmailserver.net.listeners import refusal, shown
from tpmailserver.net.server import Server
from tpmailserver.settings import FILE_NAME, SettingsError
from tpmailserver.site import Site, become_owner
from tpmailserver.store.locks import SiteLock

from .plugins import expanders

_log = Logger()
_GRACE = 5.0
_REFRESH_EVERY = 0.5
_WRITE_SIGHTINGS_EVERY = 2.0
_SWEEP_EVERY = 3600.0


class CannotStart(Exception):
    """The server cannot start; its text is one line for whoever starts it.

    No SystemExit: twistd in the background lets its starter wait forever for one.
    """


class Listener(Service):
    """One endpoint; bound while the process may still be root."""

    def __init__(self, reactor: Any, protocol: str, endpoint: str, factory: ServerFactory) -> None:
        self.protocol = protocol
        self._text = endpoint
        try:
            self._endpoint = serverFromString(reactor, endpoint)
        except (ValueError, TypeError, LookupError, ImportError) as error:
            raise SystemExit(f"twistd tpmail: {endpoint!r} is no endpoint: {error}") from error
        self._factory = factory
        self._port: Any = None
        self._refusal = ""

    def privilegedStartService(self) -> None:
        super().privilegedStartService()
        self._endpoint.listen(self._factory).addCallbacks(self._on_listening, self._on_refused)
        if self._refusal:
            raise CannotStart(self._refusal)

    def startService(self) -> None:
        super().startService()
        if self._port is None:
            self.privilegedStartService()
        _log.info("{what}", what=self.address)

    def stopService(self) -> Deferred[Any]:
        super().stopService()
        return maybeDeferred(self._port.stopListening)

    @property
    def address(self) -> str:
        """What it listens on, for people: "SMTP on 0.0.0.0 port 25"."""
        return f"{self.protocol} on {shown(self._port.getHost())}"

    @property
    def seen(self) -> PortSeen | None:
        """The same for a program; None for a socket that is no TCP port."""
        at = self._port.getHost()
        tcp = isinstance(at, IPv4Address | IPv6Address)
        return PortSeen(self.protocol, at.host, at.port) if tcp else None

    @property
    def port(self) -> int:
        """The TCP port that was bound."""
        return int(self._port.getHost().port)

    def _on_listening(self, port: Any) -> None:
        self._port = port

    def _on_refused(self, failure: Failure) -> None:
        failure.trap(CannotListenError, OSError)
        error: Any = getattr(failure.value, "socketError", failure.value)
        port: Any = getattr(failure.value, "port", self._text)
        self._refusal = refusal(port, error)


class MailService(Service):
    """The whole server."""

    def __init__(
        self,
        site: Site,
        policy: Policy,
        server: Server,
        listeners: Sequence[Listener],
        control: Service,
    ) -> None:
        self._site = site
        self._policy = policy
        self._server = server
        self._threads = server.threads
        self._listeners = listeners
        self._parts: list[Service] = [*listeners, control]
        self._lock = SiteLock(site.folder / "locks")
        self._housekeeping: list[LoopingCall] = []

    def privilegedStartService(self) -> None:
        super().privilegedStartService()
        for part in self._parts:
            part.privilegedStartService()

    def startService(self) -> None:
        super().startService()
        # Started as root without --uid, and the ports are bound: from here on it is the owner's.
        become_owner(self._site.folder)
        try:
            self._site.prepare()
            self._load_hooks()
            if not self._lock.acquire():
                holder = self._lock.holder_pid()
                raise CannotStart(f"process {holder} serves {self._site.folder}")
        except OSError as error:
            raise CannotStart(f"the site cannot be used: {error}") from error
        except SettingsError as error:
            raise CannotStart(f"{self._site.folder / FILE_NAME}: {error}") from error
        _raise_file_limit()
        for part in self._parts:
            part.startService()
        _log.info("serving {site} for {domain}", site=self._site.folder, domain=self._domain)
        self._every(_REFRESH_EVERY, self._site.stores.directory.refresh)
        self._every(_SWEEP_EVERY, lambda: self._site.sweep(time.time()))
        writing = LoopingCall(lambda: Deferred.fromCoroutine(self._policy.sightings.write()))
        self._housekeeping.append(writing)
        writing.start(_WRITE_SIGHTINGS_EVERY, now=False)

    @property
    def ports(self) -> dict[str, int]:
        """The port of each protocol, as bound: {"smtp": 25, "pop3": 110}."""
        return {each.protocol.lower(): each.port for each in self._listeners}

    def stopService(self) -> Deferred[None]:
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    @property
    def _domain(self) -> str:
        return self._site.settings.domain

    async def _stop(self) -> None:
        for each in self._housekeeping:
            if each.running:
                each.stop()
        stopping = [maybeDeferred(part.stopService) for part in self._parts]
        # Whoever types at a terminal that was put to sleep must not hold the students' sessions.
        parts = DeferredList(stopping, consumeErrors=True)
        reactor: Any = self._server.reactor
        parts.addTimeout(_GRACE, reactor)
        sessions = self._server.sessions
        sessions.stop()
        gives_up = self._server.clock() + _GRACE
        while len(sessions) and self._server.clock() < gives_up:
            await self._threads.pause(0.05)
        sessions.abort_all()
        with suppress(TimeoutError):
            await parts
        await self._policy.sightings.write()
        self._threads.stop()
        self._lock.release()

    def _load_hooks(self) -> None:
        """Loads the hooks: code of the site's owner, so not before the process is the owner's."""
        hooks = self._site.settings.hooks
        plugins = expanders() if any(hook.plugin for hook in hooks) else {}
        self._policy.hooks.load(self._site.folder, plugins)

    def _every(self, seconds: float, work: Callable[[], object]) -> None:
        async def once() -> None:
            try:
                await self._threads.disk(work)
            except Exception as error:  # noqa: BLE001 - housekeeping goes on after any trouble
                self._server.faults.refusal(error, "housekeeping")

        call = LoopingCall(lambda: Deferred.fromCoroutine(once()))
        self._housekeeping.append(call)
        call.start(seconds)


def _raise_file_limit() -> None:
    """A session is an open file, and the usual 1,024 are fewer than the sessions of a school."""
    _usual, highest = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest, highest))
