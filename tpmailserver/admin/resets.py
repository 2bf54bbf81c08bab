"""Empties mailboxes for the next class.

The rule it guards: a reset erases nothing and loses no acknowledged delivery. Each old mailbox is
moved aside whole, by one rename under the gate that holds deliveries off, and the report says
where it is kept.
"""

from dataclasses import dataclass

from tpmailserver.store.aside import set_aside

from .desk import Desk
from .who import Who, find


@dataclass(frozen=True, slots=True)
class Planned:
    """The mailboxes that an action would set aside and what lies in them."""

    numbers: tuple[str, ...]
    messages: int
    octets: int
    broken: tuple[str, ...] = ()
    """Mailboxes whose messages cannot be counted."""


@dataclass(frozen=True, slots=True)
class Reset:
    """The mailboxes that are empty now and the folder in which the old mail is kept."""

    numbers: tuple[str, ...]
    messages: int
    kept: str
    expelled: int
    """POP3 sessions that were closed."""


def plan_reset(desk: Desk, who: Who) -> Planned:
    """What `reset` would do, changing nothing."""
    messages = octets = 0
    broken = []
    numbers = find(desk, who).numbers
    for each in numbers:
        try:
            tally = desk.mailboxes.tally(each)
        except OSError:
            broken.append(each)
            continue
        messages += tally.messages
        octets += tally.octets
    return Planned(numbers, messages, octets, tuple(broken))


def reset(desk: Desk, who: Who) -> Reset:
    """Sets mailboxes aside and leaves empty ones in their places."""
    plan = plan_reset(desk, who)
    if not plan.numbers:
        return Reset((), 0, "", 0)
    kept = set_aside(desk.mailboxes, desk.snapshots, plan.numbers, "reset", desk.clock())
    # After the rename and not before it: a session that logged in just now must not stay with a
    # listing of what has gone.
    expelled = desk.live.expel(plan.numbers, "mailbox reset by the instructor") if desk.live else 0
    return Reset(plan.numbers, plan.messages, str(kept), expelled)
