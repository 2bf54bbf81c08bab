"""What a person reads of mailboxes that were set aside or brought back; see `pages`.

The rule it guards: whoever has just emptied forty mailboxes reads how to have them back.
"""

from collections.abc import Iterable

from tpmailserver.admin.accounts import Removed
from tpmailserver.admin.forgetting import Forgotten, PlannedForgetting
from tpmailserver.admin.numbers import compact
from tpmailserver.admin.resets import Planned, Reset, Undoable, Undone
from tpmailserver.admin.snapshots import PlannedRestore, Restored, SnapshotList, Taken

from .pages import page
from .phrases import count, moment, ranges, size
from .sheets import Part, Sheet

_DRY_RUN = "dry run: nothing is changed"


@page.register
def _(report: Planned) -> Iterable[Part]:
    boxes = count(len(report.numbers), "mailbox")
    yield f"{boxes} would be set aside{ranges(report.numbers)}"
    yield f"in all {count(report.messages, 'message')}, {size(report.octets)}"
    if report.broken:
        yield f"cannot be counted: {compact(report.broken)}"
    if report.seeded:
        yield f"each would begin anew with {count(report.seeded, 'mail')}"
    yield _DRY_RUN


@page.register
def _(report: Removed) -> Iterable[Part]:
    yield f"{count(len(report.numbers), 'account')} removed{ranges(report.numbers)}"
    yield from _kept(report.messages, report.kept, report.expelled)


@page.register
def _(report: PlannedForgetting) -> Iterable[Part]:
    yield f"{count(len(report.numbers), 'account')} would be erased{ranges(report.numbers)}"
    yield from _erased(report)
    yield _DRY_RUN


@page.register
def _(report: Forgotten) -> Iterable[Part]:
    yield f"{count(len(report.numbers), 'account')} erased for good{ranges(report.numbers)}"
    yield from _erased(report)
    yield from _closed(report.expelled)


def _erased(report: PlannedForgetting | Forgotten) -> Iterable[Part]:
    messages, snapshots = count(report.messages, "message"), count(report.snapshots, "snapshot")
    yield f"with {messages} ({size(report.octets)}) in mailboxes and in {snapshots}"


@page.register
def _(report: Reset) -> Iterable[Part]:
    boxes, is_one = count(len(report.numbers), "mailbox"), len(report.numbers) == 1
    state = f"{'is' if is_one else 'are'} empty now"
    if report.seeded:
        mails = count(report.seeded, "mail")
        state = f"begins anew with {mails}" if is_one else f"begin anew with {mails} each"
    yield f"{boxes} {state}{ranges(report.numbers)}"
    yield from _kept(report.messages, report.kept, report.expelled)
    if report.kept:
        yield "to have it all back: tpmail undo"


@page.register
def _(report: Undoable) -> Iterable[Part]:
    yield f"the {report.kind} of {moment(report.at)} would be undone: snapshot {report.title}"
    boxes, messages = count(len(report.numbers), "mailbox"), count(report.messages, "message")
    yield f"{boxes} with {messages} would come back{ranges(report.numbers)}"
    yield "mail that came since would stay"
    yield _DRY_RUN


@page.register
def _(report: Undone) -> Iterable[Part]:
    yield f"the {report.kind} of {moment(report.at)} is undone"
    boxes, messages = count(len(report.numbers), "mailbox"), count(report.messages, "message")
    yield f"{boxes} back, now with {messages}{ranges(report.numbers)}"
    yield f"as they were just now, they are in snapshot {report.kept}"
    yield f"to have that back: tpmail restore {report.kept}"
    yield from _closed(report.expelled)


@page.register
def _(report: SnapshotList) -> Iterable[Part]:
    if report.snapshots:
        # When it was taken and why stand in the name.
        yield Sheet(
            ("name", "mailboxes", "messages", "size"),
            [
                (each.title, f"{each.mailboxes:,}", f"{each.messages:,}", size(each.octets))
                for each in report.snapshots
            ],
            numeric=frozenset({1, 2, 3}),
        )
    days = f"each is kept for {report.kept_days:g} days" if report.kept_days else "all are kept"
    once = "; mail in several takes its room once" if len(report.snapshots) > 1 else ""
    yield f"{count(len(report.snapshots), 'snapshot')}; {days}{once}"


@page.register
def _(report: Taken) -> Iterable[Part]:
    boxes, messages = count(report.mailboxes, "mailbox"), count(report.messages, "message")
    yield f"snapshot {report.title} is taken: {boxes}, {messages}"


@page.register
def _(report: PlannedRestore) -> Iterable[Part]:
    boxes, messages = count(len(report.numbers), "mailbox"), count(report.restored, "message")
    yield f"{boxes} would be put back{ranges(report.numbers)}"
    yield f"as in snapshot {report.title}"
    yield f"{messages} in the place of {report.messages:,}"
    yield _DRY_RUN


@page.register
def _(report: Restored) -> Iterable[Part]:
    boxes, messages = count(len(report.numbers), "mailbox"), count(report.messages, "message")
    yield f"{boxes} back, now with {messages}{ranges(report.numbers)}"
    yield f"as in snapshot {report.title}"
    yield f"as they were just now, they are in snapshot {report.kept}"
    yield "to have that back: tpmail undo"
    yield from _closed(report.expelled)


def _kept(messages: int, kept: str, expelled: int) -> Iterable[Part]:
    if kept:
        yield f"{count(messages, 'old message')} kept in snapshot {kept}"
    yield from _closed(expelled)


def _closed(sessions: int) -> Iterable[Part]:
    if sessions:
        yield f"{count(sessions, 'open POP3 session')} closed"
