"""What every command shares: the site it is for, whom it is about, and a question before it acts.

The rule it guards: whom a command is about is said in exactly one way, by numbers, by a group or
by `--all`; none or two of them is bad usage, and nothing is done.
"""

import functools
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tpmailserver.admin.desk import NotDone
from tpmailserver.admin.numbers import BadNumber, expand, name
from tpmailserver.admin.who import Who
from tpmailserver.site import is_site

from .carrier import carry, enter
from .faces import Face

_YES = frozenset({"y", "yes", "o", "oui"})

WHOM = "whom? NUMBER..., --group G or --all"
"""What a command says that was not told whom it is about."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of `tpmail`: the site, and how to speak."""

    site: Path
    face: Face

    def carry(self, action: str, **arguments: object) -> Any:
        """The report of an action on this site; says so where the site is a new one."""
        enter(self.site)
        is_new = not is_site(self.site)
        report = carry(self.site, action, **arguments)
        if is_new and is_site(self.site):
            self.face.add([f"a new site: {self.site}"])
        return report


def for_whom(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command NUMBER…, `--group` and `--all`, and hands them to it as one `who`."""

    @functools.wraps(command)
    def asked(*arguments: Any, who: Who | None, **options: Any) -> None:
        if who is None:
            raise click.UsageError(WHOM)
        command(*arguments, who=who, **options)

    return for_whom_if_any(asked)


def for_whom_or_all(command: Callable[..., None]) -> Callable[..., None]:
    """The same, where nothing said means everybody."""

    @functools.wraps(command)
    def asked(*arguments: Any, who: Who | None, **options: Any) -> None:
        command(*arguments, who=who or Who(everybody=True), **options)

    return for_whom_if_any(asked)


def for_whom_if_any(command: Callable[..., None]) -> Callable[..., None]:
    """The same for a command that may be about nobody: then `who` is None."""

    @functools.wraps(command)
    def asked(
        *arguments: Any, numbers: Sequence[str], group: str | None, everybody: bool, **options: Any
    ) -> None:
        command(*arguments, who=_who(numbers, group, everybody), **options)

    for add in (
        click.option("--all", "everybody", is_flag=True, help="Every account."),
        click.option("--group", metavar="G", help="The members of a group."),
        click.argument("numbers", nargs=-1, metavar="[NUMBER...]"),
    ):
        asked = add(asked)
    return asked


def numbers_of(words: Sequence[str]) -> tuple[str, ...]:
    """The names that words of the command line spell, ranges among them."""
    try:
        return expand(words)
    except BadNumber as error:
        raise click.UsageError(str(error)) from error


def group_of(word: str | None) -> str | None:
    """The name of a group, if one was given."""
    return None if word is None else group_named(word, "--group")


def group_named(word: str, option: str) -> str:
    """The name of a group that was given with an option."""
    try:
        return name(word)
    except BadNumber as error:
        raise click.UsageError(f"{option}: {error}") from error


def confirm(question: str) -> None:
    """Asks for a yes, in English or French; everything else is a no and ends the command."""
    answer = click.prompt(f"{question} [y/N]", default="", show_default=False, err=True)
    if answer.strip().lower() not in _YES:
        raise NotDone("nothing is done")


def at_a_terminal() -> bool:
    """Whether there is a person to ask."""
    return sys.stdin.isatty()


def _who(numbers: Sequence[str], group: str | None, everybody: bool) -> Who | None:
    given = [
        way
        for way, is_given in (
            ("NUMBER", bool(numbers)),
            ("--group", group is not None),
            ("--all", everybody),
        )
        if is_given
    ]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} at once: say whom in one way")
    if not given:
        return None
    # A bad word is bad usage, so it is found here; what a range comes to only the site knows.
    numbers_of(numbers)
    return Who(tuple(word.lower() for word in numbers), group_of(group), everybody)
