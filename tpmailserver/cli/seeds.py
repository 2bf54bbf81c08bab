"""The command about seed packs, and what it says: seed."""

from collections.abc import Iterable
from pathlib import Path

import click

from tpmailserver.admin.numbers import compact
from tpmailserver.admin.pack_checks import PackChecked, PacksChecked, check_folder
from tpmailserver.admin.seeds import PackList, PlannedSeed, Seeded
from tpmailserver.admin.who import Who

from .asking import WHOM, Invocation, for_whom_if_any
from .pages import page
from .phrases import count, ranges, size
from .sheets import Part, Sheet

# Who checks a folder of another kind gets the idea from the first lines.
_LINES_NAMED = 100


@click.command()
@click.argument("pack", required=False, metavar="[PACK]")
@for_whom_if_any
@click.option("--dry-run", "way", flag_value="plan", help="Say what would be done.")
@click.option("--list", "way", flag_value="list", help="Show the packs that there are.")
@click.option("--check", "way", flag_value="check", help="Say what is wrong in a pack.")
@click.pass_obj
def seed(invocation: Invocation, pack: str | None, who: Who | None, way: str | None) -> None:
    """Deliver the mails of a seed pack.

    With --check, PACK may be a folder, such as ./mypack; without PACK it is every pack.
    """
    match way:
        case "list":
            _nothing_but("--list", pack, who)
            invocation.face.show(invocation.carry("packs"))
        case "check":
            _nothing_but("--check PACK", None, who)
            _check(invocation, pack)
        case _:
            if pack is None:
                raise click.UsageError("which pack? tpmail seed --list shows them")
            if who is None:
                raise click.UsageError(WHOM)
            action = "plan_seed" if way == "plan" else "seed"
            invocation.face.show(invocation.carry(action, who=who, pack=pack))


def _check(invocation: Invocation, pack: str | None) -> None:
    """Shows what is wrong; the exit status says whether anything is."""
    if pack is not None and (pack == "." or "/" in pack):
        # Here and not by the server: it has another current folder, and may not read this one.
        checked = check_folder(Path(pack))
    else:
        checked = invocation.carry("check_packs", pack=pack)
    invocation.face.show(checked)
    if any(each.faults for each in checked.packs):
        raise click.exceptions.Exit(1)


def _nothing_but(way: str, pack: str | None, who: Who | None) -> None:
    if pack is not None or who is not None:
        raise click.UsageError(f"{way} stands alone")


@page.register
def _(report: PackList) -> Iterable[Part]:
    yield Sheet(
        ("pack", "mails", "from", "teaches"),
        [
            (
                each.name,
                f"{each.mails:,}",
                "tpmailserver" if each.is_shipped else "this site",
                each.teaches or "-",
            )
            for each in report.packs
        ],
        frozenset({1}),
    )
    for each in report.packs:
        if each.faults:
            faults = count(each.faults, "fault")
            yield f"{each.name} has {faults}: tpmail seed --check {each.name}"
    yield f"packs of your own go into {report.own}"


@page.register
def _(report: PlannedSeed) -> Iterable[Part]:
    mails = count(len(report.mails), "mail")
    boxes = count(len(report.numbers), "mailbox")
    yield f"{mails} of {report.pack} would be delivered to {boxes}{ranges(report.numbers)}"
    yield f"{size(sum(each.octets for each in report.mails))} in each mailbox"
    yield from _over(report.over)
    if report.broken:
        yield f"cannot be read, so it would be refused: {compact(report.broken)}"
    yield "dry run: nothing is changed"


@page.register
def _(report: Seeded) -> Iterable[Part]:
    mails = count(len(report.mails), "mail")
    boxes = count(len(report.numbers), "mailbox")
    yield f"{mails} of {report.pack} delivered to {boxes}{ranges(report.numbers)}"
    yield from _over(report.over)


@page.register
def _(report: PacksChecked) -> Iterable[Part]:
    for each in report.packs:
        yield from _checked(each)


def _checked(pack: PackChecked) -> Iterable[Part]:
    found = count(len(pack.faults), "fault") if pack.faults else "no fault"
    yield f"{pack.name}: {count(pack.mails, 'mail')}, {found} ({pack.folder})"
    lines = [*map(str, pack.faults), *(f"note: {each}" for each in pack.remarks)]
    yield from (f"  {each}" for each in lines[:_LINES_NAMED])
    if len(lines) > _LINES_NAMED:
        yield f"  and {len(lines) - _LINES_NAMED:,} more such lines"


def _over(numbers: tuple[str, ...]) -> Iterable[Part]:
    if numbers:
        yield f"over the limits of tpmail.toml, so no other mail gets in: {compact(numbers)}"
