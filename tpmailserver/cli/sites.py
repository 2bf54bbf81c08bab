"""The command that makes a class to try everything on: demo."""

import os
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from shutil import which

import click

from tpmailserver.admin.demo import DemoClass

from .asking import Invocation
from .faces import Json
from .sheets import Part

# `python -m twisted` is twist, not twistd, and a twistd beside this Python may be another's: so
# the same Python calls twistd's own entry. The package's folder goes along for the plugin.
_TWISTD = (
    "import sys; folder = sys.argv.pop(1); folder in sys.path or sys.path.append(folder); "
    "sys.argv[0] = 'twistd'; from twisted.scripts.twistd import run; run()"
)

_PACKAGE_FOLDER = Path(__file__).resolve().parents[2]


@click.command()
@click.option("--no-start", is_flag=True, help="Only make the class.")
@click.pass_obj
def demo(invocation: Invocation, no_start: bool) -> None:
    """Make a class of five to try it on, and start the server."""
    made: DemoClass = invocation.carry("demo")
    invocation.face.show(made)
    invocation.face.add(_guide(made, invocation.site))
    if made.listening:
        # Its ports need not be those of the guide.
        invocation.face.add(["The server runs already:", *made.listening])
    elif no_start:
        site = shlex.quote(str(invocation.site))
        invocation.face.add([f"Start it: twistd -n tpmail --site {site} --high-ports"])
    else:
        invocation.face.add(["The server starts now; Ctrl-C stops it."])
        _become_twistd(invocation)


def _guide(made: DemoClass, site: Path) -> Iterable[Part]:
    """What to type next; with the lines around it short enough for a terminal of 24."""
    me, neighbour = made.numbers[:2]
    yield f"""
Read mail:  telnet localhost 1110     Send mail:  telnet localhost 2525
  USER {me:<31}HELO me
  PASS {me:<31}MAIL FROM:<{me}>
  STAT                                RCPT TO:<{neighbour}>
  RETR 1                              DATA
  QUIT                                Subject: hello

                                      Good morning.
                                      .
                                      QUIT
In a mail client: POP3 localhost port 1110, SMTP localhost port 2525, no TLS;
  address {me}@{made.domain}, user name and password {me}
Who is connected: {_tpmail()} --site {shlex.quote(str(site))} status
"""


def _tpmail() -> str:
    """What to type for `tpmail`: a checkout's own is not on the search path."""
    return "tpmail" if which("tpmail") else shlex.quote(sys.argv[0])


def _become_twistd(invocation: Invocation) -> None:
    sys.stdout.flush()
    if isinstance(invocation.face, Json):
        # twistd logs to standard output, where only the one JSON object may stand.
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # No file for the process number: the site's own lock keeps a second server away.
    twistd = ["-n", "--pidfile=", "tpmail", "--site", str(invocation.site), "--high-ports"]
    os.execv(sys.executable, [sys.executable, "-c", _TWISTD, str(_PACKAGE_FOLDER), *twistd])
