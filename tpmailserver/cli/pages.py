"""What a person reads for each report.

The rule it guards: a report says what was done, to how many, and where to find what was moved;
one function a report, and no report without one.
"""

import time
from collections.abc import Iterable, Sequence
from functools import singledispatch

from tpmailserver.admin.accounts import AccountList, AccountSeen, Added, PlannedAdd, Removed
from tpmailserver.admin.demo import DemoClass
from tpmailserver.admin.desk import ServerFacts
from tpmailserver.admin.founding import Founded
from tpmailserver.admin.numbers import compact
from tpmailserver.admin.passwords import PasswordsSet
from tpmailserver.admin.resets import Planned, Reset
from tpmailserver.admin.status import Status

from .phrases import clock_time, count, day, first_of, plain, ranges, size
from .sheets import Part, Sheet


@singledispatch
def page(report: object) -> Iterable[Part]:
    """The lines and tables that say a report."""
    raise NotImplementedError(type(report).__name__)


@singledispatch
def whole(report: object) -> Iterable[Part]:
    """The same with nothing left out, however long that is."""
    return page(report)


@page.register
def _(report: Founded) -> Iterable[Part]:
    yield f"{report.settings_file} is written: every setting is in it, with its default"
    yield f"domain {report.domain}, language {report.language}"
    yield "next: tpmail add 22000001-22000040 --group tp1, then twistd tpmail"


@page.register
def _(report: Added) -> Iterable[Part]:
    yield f"{count(len(report.added), 'account')} added{ranges(report.added)}"
    yield from _standing(report.present)
    if report.group is not None:
        total = len(report.added) + len(report.present)
        yield f"in group {report.group} now: {total:,} of these"
    if report.elsewhere:
        groups = [f"{each.group} {len(each.numbers):,}" for each in report.elsewhere]
        yield f"of these also in {first_of(groups)}; add NUMBER... --leave G takes them out"


@page.register
def _(report: PlannedAdd) -> Iterable[Part]:
    yield f"{count(len(report.added), 'account')} would be added{ranges(report.added)}"
    yield from _standing(report.present)
    if report.group is not None:
        total = len(report.added) + len(report.present)
        yield f"in group {report.group} then: {total:,} of these"
    yield "dry run: nothing is changed"


@page.register
def _(report: AccountList) -> Iterable[Part]:
    if report.accounts:
        yield _accounts(report.accounts)
    for each in report.accounts:
        if each.trouble:
            yield f"the mailbox of {each.number} cannot be read: {each.trouble}"
    messages = sum(each.messages for each in report.accounts)
    octets = sum(each.octets for each in report.accounts)
    yield f"{count(len(report.accounts), 'account')}, {count(messages, 'message')}, {size(octets)}"
    if report.groups:
        sizes = [f"{each.group} {len(each.numbers):,}" for each in report.groups]
        yield f"groups: {first_of(sizes)}"


def _accounts(accounts: Sequence[AccountSeen]) -> Part:
    now = time.time()
    headings = ["number", "groups", "messages", "size", "last POP3", "last SMTP"]
    rows = [
        [
            each.number,
            ",".join(each.groups) or "-",
            f"{each.messages:,}" if not each.trouble else "?",
            size(each.octets) if not each.trouble else "?",
            day(each.pop3, now),
            day(each.smtp, now),
        ]
        for each in accounts
    ]
    if any(each.name for each in accounts):
        headings.append("name")
        for row, each in zip(rows, accounts, strict=True):
            row.append(plain(each.name) or "-")
    return Sheet(tuple(headings), [tuple(row) for row in rows], frozenset({2, 3}))


@page.register
def _(report: Planned) -> Iterable[Part]:
    boxes = count(len(report.numbers), "mailbox")
    yield f"{boxes} would be set aside{ranges(report.numbers)}"
    yield f"in all {count(report.messages, 'message')}, {size(report.octets)}"
    if report.broken:
        yield f"cannot be counted: {compact(report.broken)}"
    yield "dry run: nothing is changed"


@page.register
def _(report: Removed) -> Iterable[Part]:
    yield f"{count(len(report.numbers), 'account')} removed{ranges(report.numbers)}"
    yield from _kept(report.messages, report.kept, report.expelled)


@page.register
def _(report: Reset) -> Iterable[Part]:
    verb = "is" if len(report.numbers) == 1 else "are"
    yield f"{count(len(report.numbers), 'mailbox')} {verb} empty now{ranges(report.numbers)}"
    yield from _kept(report.messages, report.kept, report.expelled)


@page.register
def _(report: DemoClass) -> Iterable[Part]:
    first, last = report.numbers[0], report.numbers[-1]
    yield f"a class of {len(report.numbers)} is ready: {first} to {last}, group {report.group}"
    yield f"{count(len(report.welcomed), 'welcome mail')} delivered; each password is the number"


@page.register
def _(report: PasswordsSet) -> Iterable[Part]:
    yield f"{count(len(report.numbers), 'password')} changed{ranges(report.numbers)}"


@page.register
def _(report: Status) -> Iterable[Part]:
    now = time.time()
    accounts = f"{count(report.accounts, 'account')} in {count(report.groups, 'group')}"
    if report.server is None:
        yield "no server runs on this site"
        yield accounts
        return
    yield from _server(report.server, now)
    yield accounts
    yield f"{count(len(report.sessions), 'session')} open"
    if report.sessions:
        yield Sheet(
            ("protocol", "address", "account", "state", "since"),
            [
                (
                    each.protocol,
                    each.client,
                    each.account or "-",
                    each.state,
                    clock_time(each.since, now),
                )
                for each in report.sessions
            ],
        )


def _server(server: ServerFacts, now: float) -> Iterable[Part]:
    yield f"the server runs: process {server.pid}, since {clock_time(server.started, now)}"
    yield f"it listens on {', '.join(server.listening) or 'nothing'}"
    yield f"{count(server.delivered, 'message')} delivered since the start"
    if server.holders:
        yield Sheet(
            ("maildrop", "held by", "since"),
            [
                (
                    each.number,
                    each.who,
                    "-" if each.since is None else clock_time(each.since, now),
                )
                for each in server.holders
            ],
        )


def _standing(present: tuple[str, ...]) -> Iterable[Part]:
    if present:
        yield f"{len(present):,} stood already{ranges(present)}"


def _kept(messages: int, kept: str, expelled: int) -> Iterable[Part]:
    if kept:
        yield f"{count(messages, 'old message')} kept in {kept}"
    if expelled:
        yield f"{count(expelled, 'open POP3 session')} closed"
