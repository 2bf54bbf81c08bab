"""Says how the site is doing: is a server running, who is connected, who holds a maildrop.

The rule it guards: looking changes nothing.
"""

from dataclasses import dataclass

from .desk import Desk, ServerFacts, SessionSeen


@dataclass(frozen=True, slots=True)
class Status:
    """The site at this moment; `server` is None where none runs, the oldest session is first."""

    server: ServerFacts | None
    sessions: tuple[SessionSeen, ...]
    accounts: int
    groups: int


def status(desk: Desk) -> Status:
    """The site at this moment."""
    desk.directory.refresh()
    return Status(
        server=desk.live.facts() if desk.live else None,
        sessions=tuple(sorted(desk.live.sessions(), key=_order)) if desk.live else (),
        accounts=len(desk.directory),
        groups=len(desk.directory.group_names()),
    )


def _order(session: SessionSeen) -> tuple[float, str, str]:
    return session.since, session.account, session.protocol
