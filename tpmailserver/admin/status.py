"""Says how the site is doing: is a server running, who is connected, which list wants a decision.

The rule it guards: looking changes nothing, and one list that cannot be read hides nothing else.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from tpmailserver.store.lists import MailingList

from .desk import Desk, ServerFacts, SessionSeen


@dataclass(frozen=True, slots=True)
class PostsWaiting:
    """A list, and how many messages wait on it for somebody who approves or rejects them."""

    name: str
    messages: int


@dataclass(frozen=True, slots=True)
class Status:
    """The site at this moment; `server` is None where none runs, the oldest session is first."""

    server: ServerFacts | None
    sessions: tuple[SessionSeen, ...]
    accounts: int
    groups: int
    suspended: tuple[str, ...] = ()
    """The lists that send nothing on."""
    waiting: tuple[PostsWaiting, ...] = ()
    """The lists on which something waits."""


def status(desk: Desk) -> Status:
    """The site at this moment."""
    desk.directory.refresh()
    lists = tuple(_lists(desk))
    return Status(
        server=desk.live.facts() if desk.live else None,
        sessions=tuple(sorted(desk.live.sessions(), key=_order)) if desk.live else (),
        accounts=len(desk.directory),
        groups=len(desk.directory.group_names()),
        suspended=tuple(each.name for each in lists if each.suspended),
        waiting=tuple(_waiting(desk, lists)),
    )


def _lists(desk: Desk) -> Iterator[MailingList]:
    for name in desk.directory.list_names():
        mailing_list = desk.directory.mailing_list(name)
        if mailing_list is not None:
            yield mailing_list


def _waiting(desk: Desk, lists: Sequence[MailingList]) -> Iterator[PostsWaiting]:
    for each in lists:
        with suppress(OSError):  # `tpmail lists` says what is wrong with it
            messages = desk.approval.count(each)
            if messages:
                yield PostsWaiting(each.name, messages)


def _order(session: SessionSeen) -> tuple[float, str, str]:
    return session.since, session.account, session.protocol
