"""What is in the site: settings, accounts, lists.

The rule it guards: what the server would stumble over, or quietly do otherwise than somebody
meant, is told with the line to write.
"""

import errno

from tpmailserver.settings import FILE_NAME
from tpmailserver.store.database import Contents
from tpmailserver.store.transactions import DatabaseError

from . import commands
from .finding import Case, Found, bad, many, ok, warn


def settings(case: Case) -> Found:
    """Whether `tpmail.toml` can be used."""
    if case.settings_fault:
        return bad(case.settings_fault, "correct that line: no server starts with it")
    settings = case.desk.settings
    said = f"domain {settings.domain}, language {settings.language}"
    there = (case.desk.folder / FILE_NAME).exists()
    return ok(said if there else f"no {FILE_NAME}, so every default holds: {said}")


def database(case: Case) -> Found:
    """Whether the accounts are whole and can be read."""
    path = case.desk.database_file
    if not path.exists():
        return warn(
            f"no {path.name} yet: no accounts",
            "add some:",
            commands.tpmail(case.desk.folder, "add 22000001-22000040 --group tp1"),
        )
    faults = _faults(case)
    if faults:
        return bad(
            f"{path.name} is damaged: {faults[0]}",
            "stop the server, keep a copy, and take it from a backup, or try:",
            f"sqlite3 {commands.quoted(path)} .recover | sqlite3 {commands.quoted(path)}.new",
        )
    contents = case.desk.database.load()
    accounts, groups = len(contents.accounts), len(contents.groups)
    said = f"whole: {many(accounts, 'account')} in {many(groups, 'group')}"
    return ok(f"{said}, revision {contents.revision}")


def postmaster(case: Case) -> Found:
    """Whether the mail for postmaster goes where the settings say (RFC 5321 §4.5.1)."""
    name = case.desk.settings.postmaster
    if not name:
        return ok("its mail is kept in a mailbox without login")
    if name in {each.number for each in _contents(case).accounts}:
        return ok(f"its mail goes to {name}")
    return warn(
        f'postmaster = "{name}" names no account; its mail is kept in a mailbox without login',
        f"change it in {FILE_NAME}, or make the account:",
        commands.tpmail(case.desk.folder, f"add {name}"),
    )


def lists(case: Case) -> Found:
    """Whether a list is suspended, or its hook has failed."""
    every = _contents(case).lists
    troubles = case.desk.database.lists.troubles()
    suspended = [each for each in every.values() if each.suspended]
    failed = [name for name in troubles if name in every]
    if not suspended and not failed:
        return ok(f"{many(len(every), 'list')}, none suspended")
    said = [f"{each.name} is suspended ({each.suspended})" for each in suspended]
    said += [f"the hook of {name} has failed ({troubles[name].what})" for name in failed]
    folder = case.desk.folder
    return warn(
        "; ".join(said),
        "see what it is, and let the list go on:",
        *(commands.tpmail(folder, f"list resume {each.name}") for each in suspended),
        *(commands.tpmail(folder, f"list show {name}") for name in failed),
    )


def _faults(case: Case) -> tuple[str, ...]:
    try:
        return case.desk.database.faults()
    except DatabaseError as error:
        # So damaged that SQLite cannot even check it; anything else passes.
        if error.errno != errno.EIO:
            raise
        return (str(error.strerror),)


def _contents(case: Case) -> Contents:
    return case.desk.database.load()
