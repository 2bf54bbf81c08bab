"""The running server: whether it answers, what is stopped, and a mail through it.

The rule it guards: a mail that went in by SMTP and came out by POP3 proves more than all else here.
"""

import time

from tpmailserver.store.locks import SiteLock

from ..sessions import PROTOCOLS
from . import commands
from .finding import Case, Found, bad, ok, warn


def server(case: Case) -> Found:
    """Whether a server runs on the site and does its work."""
    heard, folder = case.server, case.desk.folder
    if heard.stopped_pid:
        pid = heard.stopped_pid
        return bad(f"process {pid} is stopped (Ctrl-Z?)", "let it go on:", f"kill -CONT {pid}")
    if heard.trouble:
        return bad(heard.trouble, "look into its log; if nothing helps, stop and start it")
    if heard.facts is None:
        holder = SiteLock(folder / "locks").holder_pid()
        if holder is not None:
            return bad(
                f"process {holder} has the site and cannot be asked",
                "it starts, or its control.socket is gone: stop it and start it again:",
                f"kill {holder}",
            )
        return warn("no server runs on this site", "start it:", commands.twistd(folder))
    facts = heard.facts
    since = time.strftime("%Y-%m-%d %H:%M", time.localtime(facts.started))
    said = (
        f"process {facts.pid} since {since}; {heard.sessions:,} open, {facts.delivered:,} delivered"
    )
    if facts.frozen:
        frozen = " and ".join(each.protocol for each in facts.frozen)
        thaw = "thaw" if len(facts.frozen) == len(PROTOCOLS) else f"thaw {frozen.lower()}"
        return warn(f"{frozen} frozen; {said}", "let it go on:", commands.tpmail(folder, thaw))
    return ok(said)


def round_trip(case: Case) -> Found:
    """Whether a mail comes through, and how long it takes."""
    if case.round_trip is None:
        return warn("not tried: no server answers", "start the server, and look again")
    if case.server.facts is not None and case.server.facts.frozen:
        return warn("not tried: the instructor has frozen the server", "thaw it, and look again")
    trip = case.round_trip()
    if trip.trouble:
        way = f"SMTP on {trip.smtp}, POP3 on {trip.pop3}"
        return bad(f"{trip.trouble} ({way})", "the server's log at this minute says more")
    return ok(f"a mail went in and came out whole in {trip.seconds * 1000:.0f} ms")
