"""What a person reads for each report.

The rule it guards: a report says what was done, to how many, and where to find what was moved;
one function a report, and no report without one.
"""

from collections.abc import Iterable
from functools import singledispatch

from tpmailserver.admin.accounts import AccountList, Added, PlannedAdd, Removed
from tpmailserver.admin.demo import DemoClass
from tpmailserver.admin.founding import Founded
from tpmailserver.admin.numbers import compact
from tpmailserver.admin.passwords import PasswordsSet
from tpmailserver.admin.resets import Planned, Reset

from .phrases import count, moment, ranges, size
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


@page.register
def _(report: PlannedAdd) -> Iterable[Part]:
    yield f"{count(len(report.added), 'account')} would be added{ranges(report.added)}"
    yield from _standing(report.present)
    yield "dry run: nothing is changed"


@page.register
def _(report: AccountList) -> Iterable[Part]:
    if report.accounts:
        yield Sheet(
            ("number", "groups", "messages", "size", "last POP3", "last SMTP"),
            [
                (
                    each.number,
                    ",".join(each.groups) or "-",
                    f"{each.messages:,}" if not each.trouble else "?",
                    size(each.octets) if not each.trouble else "?",
                    moment(each.pop3),
                    moment(each.smtp),
                )
                for each in report.accounts
            ],
            frozenset({2, 3}),
        )
    for each in report.accounts:
        if each.trouble:
            yield f"the mailbox of {each.number} cannot be read: {each.trouble}"
    messages = sum(each.messages for each in report.accounts)
    yield f"{count(len(report.accounts), 'account')}, {count(messages, 'message')}"


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


def _standing(present: tuple[str, ...]) -> Iterable[Part]:
    if present:
        yield f"{len(present):,} stood already{ranges(present)}"


def _kept(messages: int, kept: str, expelled: int) -> Iterable[Part]:
    if kept:
        yield f"{count(messages, 'old message')} kept in {kept}"
    if expelled:
        yield f"{count(expelled, 'open POP3 session')} closed"
