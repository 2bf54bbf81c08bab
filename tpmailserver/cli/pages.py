"""What a person reads for each report.

The rule it guards: a report says what was done, to how many, and where to find what was moved;
one function a report, and no report without one.
"""

import time
from collections.abc import Iterable, Sequence
from functools import singledispatch

from tpmailserver.admin.accounts import AccountList, AccountSeen, Added, PlannedAdd
from tpmailserver.admin.demo import DemoClass
from tpmailserver.admin.founding import Founded
from tpmailserver.admin.passwords import PasswordsSet, Slips

from .phrases import count, day, first_of, plain, ranges, size
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
def _(report: DemoClass) -> Iterable[Part]:
    first, last = report.numbers[0], report.numbers[-1]
    yield f"a class of {len(report.numbers)} is ready: {first} to {last}, group {report.group}"
    yield f"{count(len(report.welcomed), 'welcome mail')} delivered; each password is the number"


@page.register
def _(report: PasswordsSet) -> Iterable[Part]:
    yield f"{count(len(report.numbers), 'password')} changed{ranges(report.numbers)}"


@page.register
def _(report: Slips) -> Iterable[Part]:
    # Each slip alone between two lines, to be cut there.
    for each in report.slips:
        yield f"{'- ' * 30}"
        yield f"number    {each.number}"
        yield f"password  {each.password}"
        yield f"address   {each.number}@{report.domain}"
    yield f"{'- ' * 30}"


def _standing(present: tuple[str, ...]) -> Iterable[Part]:
    if present:
        yield f"{len(present):,} stood already{ranges(present)}"
