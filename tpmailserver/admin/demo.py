"""Makes a class of five with a welcome mail each, to try everything on.

The rule it guards: the welcome is the seed pack of that name, and goes only into an empty mailbox,
so that a second `demo` changes nothing.
"""

from contextlib import suppress
from dataclasses import dataclass

from .accounts import add
from .desk import Desk
from .packs import usable_pack
from .seeds import seed_mailboxes

NUMBERS = ("22000001", "22000002", "22000003", "22000004", "22000005")

GROUP = "demo"

PACK = "welcome"


@dataclass(frozen=True, slots=True)
class DemoClass:
    """The class, and who of it got the welcome mail now."""

    numbers: tuple[str, ...]
    group: str
    domain: str
    welcomed: tuple[str, ...]
    listening: tuple[str, ...]
    """Where a server that runs already listens; empty without one."""


def demo(desk: Desk) -> DemoClass:
    """Makes the five accounts and welcomes those whose mailbox is empty."""
    add(desk, NUMBERS, GROUP)
    welcomed: tuple[str, ...] = ()
    # Root that has become the site's owner may not read on where Python lies in root's own folder:
    # a class without a welcome is a class.
    with suppress(PermissionError):
        pack = usable_pack(desk, PACK)
        empty = tuple(each for each in NUMBERS if desk.mailboxes.tally(each).messages == 0)
        seed_mailboxes(desk, empty, pack, GROUP)
        welcomed = empty
    listening = desk.live.facts().listening if desk.live else ()
    return DemoClass(NUMBERS, GROUP, desk.settings.domain, welcomed, listening)
