"""Carries an action to where it is done: to the running server, or to the site itself.

The rule it guards: never both, and never behind a server's back. A server that runs does it; where
none runs, the site is locked against a server for as long as the action takes. Both ways give the
same report.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from tpmailserver.admin.actions import perform, read_report
from tpmailserver.admin.alone import SiteBusy, alone
from tpmailserver.admin.desk import NotDone
from tpmailserver.control.client import NoServer, ask
from tpmailserver.control.wording import Request
from tpmailserver.settings import load
from tpmailserver.site import become_owner, open_site

# A server that starts or stops has the site but no socket; another tpmail is done in a moment.
_PATIENCE = 10.0  # seconds
_PAUSE = 0.1  # seconds


def carry(site: Path, action: str, **arguments: object) -> Any:
    """The report of an action of `admin`; raises NotDone."""
    become_owner(site)
    values = {name: _plain(value) for name, value in arguments.items()}
    return read_report(action, _done(site, action, values))


def _plain(value: object) -> object:
    """A value as JSON has it."""
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def _done(site: Path, action: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    give_up = time.monotonic() + _PATIENCE
    while True:
        try:
            return ask(site, Request(action, dict(arguments)))
        except NoServer:
            pass
        try:
            with alone(site):
                return perform(open_site(site, load(site)).desk(), action, arguments)
        except SiteBusy as busy:
            if time.monotonic() > give_up:
                raise NotDone(f"{busy}, but it does not answer: is a server starting?") from None
        time.sleep(_PAUSE)
