"""The commands about accounts: add, import, accounts, remove, password."""

import getpass
import sys
from pathlib import Path

import click

from tpmailserver.admin.desk import NotDone
from tpmailserver.admin.roster import Fault, read
from tpmailserver.admin.who import Who

from .asking import Invocation, at_a_terminal, for_whom, group_of, numbers_of

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
@click.pass_obj
def remove(invocation: Invocation, who: Who, dry_run: bool) -> None:
    """Remove accounts. Their mail is kept aside."""
    invocation.face.show(invocation.carry("plan_remove" if dry_run else "remove", who=who))


@click.command()
@for_whom
@click.option("--default", is_flag=True, help="Make the number the password again.")
@click.pass_obj
def password(invocation: Invocation, who: Who, default: bool) -> None:
    """Change a password.

    It is asked for twice, or read from a line of standard input.
    """
    if default:
        invocation.face.show(invocation.carry("default_password", who=who))
        return
    # First the check of the numbers: nobody types a password twice to hear of a typing error.
    invocation.carry("find", who=who)
    chosen = _typed_twice() if at_a_terminal() else _piped()
    invocation.face.show(invocation.carry("set_password", who=who, password=chosen))


def _faults(file: str, faults: tuple[Fault, ...]) -> str:
    lines = [f"{file}, line {each.line}: {each.why}" for each in faults[:_FAULTS_NAMED]]
    if len(faults) > _FAULTS_NAMED:
        lines.append(f"and {len(faults) - _FAULTS_NAMED:,} more such lines")
    return "\n".join([*lines, "nothing is imported"])


def _typed_twice() -> str:
    chosen = getpass.getpass("New password: ")
    if getpass.getpass("The same again: ") != chosen:
        raise NotDone("the two are not the same; nothing is changed")
    return chosen


def _piped() -> str:
    line = sys.stdin.buffer.readline().removesuffix(b"\n").removesuffix(b"\r")
    return line.decode("utf-8", "surrogateescape")
