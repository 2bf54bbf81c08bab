"""The command that changes passwords: password.

The rule it guards: a password is typed without being shown, or comes by a pipe, and never stands on
the command line, which everybody on the machine can read.
"""

import getpass
import sys

import click

from tpmailserver.admin.desk import NotDone
from tpmailserver.admin.passwords import Slips
from tpmailserver.admin.who import Who

from .asking import Invocation, at_a_terminal, confirm, for_whom
from .phrases import count


@click.command()
@for_whom
@click.option("--default", is_flag=True, help="Make the number the password again.")
@click.option("--random", is_flag=True, help="Make one for each, and print slips to hand out.")
@click.option("--csv", "as_csv", is_flag=True, help="With --random: lines of number,password.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def password(invocation: Invocation, /, who: Who, **options: bool) -> None:
    """Change passwords.

    One is asked for twice, or read from a line of standard input.
    """
    if options["default"] and options["random"]:
        raise click.UsageError("--default and --random at once: say one of them")
    if options["as_csv"] and not options["random"]:
        raise click.UsageError("--csv goes with --random")
    if options["default"]:
        invocation.face.show(invocation.carry("default_password", who=who))
        return
    # First the check of the numbers: nobody types a password twice to hear of a typing error.
    found = invocation.carry("find", who=who).numbers
    if options["random"]:
        if at_a_terminal() and not options["yes"] and len(found) > 1:
            confirm(f"Change the passwords of {count(len(found), 'account')}?")
        _show(invocation, invocation.carry("random_passwords", who=who), options["as_csv"])
        return
    chosen = _typed_twice() if at_a_terminal() else _piped()
    invocation.face.show(invocation.carry("set_password", who=who, password=chosen))


def _show(invocation: Invocation, slips: Slips, as_csv: bool) -> None:
    if as_csv:
        lines = ["number,password", *(f"{each.number},{each.password}" for each in slips.slips)]
        sys.stdout.write("".join(f"{line}\n" for line in lines))
    else:
        invocation.face.show(slips)


def _typed_twice() -> str:
    chosen = getpass.getpass("New password: ")
    if getpass.getpass("The same again: ") != chosen:
        raise NotDone("the two are not the same; nothing is changed")
    return chosen


def _piped() -> str:
    line = sys.stdin.buffer.readline().removesuffix(b"\n").removesuffix(b"\r")
    return line.decode("utf-8", "surrogateescape")
