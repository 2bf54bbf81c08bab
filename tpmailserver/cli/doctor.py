"""The command that looks at everything: doctor."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from tpmailserver.admin.actions import read_report
from tpmailserver.admin.desk import NotDone, one_line
from tpmailserver.admin.doctor import (
    THE_MACHINE,
    THE_MACHINE_AS_CALLED,
    THE_PLACE,
    THE_SITE,
    Finding,
    examination,
    examine,
)
from tpmailserver.admin.doctor.finding import BAD, Case, Server
from tpmailserver.admin.round_trip import RoundTrip
from tpmailserver.admin.shapes import WrongShape
from tpmailserver.admin.status import Status
from tpmailserver.control.client import NoServer, Patience, Silence, ask
from tpmailserver.control.wording import Request
from tpmailserver.settings import Settings, SettingsError, load
from tpmailserver.site import become_owner, site_at

from .asking import Invocation

_PATIENCE = 5.0  # seconds; a server that is asked how it does answers at once
_ROUND_TRIP_PATIENCE = 14.0  # seconds


@click.command()
@click.pass_obj
def doctor(invocation: Invocation) -> None:
    """Find what is wrong with the site, the server, the machine.

    One line a check: ok, warn (a class can work so) or bad (it will stumble), the worst last,
    and below it what to do, in commands for this machine and this site. Nothing is changed: the
    mail that goes through the server goes to a guest whom nobody sees, and is removed.

    The exit status is 0 when nothing is bad. As root it sees more: which program holds a
    port that is another user's.
    """
    report = examination(_findings(invocation.site))
    invocation.face.show(report)
    sys.stdout.flush()
    if report.is_bad:
        raise click.exceptions.Exit(1)


def _findings(site: Path) -> Iterator[Finding]:
    heard = _heard(site)
    # What only root sees comes first: for all else root becomes the owner of the site.
    yield from examine(THE_MACHINE_AS_CALLED, Case(site_at(site, Settings()).desk(), heard))
    become_owner(site)
    case = _case(site, heard)
    place = examine(THE_PLACE, case)
    yield from place
    yield from examine(THE_MACHINE, case)
    if all(each.verdict != BAD for each in place):
        yield from examine(THE_SITE, case)


def _heard(site: Path) -> Server:
    """The server of the site, if there is one and it answers."""
    silences: list[Silence] = []
    patience = Patience(_PATIENCE, _PATIENCE / 2, silences.append)
    try:
        report: Status = read_report("status", ask(site, Request("status", {}), patience))
    except NoServer:
        return Server()
    except NotDone as error:
        stopped = [each.pid for each in silences if each.is_stopped]
        return Server(trouble=str(error), stopped_pid=stopped[0] if stopped else 0)
    except WrongShape:
        return Server(trouble="the server is of another version than tpmail: stop and start it")
    except OSError as error:
        return Server(trouble=one_line(error))
    return Server(report.server, len(report.sessions))


def _case(site: Path, heard: Server) -> Case:
    fault = ""
    settings = Settings()
    try:
        settings = load(site)
    except SettingsError as error:
        fault = str(error)

    def round_trip() -> RoundTrip:
        patience = Patience(_ROUND_TRIP_PATIENCE)
        report: RoundTrip = read_report(
            "round_trip", ask(site, Request("round_trip", {}), patience)
        )
        return report

    trip = None if heard.facts is None else round_trip
    return Case(site_at(site, settings).desk(), heard, trip, fault)
