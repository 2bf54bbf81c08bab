"""What a person reads of a roster: these pages go with those of `pages`.

The rule it guards: before anything is written it is said how the file was read, in a few lines that
fit above the result; and whoever stays in an old group is named, with the way out.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from tpmailserver.admin.enrolment import Difference, Enrolled, Entry, GroupChange, GroupSize
from tpmailserver.admin.numbers import compact
from tpmailserver.admin.roster import Understood

from .pages import page
from .phrases import count, first_of, plain, ranges
from .sheets import Part, Sheet

# As many changes of group leave room in 24 lines for what stands above them.
_SHOWN = 6

_WAY_OUT = "tpmail import --move takes them out of the old groups"
_NOTHING = "dry run: nothing is changed"


@dataclass(frozen=True, slots=True)
class Reading:
    """How a roster was read, and what is to be said of it."""

    file: str
    understood: Understood
    first: tuple[Entry, ...]
    group: str | None
    """Where all of them go as well."""
    accounts: int
    doubts: tuple[str, ...]
    remarks: tuple[str, ...]
    names_kept: bool


@dataclass(frozen=True, slots=True)
class PlannedImport:
    """What an import would do, with `--move` where it is `moving`."""

    reading: Reading
    difference: Difference
    moving: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """A roster against the site."""

    reading: Reading
    difference: Difference


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import has done."""

    reading: Reading
    done: Enrolled


def preview(reading: Reading) -> Iterable[Part]:
    """How a file was read."""
    read = reading.understood
    header = f"headings in line {read.header}" if read.header else "no headings"
    separator = "no separator" if read.separator == "none" else f"separated by {read.separator}"
    yield f"{plain(reading.file)}: {read.shape}"
    yield f"  {read.encoding}, {separator}, {header}"
    ways = (*read.groups, *(() if reading.group is None else (f"{reading.group} for all",)))
    groups = f"; group: {', '.join(ways)}" if ways else ""
    names = f"; name: {', '.join(read.names)}" if reading.names_kept and read.names else ""
    yield f"  number: {read.number}{groups}{names}"
    unused = list(read.unused)
    if read.names and not reading.names_kept:
        unused.insert(0, f"{', '.join(read.names)} (--names keeps names)")
    if unused:
        yield f"  not used: {first_of(unused)}"
    first = ", ".join(map(_entry, reading.first))
    more = ", ..." if reading.accounts > len(reading.first) else ""
    colon = ": " if reading.first else ""
    yield f"  {count(read.lines, 'line')}, {count(reading.accounts, 'account')}{colon}{first}{more}"
    for remark in reading.remarks:
        yield f"note: {plain(remark)}"
    for doubt in reading.doubts:
        yield f"warning: {plain(doubt)}"


@page.register
def _(report: PlannedImport) -> Iterable[Part]:
    yield from _planned(report.difference)
    changes = report.difference.changes
    if changes:
        yield (_moves if report.moving else _additions)(changes[:_SHOWN])
    if len(changes) > _SHOWN:
        yield f"and {len(changes) - _SHOWN:,} more: tpmail import --diff shows them all"
    if not report.moving and any(each.leaves for each in changes):
        yield _WAY_OUT
    yield _NOTHING


@page.register
def _(report: Difference) -> Iterable[Part]:
    yield from _planned(report)
    if report.changes:
        yield _moves(report.changes)
    yield _NOTHING


@page.register
def _(report: Compared) -> Iterable[Part]:
    difference = report.difference
    groups = [each.group for each in difference.groups if not each.new]
    where = f" (looked for in {first_of(groups)})" if difference.groups else ""
    yield f"{count(len(difference.arrivals), 'arrival')}{_all(difference.arrivals)}"
    yield f"{count(len(difference.departures), 'departure')}{where}{_all(difference.departures)}"
    yield f"{count(len(difference.changes), 'change')} of group"
    if difference.changes:
        yield _changes(difference.changes)
    yield "nothing is changed: tpmail import adds the arrivals and joins the groups, and"
    yield "with --move leaves the old ones; who departed stays until tpmail remove"


@page.register
def _(report: Imported) -> Iterable[Part]:
    yield from _done(report.done)
    if report.done.stayed:
        stayed = [f"{each.number} in {', '.join(each.leaves)}" for each in report.done.stayed]
        yield f"{len(stayed):,} still in an old group: {first_of(stayed)}"
        yield _WAY_OUT


@page.register
def _(report: Enrolled) -> Iterable[Part]:
    yield from _done(report)


def _planned(difference: Difference) -> Iterable[Part]:
    arrivals, present = difference.arrivals, difference.present
    yield f"{count(len(arrivals), 'account')} would be added{ranges(arrivals)}"
    if present:
        yield f"{len(present):,} stood already{ranges(present)}"
    if difference.groups:
        sizes = [f"{each.group} {each.numbers:,}{_new(each)}" for each in difference.groups]
        yield f"in the groups: {first_of(sizes)}"


def _done(done: Enrolled) -> Iterable[Part]:
    yield f"{count(len(done.added), 'account')} added{ranges(done.added)}"
    if done.present:
        yield f"{len(done.present):,} stood already{ranges(done.present)}"
    joined = [f"{each.group} {len(each.joined):,}" for each in done.groups if each.joined]
    if joined:
        yield f"groups joined: {first_of(joined)}"
    for each in done.groups:
        if each.left:
            yield f"{len(each.left):,} left {each.group}{ranges(each.left)}"


def _changes(changes: Sequence[GroupChange]) -> Part:
    return Sheet(
        ("number", "is in", "joins", "leaves"),
        [
            (each.number, _groups(each.now), _groups(each.joins), _groups(each.leaves))
            for each in changes
        ],
    )


def _additions(changes: Sequence[GroupChange]) -> Part:
    return _outcome(changes, [{*each.now, *each.joins} for each in changes])


def _moves(changes: Sequence[GroupChange]) -> Part:
    return _outcome(changes, [{*each.now, *each.joins}.difference(each.leaves) for each in changes])


def _outcome(changes: Sequence[GroupChange], then: Sequence[AbstractSet[str]]) -> Part:
    rows = [
        (each.number, _groups(each.now), _groups(sorted(groups)))
        for each, groups in zip(changes, then, strict=True)
    ]
    return Sheet(("number", "is in", "would be in"), rows)


def _entry(entry: Entry) -> str:
    return f"{entry.number} ({', '.join(entry.groups)})" if entry.groups else entry.number


def _new(size: GroupSize) -> str:
    return " (new)" if size.new else ""


def _groups(names: Sequence[str]) -> str:
    return ",".join(names) or "-"


def _all(numbers: Sequence[str]) -> str:
    return f": {compact(numbers)}" if numbers else ""
