"""Makes the pages about the commands, docs/commands/, of what click knows of `tpmail`.

`python -m tests.commands` writes them anew; `test_docs_commands` holds them to be true. What is to
be said of a command is said in its docstring, its options and its examples, where `--help` has it.
"""

import re
from collections.abc import Iterator
from inspect import cleandoc

import click

from tpmailserver.cli.command import tpmail

from .dialogues import ROOT

FOLDER = ROOT / "docs" / "commands"

_NOTE = "<!-- made by python -m tests.commands -->"
_OPTION = re.compile(r"(?<!\S)(--[a-z][a-z-]*)")
_EXIT = "Exit status: 0 done, 1 refused or partly done, 2 bad usage; then one line says why."


def made() -> dict[str, str]:
    """The pages by their file names."""
    each = (command for commands in tpmail.sections.values() for command in commands)
    pages = {f"{command.name}.md": _page(command) for command in each}
    return {"README.md": _index(), **pages}


def every() -> Iterator[tuple[click.Context, click.Command]]:
    """`tpmail`, its commands and those below them, each with how it is called."""
    yield from _below(click.Context(tpmail, info_name="tpmail"))


def examples(command: click.Command) -> list[str]:
    """The lines below a command's help that are to be typed."""
    lines = (command.epilog or "").removeprefix("\b\n").splitlines()
    return [each.strip() for each in lines if each != "Examples:"]


def _below(context: click.Context) -> Iterator[tuple[click.Context, click.Command]]:
    yield context, context.command
    if isinstance(context.command, click.Group):
        for name, each in context.command.commands.items():
            yield from _below(click.Context(each, context, name))


def _index() -> str:
    context = click.Context(tpmail, info_name="tpmail")
    lines = ["# The commands", "", _NOTE, "", *_body(context)]
    for heading, commands in tpmail.sections.items():
        lines += [f"## {heading}", "", "| | |", "| --- | --- |"]
        for each in commands:
            lines.append(f"| [`tpmail {each.name}`]({each.name}.md) | {_first(each)} |")
        lines.append("")
    lines += [_EXIT, ""]
    return "\n".join(lines)


def _page(command: click.Command) -> str:
    parent = click.Context(tpmail, info_name="tpmail")
    context = click.Context(command, parent, command.name)
    lines = [f"# {context.command_path}", "", _NOTE, "", *_body(context)]
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = click.Context(command.commands[name], context, name)
            lines += [f"## {below.command_path}", "", *_body(below)]
    lines += ["`--site DIR` and `--json` go with every command: [all commands](README.md).", ""]
    return "\n".join(lines)


def _body(context: click.Context) -> Iterator[str]:
    """What it does, how it is called, its options, examples."""
    command = context.command
    for paragraph in cleandoc(command.help or "").split("\n\n"):
        yield from (_marked(" ".join(paragraph.split())), "")
    yield from ("```", " ".join([context.command_path, *command.collect_usage_pieces(context)]))
    yield from ("```", "")
    options = [
        found
        for each in command.params  # --help is none of them
        if isinstance(each, click.Option) and (found := each.get_help_record(context))
    ]
    if options:
        yield from ("| option | |", "| --- | --- |")
        yield from (f"| `{_cell(option)}` | {_marked(_cell(what))} |" for option, what in options)
        yield ""
    if command is not tpmail and (typed := examples(command)):
        yield from ("For example:", "", "```", *typed, "```", "")


def _first(command: click.Command) -> str:
    return _marked(command.get_short_help_str(200))


def _marked(text: str) -> str:
    """A text with its options marked as what is typed, those that are not marked yet."""
    parts = text.split("`")
    parts[::2] = [_OPTION.sub(r"`\1`", part) for part in parts[::2]]
    return "`".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.md"):
        old.unlink()
    for name, page in made().items():
        (FOLDER / name).write_text(page)
