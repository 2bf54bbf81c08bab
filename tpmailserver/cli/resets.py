"""The command that empties mailboxes: reset."""

import click

from tpmailserver.admin.resets import Planned
from tpmailserver.admin.who import Who

from .asking import Invocation, at_a_terminal, confirm, for_whom
from .phrases import count


@click.command()
@for_whom
@click.option("--dry-run", is_flag=True, help="Say what would be done.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def reset(invocation: Invocation, who: Who, dry_run: bool, yes: bool) -> None:
    """Empty mailboxes. The old mail is kept aside."""
    if dry_run:
        invocation.face.show(invocation.carry("plan_reset", who=who))
        return
    if at_a_terminal() and not yes:
        plan: Planned = invocation.carry("plan_reset", who=who)
        if who.everybody or len(plan.numbers) > 1:
            boxes, messages = count(len(plan.numbers), "mailbox"), count(plan.messages, "message")
            confirm(f"Empty {boxes} ({messages}; the old mail is kept aside)?")
    invocation.face.show(invocation.carry("reset", who=who))
