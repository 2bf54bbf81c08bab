"""The commands for a class at work: status, kick, freeze, thaw."""

import click

from tpmailserver.admin.sessions import PROTOCOLS
from tpmailserver.admin.who import Who

from .asking import Invocation, for_whom

_ONE = click.Choice([each.lower() for each in PROTOCOLS], case_sensitive=False)


@click.command()
@click.option("--all", "everybody", is_flag=True, help="Every student, however many.")
@click.pass_obj
def status(invocation: Invocation, everybody: bool) -> None:
    """Say whether the server runs and who is connected.

    Counts first, then a line for each student, the longest connected on top: whoever is
    stuck is there. A dash stands where nobody has logged in. "in the maildrop" holds a
    mailbox that a second program cannot open; "in a message" has said DATA and not yet a
    final dot.
    """
    face = invocation.face
    (face.show_whole if everybody else face.show)(invocation.carry("status"))


@click.command()
@for_whom
@click.pass_obj
def kick(invocation: Invocation, who: Who) -> None:
    """Close the SMTP and POP3 sessions of students.

    Nothing is removed: mail that was marked with DELE stays, and a message that has not
    come to its final dot is not delivered. Each session is told that the instructor has
    closed it, and may come back at once. With --all those sessions go too in which nobody
    has logged in, as SMTP does without AUTH.
    """
    invocation.face.show(invocation.carry("kick", who=who))


@click.command()
@click.argument("protocol", type=_ONE, required=False)
@click.pass_obj
def freeze(invocation: Invocation, protocol: str | None) -> None:
    """Stop SMTP, POP3 or both for a while, and tell everybody so.

    Who connects gets one line that says that the instructor has stopped it for now; who is
    connected gets the same line and is closed. What was acknowledged is kept, nothing that
    was only marked is removed, and a message without its final dot is not delivered: the
    sender keeps it. So a class sees who can still read and who can still send.

    It lasts until thaw or until the server stops; `tpmail status` shows it.
    """
    invocation.face.show(invocation.carry("freeze", protocols=_protocols(protocol)))


@click.command()
@click.argument("protocol", type=_ONE, required=False)
@click.pass_obj
def thaw(invocation: Invocation, protocol: str | None) -> None:
    """Let SMTP, POP3 or both go on after a freeze."""
    invocation.face.show(invocation.carry("thaw", protocols=_protocols(protocol)))


def _protocols(word: str | None) -> tuple[str, ...]:
    return PROTOCOLS if word is None else (word.upper(),)
