"""Carries an action to where it is done: to the running server, or to the site itself.

The rule it guards: never both, and never behind a server's back. A server that runs does it; where
none runs, the site is locked against a server for as long as the action takes. Both ways give the
same report. In a wrong folder nothing is made: only what makes accounts makes a site.
"""

import os
import pwd
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tpmailserver.admin.actions import MAKES_A_SITE, PLANS_A_SITE, perform, read_report
from tpmailserver.admin.alone import SiteBusy, alone
from tpmailserver.admin.desk import NotDone
from tpmailserver.control.client import NoServer, Patience, Silence, ask
from tpmailserver.control.wording import Request
from tpmailserver.settings import Settings, load
from tpmailserver.site import become_owner, is_site, open_site

# A server that starts or stops has the site but no socket; another tpmail is done in a moment.
_PATIENCE = 10.0  # seconds
_PAUSE = 0.1  # seconds


def carry(site: Path, action: str, **arguments: object) -> Any:
    """The report of an action of `admin` on a site that was entered; raises NotDone."""
    values = {name: _plain(value) for name, value in arguments.items()}
    return read_report(action, _done(site, action, values))


def _plain(value: object) -> object:
    """A value as JSON has it."""
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def enter(site: Path) -> None:
    """Becomes the owner of the site where we are root; raises NotDone where it is not ours."""
    become_owner(site)
    try:
        owner = site.stat().st_uid
    except FileNotFoundError:
        return
    if owner != os.geteuid() and not os.access(site, os.R_OK | os.W_OK | os.X_OK):
        name = _user(owner)
        able = name if name == "root" else f"{name} or root"
        raise NotDone(f"{site} belongs to {name}: run tpmail as {able}")


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _done(site: Path, action: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    give_up = time.monotonic() + _PATIENCE
    while True:
        try:
            return ask(site, Request(action, dict(arguments)), Patience(tell=_tell))
        except NoServer:
            pass
        if not is_site(site):
            if action not in MAKES_A_SITE | PLANS_A_SITE:
                raise NotDone(f"no site in {site}; --site DIR names another, tpmail init makes one")
            rehearsed = _rehearsed(action, arguments)
            if action in PLANS_A_SITE:
                return rehearsed
        try:
            with alone(site):
                return perform(open_site(site, load(site)).desk(), action, arguments)
        except SiteBusy as busy:
            if time.monotonic() > give_up:
                raise NotDone(f"{busy}, but it does not answer: is a server starting?") from None
        time.sleep(_PAUSE)


def _tell(silence: Silence) -> None:
    """Says what the command waits for; on standard error, for the answer is still to come."""
    text = f"waiting for the server, process {silence.pid}"
    if silence.is_stopped:
        text += f", which is stopped (Ctrl-Z?): kill -CONT {silence.pid} lets it go on"
    sys.stderr.write(f"tpmail: {text}\n")
    sys.stderr.flush()


def _rehearsed(action: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What an action says of an empty site: where it is refused, none is made for it."""
    with TemporaryDirectory(prefix="tpmail-") as folder:
        return perform(open_site(Path(folder), Settings()).desk(), action, arguments)
