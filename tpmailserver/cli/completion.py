"""The command that lets a shell complete the others: completion.

The rule it guards: what a shell asks at each Tab changes nothing; it looks at names of commands,
options and files only, and at no site.
"""

import os
import sys

import click
from click.shell_completion import get_completion_class, shell_complete

_VARIABLE = "_TPMAIL_COMPLETE"

_WHERE = {
    "bash": 'eval "$(tpmail completion bash)"    # in ~/.bashrc',
    "zsh": 'eval "$(tpmail completion zsh)"    # in ~/.zshrc',
    "fish": "tpmail completion fish > ~/.config/fish/completions/tpmail.fish",
}


@click.command(epilog="\b\n" + "\n".join(_WHERE.values()))
@click.argument("shell", metavar="bash|zsh|fish", type=click.Choice(list(_WHERE)), required=False)
@click.pass_context
def completion(context: click.Context, shell: str | None) -> None:
    """Print what makes a shell complete commands and options."""
    if shell is None:
        raise click.UsageError("which shell? bash, zsh or fish", context)
    kind = get_completion_class(shell)
    assert kind is not None, "click knows all three"
    root = context.find_root()
    sys.stdout.write(kind(root.command, {}, "tpmail", _VARIABLE).source() + "\n")


def complete_and_exit(command: click.Command) -> None:
    """Answers a shell that asks for completions; nobody else."""
    instruction = os.environ.get(_VARIABLE)
    if instruction:
        sys.exit(shell_complete(command, {}, "tpmail", _VARIABLE, instruction))
