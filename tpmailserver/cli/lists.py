"""The commands about mailing lists: `tpmail lists`, and those of `tpmail list`."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import click

from tpmailserver.admin.lists import PlannedListRemoval
from tpmailserver.admin.members import Members
from tpmailserver.admin.numbers import BadNumber, expand, name

from .asking import Invocation, at_a_terminal, confirm
from .faces import Json
from .phrases import count


@click.command()
@click.pass_obj
def lists(invocation: Invocation) -> None:
    """List the mailing lists; every group is one."""
    invocation.face.show(invocation.carry("lists"))


@click.group("list", invoke_without_command=True)
@click.pass_context
def mailing_list(context: click.Context) -> None:
    """Make, look at and change a mailing list.

    NAME is a list; every group is a list of its own name. ADDRESS is a number, a range
    such as 22000001-22000040, a group, another list or postmaster, with @domain or without.
    """
    if context.invoked_subcommand is not None:
        return
    if isinstance(context.obj.face, Json):
        raise click.UsageError("Missing command.")
    # A bare `tpmail list` is a question.
    click.echo(context.get_help())


def _with_members(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command NAME, ADDRESS..., `--member` and `--group`, and hands on who is meant."""

    @functools.wraps(command)
    def asked(
        *arguments: Any,
        addresses: Sequence[str],
        more: Sequence[str],
        groups: Sequence[str],
        **options: Any,
    ) -> None:
        names = tuple(dict.fromkeys(map(_group, groups)))
        members = Members(_addresses([*addresses, *more]), names)
        command(*arguments, members=members, **options)

    for add_to in (
        click.option("--group", "groups", multiple=True, metavar="G", help="A group."),
        click.option(
            "--member", "more", multiple=True, metavar="ADDRESS", help="The same as ADDRESS."
        ),
        click.argument("addresses", nargs=-1, metavar="[ADDRESS...]"),
        click.argument("named", metavar="NAME"),
    ):
        asked = add_to(asked)
    return asked


def _with_owner(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command `--owner` and `--no-owner`: the new owner, "" for none, None for as it is."""

    @functools.wraps(command)
    def asked(*arguments: Any, owner: str | None, no_owner: bool, **options: Any) -> None:
        if no_owner and owner is not None:
            raise click.UsageError("--owner and --no-owner at once: say one")
        new = None if owner is None else _address(owner)
        command(*arguments, owner="" if no_owner else new, **options)

    for add_to in (
        click.option("--no-owner", is_flag=True, help="Nobody does, so postmaster does."),
        click.option("--owner", metavar="NUMBER", help="The account that answers for the list."),
    ):
        asked = add_to(asked)
    return asked


def _with_ids(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command NAME, ID... and `--dry-run`."""
    for add_to in (
        click.option("--dry-run", is_flag=True, help="Say what would be done."),
        click.argument("ids", nargs=-1, metavar="[ID...]"),
        click.argument("named", metavar="NAME"),
    ):
        command = add_to(command)
    return command


@mailing_list.command()
@_with_members
@_with_owner
@click.option(
    "--post",
    "may_post",
    type=click.Choice(("everyone", "members", "owner"), case_sensitive=False),
    help="Who may post to the list; at first everyone.",
)
@click.pass_obj
def add(
    invocation: Invocation,
    named: str,
    members: Members,
    owner: str | None,
    may_post: str | None,
) -> None:
    """Make a list, or add to one and change it."""
    change = {"members": members, "owner": owner, "may_post": may_post}
    invocation.face.show(invocation.carry("put_list", name=_address(named), **change))


@mailing_list.command()
@click.argument("named", metavar="NAME")
@click.option("--all", "everything", is_flag=True, help="Every member and every message.")
@click.pass_obj
def show(invocation: Invocation, named: str, everything: bool) -> None:
    """Show a list: its members, what waits on it, what is wrong."""
    report = invocation.carry("show_list", name=_address(named))
    if everything:
        invocation.face.show_whole(report)
    else:
        invocation.face.show(report)


@mailing_list.command()
@_with_members
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def remove(invocation: Invocation, named: str, members: Members, yes: bool) -> None:
    """Take members out of a list; with no ADDRESS, remove the list."""
    list_name = _address(named)
    if members != Members():
        invocation.face.show(invocation.carry("drop_members", name=list_name, members=members))
        return
    if at_a_terminal() and not yes:
        plan: PlannedListRemoval = invocation.carry("plan_remove_list", name=list_name)
        confirm(f"Remove the list {plan.name} ({count(plan.members, 'member')})?")
    invocation.face.show(invocation.carry("remove_list", name=list_name))


@mailing_list.command()
@_with_ids
@click.pass_obj
def approve(invocation: Invocation, named: str, ids: tuple[str, ...], dry_run: bool) -> None:
    """Send on what waits on a list: all, or the messages ID.

    ID is what `tpmail list show` says, or any part of a message's id that fits one only.
    """
    action = "plan_approve" if dry_run else "approve"
    invocation.face.show(invocation.carry(action, name=_address(named), ids=ids))


@mailing_list.command()
@_with_ids
@click.pass_obj
def reject(invocation: Invocation, named: str, ids: tuple[str, ...], dry_run: bool) -> None:
    """Set aside what waits on a list: all, or the messages ID."""
    action = "plan_reject" if dry_run else "reject"
    invocation.face.show(invocation.carry(action, name=_address(named), ids=ids))


@mailing_list.command()
@click.argument("named", metavar="NAME")
@click.pass_obj
def resume(invocation: Invocation, named: str) -> None:
    """Let a suspended list go on."""
    invocation.face.show(invocation.carry("resume_list", name=_address(named)))


def _group(word: str) -> str:
    try:
        return name(word)
    except BadNumber as error:
        raise click.UsageError(f"--group: {error}") from error


def _address(word: str) -> str:
    """One name or address."""
    (found,) = _read(word, lambda local: (name(local),))
    return found


def _addresses(words: Sequence[str]) -> tuple[str, ...]:
    """Names and addresses, ranges among them."""
    found = (each for word in words for each in _read(word, lambda local: expand([local])))
    return tuple(dict.fromkeys(found))


def _read(word: str, read_local: Callable[[str], Sequence[str]]) -> Sequence[str]:
    at = word.rfind("@") if "@" in word else len(word)
    try:
        return [each + word[at:] for each in read_local(word[:at])]
    except BadNumber as error:
        if at == len(word):
            raise click.UsageError(str(error)) from error
        # Another site's local part may hold what no name here does: the desk refuses it by name.
        return [word]
