"""The options of `twistd tpmail`, and how the server is put together.

The rule it guards: no code of ours runs as root for the low ports. `makeService` reads settings
and tries the ports, in the foreground, where a refusal is seen; Twisted binds them and drops root
(`--uid`); only then does `service` touch the site.
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from twisted.application.service import Service
from twisted.internet import reactor as installed_reactor
from twisted.python.usage import Options as TwistedOptions
from twisted.python.usage import UsageError

from tpmailserver import __version__
from tpmailserver.admin.actions import perform
from tpmailserver.control.server import ControlService
from tpmailserver.delivery.ports import HIGH_PORTS, LOW_PORTS
from tpmailserver.delivery.threads import Surroundings
from tpmailserver.net import listeners
from tpmailserver.net.events import Throttle
from tpmailserver.net.faults import Faults
from tpmailserver.net.pop3 import Pop3Factory
from tpmailserver.net.server import Server
from tpmailserver.net.sessions import Sessions
from tpmailserver.net.smtp import SmtpFactory
from tpmailserver.net.threads import ReactorThreads
from tpmailserver.settings import Settings, SettingsError, load, with_options
from tpmailserver.site import site_at
from tpmailserver.store.locks import SiteLock
from tpmailserver.wire.pop3 import Pop3Terms
from tpmailserver.wire.smtp import SmtpTerms

from .live import LiveServer
from .service import CannotStart, Listener, MailService
from .twistd_files import give_log_away, keep_private, remove_stale_pid_file

_SEE = "; twistd tpmail --help lists the options"


class Options(TwistedOptions):
    """The options of `twistd tpmail`; each beats its key in tpmail.toml."""

    optParameters = [  # noqa: RUF012 - Twisted reads it so
        ["site", None, ".", "The folder of the site: settings, mailboxes, accounts."],
        ["domain", None, None, "The domain of every address here."],
        ["language", None, None, "The language of the replies: en or fr."],
    ]
    optFlags = [["high-ports", None, "Listen on 2525 and 1110, which need no root."]]  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self["smtp"] = []
        self["pop3"] = []

    def opt_smtp(self, endpoint: str) -> None:
        """An endpoint for SMTP, such as tcp:2525:interface=127.0.0.1; may be given again."""
        self["smtp"].append(endpoint)

    def opt_pop3(self, endpoint: str) -> None:
        """An endpoint for POP3; may be given again."""
        self["pop3"].append(endpoint)

    def opt_version(self) -> None:
        """Print the version and exit."""
        raise SystemExit(f"tpmailserver {__version__}")

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        try:
            super().parseOptions(options)
        except UsageError as error:
            raise SystemExit(f"twistd tpmail: {error}{_SEE}") from error

    def parseArgs(self, *arguments: str) -> None:
        if arguments:
            raise UsageError(f"{arguments[0]!r} is one word too many")

    def postOptions(self) -> None:
        if self.parent is not None:
            keep_private()
            remove_stale_pid_file(self.parent)
            give_log_away(self.parent, Path(self["site"]))


def makeService(options: Options) -> Service:
    """The service that `twistd tpmail` runs."""
    sys.excepthook = _say_refusal
    folder = Path(options["site"]).absolute()
    try:
        settings = load(folder)
        settings = with_options(settings, domain=options["domain"], language=options["language"])
    except SettingsError as error:
        raise SystemExit(f"twistd tpmail: {error}") from error
    holder = _holder_of(folder)
    if holder:
        raise SystemExit(f"twistd tpmail: process {holder} serves {folder} already")
    ports = HIGH_PORTS if options["high-ports"] else LOW_PORTS
    smtp, pop3 = (
        [listeners.with_backlog(each) for each in options[name]]
        or listeners.default_endpoints(port)
        for name, port in zip(("smtp", "pop3"), ports, strict=True)
    )
    try:
        listeners.check([*smtp, *pop3])
    except listeners.CannotListen as error:
        raise SystemExit(f"twistd tpmail: {error}") from error
    return service_of(folder, settings, smtp, pop3)


def service_of(
    folder: Path, settings: Settings, smtp: Sequence[str], pop3: Sequence[str]
) -> MailService:
    reactor: Any = installed_reactor
    # Twisted's timers go by the time of day; a clock set back an hour would stop them for as long.
    reactor.seconds = time.monotonic
    threads = ReactorThreads(reactor)
    site = site_at(folder, settings)
    policy = site.policy(Surroundings(threads, time.time, time.monotonic))
    sessions = Sessions(policy.admission, time.monotonic)
    server = Server(
        reactor,
        time.monotonic,
        Faults(time.monotonic),
        sessions,
        threads,
        Throttle(time.monotonic, 5),
    )
    smtp_factory = SmtpFactory(smtp_terms(settings), server, policy)
    pop3_factory = Pop3Factory(pop3_terms(settings), server, policy)
    ports = [
        *(Listener(reactor, "SMTP", endpoint, smtp_factory) for endpoint in smtp),
        *(Listener(reactor, "POP3", endpoint, pop3_factory) for endpoint in pop3),
    ]
    live = LiveServer(reactor, sessions, policy, site.stores.locks, ports)
    desk = site.desk(live)
    control = ControlService(
        reactor, folder, lambda action, arguments: perform(desk, action, arguments)
    )
    return MailService(site, policy, server, ports, control)


def smtp_terms(settings: Settings) -> SmtpTerms:
    limits = settings.limits
    return SmtpTerms(
        settings.domain,
        limits.message_size,
        limits.recipients,
        limits.smtp_idle,
        limits.data,
        settings.line_ends == "strict",
        settings.language,
    )


def pop3_terms(settings: Settings) -> Pop3Terms:
    name = f"tpmailserver-{__version__}"
    strict = settings.line_ends == "strict"
    return Pop3Terms(settings.domain, name, settings.limits.pop3_idle, strict, settings.language)


def _holder_of(folder: Path) -> int | None:
    """The process of a server that has this site; what cannot be read now is tried again later."""
    try:
        return SiteLock(folder / "locks").holder_pid()
    except OSError:
        return None


def _say_refusal(
    kind: type[BaseException], error: BaseException, where: TracebackType | None
) -> None:
    """Says in one line, without a traceback, why the server that twistd runs cannot start."""
    if isinstance(error, CannotStart):
        print(f"twistd tpmail: {error}", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, where)
