"""The commands that set mailboxes aside and bring them back: reset, undo, snapshots, restore."""

import click

from tpmailserver.admin.resets import Planned, Undoable
from tpmailserver.admin.snapshots import PlannedRestore
from tpmailserver.admin.who import Who

from .asking import Invocation, at_a_terminal, confirm, for_whom, for_whom_or_all
from .phrases import count, moment

_YES = click.option("--yes", is_flag=True, help="Do not ask.")
_DRY_RUN = click.option("--dry-run", is_flag=True, help="Say what would be done.")


@click.command()
@for_whom
@click.option("--seed", metavar="PACK", default="", help="Begin with these mails: seed --list.")
@_DRY_RUN
@_YES
@click.pass_obj
def reset(invocation: Invocation, who: Who, seed: str, dry_run: bool, yes: bool) -> None:
    """Empty mailboxes. The old mail is kept: undo brings it back."""
    if dry_run:
        invocation.face.show(invocation.carry("plan_reset", who=who, seed=seed))
        return
    if at_a_terminal() and not yes:
        plan: Planned = invocation.carry("plan_reset", who=who, seed=seed)
        if who.everybody or len(plan.numbers) > 1:
            boxes, messages = count(len(plan.numbers), "mailbox"), count(plan.messages, "message")
            confirm(f"Empty {boxes} ({messages}; undo brings them back)?")
    invocation.face.show(invocation.carry("reset", who=who, seed=seed))


@click.command()
@_DRY_RUN
@_YES
@click.pass_obj
def undo(invocation: Invocation, dry_run: bool, yes: bool) -> None:
    """Bring back what the last reset or restore set aside.

    Mail that came since is kept, and the mailboxes of just now are in a snapshot.
    """
    plan: Undoable = invocation.carry("plan_undo")
    if dry_run:
        invocation.face.show(plan)
        return
    if at_a_terminal() and not yes:
        boxes, messages = count(len(plan.numbers), "mailbox"), count(plan.messages, "message")
        confirm(f"Undo the {plan.kind} of {moment(plan.at)} ({boxes}, {messages})?")
    invocation.face.show(invocation.carry("undo"))


@click.command()
@click.pass_obj
def snapshots(invocation: Invocation) -> None:
    """List the snapshots of mailboxes, with what lies in them."""
    invocation.face.show(invocation.carry("snapshots"))


@click.command()
@click.argument("name", metavar="NAME")
@click.pass_obj
def snapshot(invocation: Invocation, name: str) -> None:
    """Take a snapshot of all mailboxes, under a NAME of yours.

    Nothing happens to the mailboxes, and it takes no room until mail is deleted.
    """
    invocation.face.show(invocation.carry("snapshot", label=name))


@click.command()
@click.argument("name", metavar="NAME")
@for_whom_or_all
@_DRY_RUN
@_YES
@click.pass_obj
def restore(invocation: Invocation, name: str, who: Who, dry_run: bool, yes: bool) -> None:
    """Put mailboxes back as a snapshot has them.

    NAME is the name of a snapshot, or a part of it. Without NUMBER... or --group: all that are
    in the snapshot. The mailboxes of just now are kept: undo brings them back.
    """
    plan: PlannedRestore = invocation.carry("plan_restore", title=name, who=who)
    if dry_run:
        invocation.face.show(plan)
        return
    if at_a_terminal() and not yes:
        boxes, messages = count(len(plan.numbers), "mailbox"), count(plan.messages, "message")
        confirm(f"Snapshot {plan.title}\nReplaces {boxes} ({messages}; undo brings them back)?")
    invocation.face.show(invocation.carry("restore", title=plan.title, who=who))
