"""The command that makes a site: init.

The rule it guards: five questions, each with an answer that makes the lab run, so that Enter five
times is a site; an option answers its question, and without a terminal nobody is asked. Whoever
answers in French is asked in French.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import click

from tpmailserver.admin.desk import NotDone
from tpmailserver.admin.founding import found
from tpmailserver.settings import FILE_NAME, Settings, SettingsError, from_table, load
from tpmailserver.site import open_site

from .asking import Invocation, at_a_terminal
from .carrier import enter


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for a setting, in both languages, and how its answer is read."""

    key: str
    english: str
    french: str
    read: Callable[[str], object] = str


def _blocks(text: str) -> list[str]:
    return text.replace(",", " ").split()


_QUESTIONS = (
    Question("language", "Language of the replies (en, fr)", "Langue des réponses (en, fr)"),
    Question(
        "domain",
        "Domain, the part behind the @ of every address",
        "Domaine, ce qui suit le @ de chaque adresse",
    ),
    Question(
        "networks",
        "Who may connect: local (private networks), any, or networks such as 10.1.0.0/16",
        "Qui peut se connecter : local (réseaux privés), any, ou des réseaux comme 10.1.0.0/16",
        _blocks,
    ),
    Question(
        "walk_in",
        "Numbers that open their own account at the first login, as [0-9]{8}; nothing for none",
        "Numéros qui ouvrent leur compte à la première connexion, [0-9]{8} ; rien pour aucun",
    ),
    Question(
        "maildrop",
        "A second POP3 session to one mailbox: exclusive (refused) or shared (let in)",
        "Une seconde session POP3 sur une boîte : exclusive (refusée) ou shared (admise)",
    ),
)


@click.command()
@click.option("--domain", metavar="NAME", help="The part behind the @ of every address.")
@click.option("--language", metavar="en|fr", help="The language of the replies.")
@click.option("--networks", metavar="LIST", help="local, any, or CIDR blocks.")
@click.option("--walk-in", metavar="PATTERN", help="Numbers that may open their own account.")
@click.option("--maildrop", metavar="exclusive|shared", help="One POP3 session a mailbox, or more.")
@click.pass_obj
def init(invocation: Invocation, /, **options: str | None) -> None:
    """Make a site: its folders, its database, its settings file.

    Five questions are asked at a terminal; Enter takes what stands in brackets.
    """
    site = invocation.site
    enter(site)
    if (site / FILE_NAME).exists():
        raise NotDone(f"{site / FILE_NAME} exists already; nothing is changed")
    chosen = _chosen(options)
    founded = found(site, chosen)
    open_site(site, load(site))
    invocation.face.show(founded)


def _chosen(options: Mapping[str, str | None]) -> dict[str, object]:
    """The settings that the options and the answers say, each of them checked."""
    chosen: dict[str, object] = {"language": _language(os.environ)}
    for question in _QUESTIONS:
        option = options[question.key]
        if option is not None:
            chosen[question.key] = _checked(question, option)
        elif at_a_terminal():
            chosen[question.key] = _answer(question, chosen)
    return chosen


def _checked(question: Question, given: str) -> object:
    value = question.read(given)
    try:
        from_table({question.key: value})
    except SettingsError as error:
        option = f"--{question.key.replace('_', '-')}"
        raise click.UsageError(str(error).replace(question.key, option, 1)) from error
    return value


def _answer(question: Question, chosen: Mapping[str, object]) -> object:
    """What somebody at the terminal wants; asked again until it can be used."""
    default = chosen.get(question.key, getattr(Settings(), question.key))
    shown = " ".join(default) if isinstance(default, tuple) else str(default)
    text = question.french if chosen["language"] == "fr" else question.english
    while True:
        answer = click.prompt(text, default=shown, show_default=bool(shown), err=True)
        value = question.read(answer.strip())
        try:
            from_table({question.key: value})
        except SettingsError as error:
            click.echo(str(error), err=True)
        else:
            return value


def _language(environment: Mapping[str, str]) -> str:
    """The language of the machine where it is one of ours (POSIX: the first that is set counts)."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(name):
            return "fr" if environment[name].startswith("fr") else "en"
    return "en"
