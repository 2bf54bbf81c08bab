"""The commands about accounts: add, import, accounts, remove, forget."""

import sys
from pathlib import Path

import click

from tpmailserver.admin.desk import NotDone
from tpmailserver.admin.forgetting import PlannedForgetting
from tpmailserver.admin.resets import Planned
from tpmailserver.admin.roster import Fault, read
from tpmailserver.admin.who import Who

from .asking import Invocation, at_a_terminal, confirm, for_whom, group_of, numbers_of
from .phrases import count

# Who gives a file of another kind gets the idea from the first lines.
_FAULTS_NAMED = 100


@click.command()
@click.argument("numbers", nargs=-1, required=True, metavar="NUMBER...")
@click.option(
    "--group",
    metavar="G",
    help="Put them all into this group, a mailing list as well.",
)
@click.pass_obj
def add(invocation: Invocation, numbers: tuple[str, ...], group: str | None) -> None:
    """Make accounts. NUMBER may be a range: 22000001-22000040.

    The password is the number until it is changed.
    """
    names = numbers_of(numbers)
    invocation.face.show(invocation.carry("add", numbers=names, group=group_of(group)))


@click.command("import")
@click.argument("file", metavar="FILE")
@click.option(
    "--group",
    metavar="G",
    help="Put them all into this group, a mailing list as well.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done.")
@click.pass_obj
def import_roster(invocation: Invocation, file: str, group: str | None, dry_run: bool) -> None:
    """Make an account for each line of FILE ("-" is standard input).

    One number a line; blank lines and what follows a # are skipped.
    """
    folded = group_of(group)
    roster = read(sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes())
    if roster.faults:
        raise NotDone(_faults("standard input" if file == "-" else file, roster.faults))
    if not roster.numbers:
        raise NotDone(f"{file}: there is no number in it")
    action = "plan_add" if dry_run else "add"
    invocation.face.show(invocation.carry(action, numbers=roster.numbers, group=folded))


@click.command()
@click.option("--group", metavar="G", help="Only the members of this group.")
@click.pass_obj
def accounts(invocation: Invocation, group: str | None) -> None:
    """List the accounts, their mail and their last sessions."""
    invocation.face.show(invocation.carry("accounts", group=group_of(group)))


@click.command()
@for_whom
@click.option("--dry-run", is_flag=True, help="Say what would be done.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove(invocation: Invocation, who: Who, dry_run: bool, yes: bool) -> None:
    """Remove accounts. Their mail is kept in a snapshot."""
    plan: Planned = invocation.carry("plan_remove", who=who)
    if dry_run:
        invocation.face.show(plan)
        return
    if at_a_terminal() and not yes and (who.everybody or len(plan.numbers) > 1):
        accounts, messages = count(len(plan.numbers), "account"), count(plan.messages, "message")
        confirm(f"Remove {accounts} ({messages}, kept in a snapshot)?")
    invocation.face.show(invocation.carry("remove", who=who))


@click.command()
@for_whom
@click.option("--dry-run", is_flag=True, help="Say what would be erased.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def forget(invocation: Invocation, who: Who, dry_run: bool, yes: bool) -> None:
    """Erase accounts with their mail, in all snapshots too. There is no undo.

    What they wrote to others stays where it is.
    """
    plan: PlannedForgetting = invocation.carry("plan_forget", who=who)
    if dry_run:
        invocation.face.show(plan)
        return
    if not yes:
        if not at_a_terminal():
            raise click.UsageError("this cannot be undone: say --yes")
        accounts, messages = count(len(plan.numbers), "account"), count(plan.messages, "message")
        confirm(f"Erase {accounts} for good, with {messages} in mailboxes and snapshots?")
    invocation.face.show(invocation.carry("forget", who=who))


def _faults(file: str, faults: tuple[Fault, ...]) -> str:
    lines = [f"{file}, line {each.line}: {each.why}" for each in faults[:_FAULTS_NAMED]]
    if len(faults) > _FAULTS_NAMED:
        lines.append(f"and {len(faults) - _FAULTS_NAMED:,} more such lines")
    return "\n".join([*lines, "nothing is imported"])
