"""The commands by what they are for, each with examples to type.

The rule it guards: `tpmail --help` is the first that a newcomer reads. Every command stands there
once, below a heading, in one whole line of 80 columns.
"""

from typing import Any

import click

EXAMPLES = {
    "init": ("tpmail init", "tpmail init --domain tpmail.example.org --language fr"),
    "demo": ("tpmail demo", "tpmail demo --no-start"),
    "doctor": ("tpmail doctor",),
    "add": (
        "tpmail add 22000001-22000040 --group tp1",
        "tpmail add 22000007 --group tp2 --leave tp1",
    ),
    "import": (
        "tpmail import roster.csv --dry-run",
        "tpmail import roster.csv --group l3",
        "tpmail import roster.csv --diff",
    ),
    "accounts": ("tpmail accounts", "tpmail accounts --group tp1 --never-seen"),
    "password": (
        "tpmail password 22000001",
        "tpmail password --group tp1 --random",
        "tpmail password 22000001 --default",
    ),
    "remove": ("tpmail remove 22000007", "tpmail remove --group tp1 --dry-run"),
    "forget": ("tpmail forget 22000008 --dry-run", "tpmail forget 22000008 --yes"),
    "reset": ("tpmail reset --group tp1", "tpmail reset --group tp1 --seed welcome"),
    "undo": ("tpmail undo --dry-run", "tpmail undo"),
    "seed": (
        "tpmail seed --list",
        "tpmail seed subjects --group tp1",
        "tpmail seed --check subjects",
    ),
    "snapshot": ("tpmail snapshot before-exam",),
    "snapshots": ("tpmail snapshots",),
    "restore": (
        "tpmail restore before-exam --dry-run",
        "tpmail restore before-exam 22000001",
        "tpmail restore before-exam",
    ),
    "list add": (
        "tpmail list add seminar tp1 22000001 --owner 22000009 --post members",
        "tpmail list add seminar --no-owner",
    ),
    "list show": ("tpmail list show seminar",),
    "list approve": ("tpmail list approve seminar --dry-run", "tpmail list approve seminar"),
    "list reject": ("tpmail list reject seminar",),
    "list resume": ("tpmail list resume tp1",),
    "list remove": ("tpmail list remove seminar 22000001", "tpmail list remove seminar --yes"),
    "lists": ("tpmail lists",),
    "status": ("tpmail status", "tpmail status --all"),
    "kick": ("tpmail kick 22000003", "tpmail kick --group tp1"),
    "freeze": ("tpmail freeze smtp", "tpmail freeze"),
    "thaw": ("tpmail thaw",),
}


class Sections(click.Group):
    """A group of commands whose help shows them below headings."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.sections: dict[str, tuple[click.Command, ...]] = {}

    def add_section(self, heading: str, *commands: click.Command) -> None:
        """Adds commands below a heading, in the order in which they are to stand there."""
        self.sections[heading] = commands
        for each in commands:
            self.add_command(each)
            _give_examples(each, str(each.name))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        longest = max(map(len, self.list_commands(ctx)))
        room = formatter.width - longest - 6  # as click counts: for what stands around the columns
        for heading, commands in self.sections.items():
            with formatter.section(heading):
                formatter.write_dl(
                    [
                        (str(each.name).ljust(longest), each.get_short_help_str(room))
                        for each in commands
                    ]
                )


def _give_examples(command: click.Command, path: str) -> None:
    """Puts examples below the help of a command and of those below it."""
    if path in EXAMPLES:
        # Behind \b click does not wrap lines.
        command.epilog = "\b\n" + "\n".join(
            ["Examples:", *(f"  {each}" for each in EXAMPLES[path])]
        )
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            _give_examples(each, f"{path} {name}")
