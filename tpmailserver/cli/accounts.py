"""The commands about accounts: add, accounts, remove, forget."""

import click

from tpmailserver.admin.enrolment import Entry
from tpmailserver.admin.forgetting import PlannedForgetting
from tpmailserver.admin.resets import Planned
from tpmailserver.admin.who import Who

from .asking import (
    Invocation,
    at_a_terminal,
    confirm,
    for_whom,
    group_named,
    group_of,
    numbers_of,
)
from .phrases import count


@click.command()
@click.argument("numbers", nargs=-1, required=True, metavar="NUMBER...")
@click.option(
    "--group",
    metavar="G",
    help="Put them all into this group, a mailing list as well.",
)
@click.option("--leave", metavar="G", multiple=True, help="Take them all out of this group.")
@click.option("--dry-run", is_flag=True, help="Say what would be done.")
@click.pass_obj
def add(
    invocation: Invocation,
    numbers: tuple[str, ...],
    group: str | None,
    leave: tuple[str, ...],
    dry_run: bool,
) -> None:
    """Make accounts. NUMBER may be a range: 22000001-22000040.

    The password is the number until it is changed. An account that stands stays as it is
    but for its groups; a student moves with add 22000007 --group tp2 --leave tp1.
    """
    names, into = numbers_of(numbers), group_of(group)
    if leave:
        out = tuple(group_named(each, "--leave") for each in leave)
        entries = tuple(Entry(each, () if into is None else (into,), out) for each in names)
        action = "compare" if dry_run else "enrol"
        invocation.face.show(invocation.carry(action, entries=entries))
        return
    action = "plan_add" if dry_run else "add"
    invocation.face.show(invocation.carry(action, numbers=names, group=into))


@click.command()
@click.option("--group", metavar="G", help="Only the members of this group.")
@click.option("--never-seen", is_flag=True, help="Only those who have never logged in.")
@click.pass_obj
def accounts(invocation: Invocation, group: str | None, never_seen: bool) -> None:
    """List accounts, their groups, their mail, their last sessions.

    A session counts from its login; SMTP needs none here, so whoever sends without one
    is not seen there.
    """
    action = "never_seen" if never_seen else "accounts"
    invocation.face.show(invocation.carry(action, group=group_of(group)))


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
