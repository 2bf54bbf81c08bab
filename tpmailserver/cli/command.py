"""`tpmail` as a whole: its commands, and what becomes of an error.

The rule it guards: whatever happens, a person gets one line and no traceback, a program gets one
JSON object, and the exit status is 0 for done, 1 for refused or partly done, 2 for bad usage.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from functools import partial
from itertools import takewhile
from pathlib import Path
from types import TracebackType

import click

from tpmailserver import __version__
from tpmailserver.admin.desk import NotDone, one_line
from tpmailserver.settings import SettingsError

from .accounts import accounts, add, forget, remove
from .asking import Invocation
from .completion import complete_and_exit, completion
from .doctor import doctor
from .faces import Face, Json, Words
from .founding import init
from .lists import lists, mailing_list
from .passwords import password
from .resets import reset, restore, snapshot, snapshots, undo
from .rosters import import_roster
from .sections import Sections
from .seeds import seed
from .sessions import freeze, kick, status, thaw
from .sites import demo


@click.group(
    cls=Sections,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="tpmail COMMAND --help says all of one command, with examples.",
)
@click.version_option(__version__, message="tpmailserver %(version)s")
@click.option(
    "--site",
    metavar="DIR",
    type=click.Path(path_type=Path, readable=False),
    default=Path(),
    help="The site's folder; the current one without it.",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON object, errors too; may stand behind COMMAND.",
)
@click.pass_context
def tpmail(context: click.Context, site: Path, as_json: bool) -> None:
    """Accounts and mailboxes of a mail server for teaching.

    NUMBER is a student number, or a range such as 22000001-22000040; but for add, a range
    means those of it that there are. A group G is a mailing list as well: mail to G reaches
    its members.
    """
    context.obj = Invocation(site.absolute(), Json() if as_json else Words())


tpmail.add_section("Site", init, demo, doctor, completion)
tpmail.add_section("Class", add, import_roster, accounts, password, remove, forget)
tpmail.add_section("Mail", reset, undo, seed, snapshot, snapshots, restore)
tpmail.add_section("Lists", mailing_list, lists)
tpmail.add_section("At work", status, kick, freeze, thaw)


def main() -> None:
    """The entry point of the `tpmail` script."""
    complete_and_exit(tpmail)
    arguments = sys.argv[1:]
    sys.excepthook = partial(_say_bug, _face(arguments))
    for stream in (sys.stdout, sys.stderr):
        # A folder's name may hold octets that are no text, and a terminal may know few letters.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(run(arguments))


def run(arguments: Sequence[str]) -> int:
    """Does what the arguments say and returns the exit status."""
    face = _face(arguments)
    try:
        # A bare `tpmail` is a question.
        with tpmail.make_context("tpmail", _json_first(arguments) or ["--help"]) as context:
            tpmail.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.UsageError as error:
        face.error(_usage(error))
        return 2
    except (NotDone, SettingsError) as error:
        face.error(str(error))
    except (click.Abort, KeyboardInterrupt, EOFError):
        if sys.stderr.isatty():
            # The terminal has shown ^C and stands behind it.
            sys.stderr.write("\n")
        face.error("stopped at the keyboard")
    except BrokenPipeError:
        _drop_output()
        Words().error("the reader of this output has gone")
    except OSError as error:
        face.error(one_line(error))
    else:
        return 0
    return 1


def _face(arguments: Sequence[str]) -> Face:
    # How an error goes out must be known before the arguments are understood.
    return Json() if "--json" in _options(arguments) else Words()


def _json_first(arguments: Sequence[str]) -> list[str]:
    """The arguments with `--json` in front, where click wants it, wherever it stood."""
    options = _options(arguments)
    if "--json" not in options:
        return list(arguments)
    rest = [each for each in options if each != "--json"]
    return ["--json", *rest, *arguments[len(options) :]]


def _options(arguments: Sequence[str]) -> Sequence[str]:
    """The arguments in front of a `--`, behind which no word is an option."""
    return list(takewhile(lambda each: each != "--", arguments))


def _usage(error: click.UsageError) -> str:
    path = error.ctx.command_path if error.ctx else "tpmail"
    return f"{error.format_message().splitlines()[0]} (see {path} --help)"


def _drop_output() -> None:
    """Throws away what nobody reads, or Python would complain of it at its end."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)


def _say_bug(
    face: Face, kind: type[BaseException], error: BaseException, where: TracebackType | None
) -> None:
    """Says an exception that nobody expected in one line, with its place in the code."""
    frames = traceback.extract_tb(where)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    face.error(f"this is a bug in tpmail, please report it: {kind.__name__}: {error}{place}")
