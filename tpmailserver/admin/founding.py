"""Writes the `tpmail.toml` of a new site, with every key in it.

The rule it guards: an existing file is never written over, and the page cannot drift from the
code: each key's line is made from the default that `settings` has. Only the domain is set; all
other keys stand as comments, so that a later default reaches old sites too.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from tpmailserver.settings import FILE_NAME, Limits, Settings, from_table
from tpmailserver.store.disk import create_file, make_folder, open_folder, write_whole

from .desk import NotDone

_WHAT = {
    "domain": "the part behind the @ of every address",
    "language": '"en" or "fr": the language of the replies',
    "networks": '"local" (private networks and this machine\'s own), "any", or CIDR blocks',
    "walk_in": 'numbers of this pattern open their account at the first login, as "[0-9]{8}"',
    "walk_in_limit": "at most as many accounts are opened so",
    "postmaster": "the number that gets the mail for postmaster",
    "line_ends": '"lenient", or "strict" to refuse lines that end in LF',
    "maildrop": '"exclusive", or "shared" to admit a second POP3 session to a mailbox',
    "lists_visible": 'who may see the members of a list: "members", "open" (everybody), "closed"',
    "keep_snapshots": "days after which a snapshot of mailboxes is erased; 0 keeps all",
    "message_size": "octets of a message",
    "recipients": "accepted RCPT commands of a message",
    "sessions": "sessions at once",
    "sessions_per_address": "sessions at once from one address",
    "pop3_idle": "seconds until a silent POP3 session is closed",
    "smtp_idle": "seconds until a silent SMTP session is closed",
    "data": "seconds for the whole of a message, which is often typed by hand",
    "budget": "messages accepted from one sender in ten minutes",
    "list_budget": "messages to one list in ten minutes",
    "list_breaker": "messages of one sender to one list in ten minutes: more suspend the list",
    "mailbox_messages": "messages in a mailbox",
    "mailbox_size": "octets in a mailbox",
    "failed_login_delay": "seconds until a wrong password is answered",
}

_HEAD = """\
# The settings of this site. A line that starts with # is a comment and shows the default:
# take the # off and change the value. The server reads this file when it starts.
"""

_LIMITS = """
[limits]
# 0 lifts a limit.
"""


_HOOKS = """
# A list that is expanded by a program or by Python has a table of its own, [hooks.LIST]:
# docs/hooks.md tells how.
"""

# What is no single line of the page.
_TABLES = frozenset({"limits", "hooks"})


@dataclass(frozen=True, slots=True)
class Founded:
    """A new settings file and what was set in it."""

    settings_file: str
    domain: str
    language: str


def found(folder: Path, chosen: Mapping[str, object]) -> Founded:
    """Makes the site's folder and its settings file; refuses where there is such a file.

    `chosen` are settings as in a parsed `tpmail.toml`; raises SettingsError for a wrong one.
    """
    settings = from_table(chosen)
    make_folder(folder)
    folder_fd = open_folder(folder)
    try:
        file_fd = create_file(FILE_NAME, folder_fd)
    except FileExistsError:
        raise NotDone(f"{folder / FILE_NAME} exists already; nothing is changed") from None
    finally:
        os.close(folder_fd)
    try:
        write_whole(file_fd, [page(settings).encode()])
        os.fsync(file_fd)
    finally:
        os.close(file_fd)
    return Founded(str(folder / FILE_NAME), settings.domain, settings.language)


def page(settings: Settings) -> str:
    """The text of a settings file: domain set, the rest as comments unless it is no default."""
    top, limits = _lines(settings, Settings()), _lines(Limits(), Limits())
    return "".join([_HEAD, *top, _LIMITS, *limits, _HOOKS])


def _lines(record: Settings | Limits, default: Settings | Limits) -> list[str]:
    lines = []
    for key in (each.name for each in fields(record) if each.name not in _TABLES):
        value = getattr(record, key)
        mark = "" if key == "domain" or value != getattr(default, key) else "# "
        # JSON's texts, numbers and lists of texts are TOML's as well.
        lines.append(f"\n# {_WHAT[key]}\n{mark}{key} = {json.dumps(value)}\n")
    return lines
