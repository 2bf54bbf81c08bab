"""The command that takes a roster over: import.

The rule it guards: what was understood of the file is said before anything is written. Where
something looks wrong a person is asked; where there is nobody to ask it goes on, for an import only
adds.
"""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from tpmailserver.admin.desk import NotDone
from tpmailserver.admin.enrolment import Difference, Enrolled, Entry
from tpmailserver.admin.roster import Fault, NoRoster, Roster, Row, read

from .asking import Invocation, at_a_terminal, confirm, group_of
from .progress import counted, waiting
from .roster_pages import Compared, Imported, PlannedImport, Reading, preview

# Who gives a file of another kind gets the idea from the first lines.
_FAULTS_NAMED = 100

_SHOWN = 3

# What 30,000 lines with names and addresses have, several times over.
_LONGEST_FILE = 16 * 1024 * 1024  # octets


@dataclass(frozen=True, slots=True)
class _Job:
    """What `tpmail import` was asked to do."""

    file: str
    group: str | None
    move: bool
    names: bool
    diff: bool
    dry_run: bool
    yes: bool


@click.command("import")
@click.argument("file", metavar="FILE")
@click.option("--group", metavar="G", help="Put them all into this group as well.")
@click.option("--move", is_flag=True, help="Take them out of the file's other groups.")
@click.option("--names", is_flag=True, help="Keep the students' names too.")
@click.option("--diff", is_flag=True, help="Only say who came, left or changed group.")
@click.option("--dry-run", is_flag=True, help="Say what would be done.")
@click.option("--yes", is_flag=True, help="Do not ask, even if something looks wrong.")
@click.pass_obj
def import_roster(invocation: Invocation, /, **asked: Any) -> None:
    """Make accounts and groups from a roster.

    FILE is CSV as Moodle, Canvas, a registrar's office or a spreadsheet writes it, or text
    with one number a line; "-" is standard input. What is understood of it is shown first.

    Whoever is not in FILE stays. Nobody leaves a group without --move; with it, whoever FILE
    puts into one of its groups leaves its other ones, and stays in those of which it says
    nothing.
    """
    job = _Job(**asked)
    group = group_of(job.group)
    file, roster = _read(job.file)
    entries = roster.entries if job.names else tuple(map(_nameless, roster.entries))
    reading = Reading(
        file=file,
        understood=roster.understood,
        first=entries[:_SHOWN],
        group=group,
        accounts=len(entries),
        names_kept=job.names,
        remarks=roster.remarks,
        doubts=roster.doubts,
    )
    invocation.face.add(preview(reading))
    if roster.faults:
        raise NotDone(_faults(file, roster.faults))
    if job.diff:
        invocation.face.show(Compared(reading, _compare(invocation, entries, group)))
        return
    if job.dry_run:
        difference = _compare(invocation, entries, group)
        invocation.face.show(PlannedImport(reading, difference, job.move))
        return
    if roster.doubts and at_a_terminal() and not job.yes:
        confirm("Import it all the same?")
    if job.move:
        entries = _moving(entries, _compare(invocation, entries, group))
    with waiting("writing", len(entries)):
        done: Enrolled = invocation.carry("enrol", entries=entries, group=group)
    invocation.face.show(Imported(reading, done))


def _read(file: str) -> tuple[str, Roster]:
    """What to call a file, and the roster in it."""
    called = "standard input" if file == "-" else file
    if file == "-":
        octets = sys.stdin.buffer.read(_LONGEST_FILE + 1)
    else:
        with Path(file).open("rb") as stream:
            octets = stream.read(_LONGEST_FILE + 1)
    if len(octets) > _LONGEST_FILE:
        raise NotDone(f"{called}: longer than any roster; nothing is imported")
    try:
        return called, read(octets, _follow)
    except NoRoster as error:
        raise NotDone(f"{called}: {error}; nothing is imported") from error


def _follow(rows: Sequence[Row]) -> Iterable[Row]:
    return counted("reading", rows)


def _nameless(entry: Entry) -> Entry:
    """The same without the name, which leaves this process only with `--names`."""
    return replace(entry, name="")


def _compare(invocation: Invocation, entries: tuple[Entry, ...], group: str | None) -> Difference:
    with waiting("comparing", len(entries)):
        difference: Difference = invocation.carry("compare", entries=entries, group=group)
    return difference


def _moving(entries: Iterable[Entry], difference: Difference) -> tuple[Entry, ...]:
    """The entries with the groups that they leave."""
    leaves = {each.number: each.leaves for each in difference.changes}
    return tuple(replace(each, leave=leaves.get(each.number, ())) for each in entries)


def _faults(file: str, faults: Sequence[Fault]) -> str:
    lines = [f"{file}, line {each.line}: {each.why}" for each in faults[:_FAULTS_NAMED]]
    if len(faults) > _FAULTS_NAMED:
        lines.append(f"and {len(faults) - _FAULTS_NAMED:,} more such lines")
    return "\n".join([*lines, "nothing is imported"])
