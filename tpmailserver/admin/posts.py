"""Approves and rejects what waits on a list.

The rule it guards: whoever decides names a message by any part of its identity that no other one
has, and one part that fits none or several means that nothing at all is done.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tpmailserver.store.lists import MailingList

from .desk import Desk, NotDone, one_line
from .members import find_list
from .numbers import shown

# The random part of an identity that `store.names` has made.
_RANDOM = re.compile(r"R([0-9a-f]{16})")
_SHORTEST = 8


@dataclass(frozen=True, slots=True)
class HeldPost:
    """A message that waits; `id` is what to call it by as long as nothing else comes."""

    id: str
    identity: str
    sender: str
    subject: str
    octets: int
    since: float


@dataclass(frozen=True, slots=True)
class PlannedApproval:
    """The messages that would be sent on, each to that many mailboxes."""

    name: str
    posts: tuple[HeldPost, ...]
    mailboxes: int


@dataclass(frozen=True, slots=True)
class Approved:
    """The messages that were sent on, each to that many mailboxes."""

    name: str
    posts: tuple[HeldPost, ...]
    mailboxes: int


@dataclass(frozen=True, slots=True)
class PlannedRejection:
    """The messages that would be set aside, and the folder in which they would be kept."""

    name: str
    posts: tuple[HeldPost, ...]
    kept: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The messages that were set aside, and the folder in which they are kept."""

    name: str
    posts: tuple[HeldPost, ...]
    kept: str


def held_posts(desk: Desk, mailing_list: MailingList) -> tuple[HeldPost, ...]:
    """What waits on a list, the oldest first."""
    try:
        waiting = desk.approval.waiting(mailing_list)
    except OSError as error:
        error.filename = desk.held / mailing_list.name
        raise
    identities = "\n".join(each.identity.lower() for each in waiting)
    return tuple(
        HeldPost(
            _short(each.identity, identities),
            each.identity,
            each.sender,
            each.subject,
            each.octets,
            each.since,
        )
        for each in waiting
    )


def plan_approve(desk: Desk, name: str, ids: tuple[str, ...] = ()) -> PlannedApproval:
    """What `approve` would do, changing nothing."""
    mailing_list, posts = _chosen(desk, name, ids)
    mailboxes = len(desk.approval.reach(mailing_list))
    if posts and not mailboxes:
        raise NotDone(
            f"nobody is on {mailing_list.name}: nothing is approved "
            f"(tpmail list add {mailing_list.name} NUMBER...)"
        )
    return PlannedApproval(mailing_list.name, posts, mailboxes)


def approve(desk: Desk, name: str, ids: tuple[str, ...] = ()) -> Approved:
    """Sends on what waits on a list: all of it, or what is named."""
    plan = plan_approve(desk, name, ids)
    mailing_list = find_list(desk, plan.name)

    def send_on(post: HeldPost) -> None:
        if not desk.approval.approve(mailing_list, post.identity):
            raise NotDone(f"nobody is on {plan.name} any more")

    _each(plan.posts, "approved", send_on)
    return Approved(plan.name, plan.posts, plan.mailboxes)


def plan_reject(desk: Desk, name: str, ids: tuple[str, ...] = ()) -> PlannedRejection:
    """What `reject` would do, changing nothing."""
    mailing_list, posts = _chosen(desk, name, ids)
    kept = desk.held / mailing_list.name / "cur"
    return PlannedRejection(mailing_list.name, posts, str(kept))


def reject(desk: Desk, name: str, ids: tuple[str, ...] = ()) -> Rejected:
    """Sets aside what waits on a list: all of it, or what is named."""
    plan = plan_reject(desk, name, ids)
    mailing_list = find_list(desk, plan.name)
    _each(plan.posts, "rejected", lambda post: desk.approval.reject(mailing_list, post.identity))
    return Rejected(plan.name, plan.posts, plan.kept)


def _each(posts: Sequence[HeldPost], verb: str, decide: Callable[[HeldPost], None]) -> None:
    """Decides on one after the other; a failure says how far that went."""
    for count, post in enumerate(posts):
        try:
            decide(post)
        except (OSError, NotDone) as error:
            what = one_line(error) if isinstance(error, OSError) else str(error)
            raise NotDone(f"{count} of {len(posts)} {verb}, then: {what}") from error


def _chosen(desk: Desk, name: str, ids: Sequence[str]) -> tuple[MailingList, tuple[HeldPost, ...]]:
    """The list, and those that are named of the messages that wait on it, or all of them."""
    mailing_list = find_list(desk, name)
    waiting = held_posts(desk, mailing_list)
    if not ids:
        return mailing_list, waiting
    named = {post.identity for each in ids for post in [_named(mailing_list.name, waiting, each)]}
    return mailing_list, tuple(post for post in waiting if post.identity in named)


def _named(name: str, waiting: Sequence[HeldPost], part: str) -> HeldPost:
    whole = [post for post in waiting if post.identity == part]
    found = whole or [post for post in waiting if part and part.lower() in post.identity.lower()]
    if not found:
        raise NotDone(
            f"nothing that waits on {name} has {shown(part)} in its id; nothing is done "
            f"(tpmail list show {name})"
        )
    if len(found) > 1:
        raise NotDone(
            f"{shown(part)} fits {len(found)} of the messages that wait on {name}; nothing is done "
            f"({', '.join(post.id for post in found[:10])})"
        )
    return found[0]


def _short(identity: str, identities: str) -> str:
    """The shortest beginning of the random part, from 8 digits on, that stands nowhere else."""
    random = _RANDOM.search(identity)
    if random:
        for length in range(_SHORTEST, len(random[1]) + 1):
            part = random[1][:length]
            if identities.count(part) == 1:
                return part
    return identity
