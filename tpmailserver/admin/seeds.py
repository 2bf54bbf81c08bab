"""Puts the mails of a seed pack into mailboxes.

The rule it guards: a seed mail comes by the way that every mail takes on disk, stamped, synced and
in `new/`, with a unique name of its own. What is the same for several students is one file that is
linked into all their mailboxes. A seed that fails in the middle is taken back, so that nobody has
half a pack.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import format_datetime

from tpmailserver.delivery.stamps import Stamps
from tpmailserver.store.maildir import Mailboxes
from tpmailserver.store.spool import Draft

from .desk import Desk, NotDone
from .mails import Mail
from .packs import Pack, own_folder, places, read_pack, shipped_folder, usable_pack
from .templates import Occasion, Student
from .who import Who, find

# Deliveries to so many mailboxes hold off a reset of them at a time.
_HANDFUL = 500

_NO_GROUP = "-"


@dataclass(frozen=True, slots=True)
class PackSeen:
    """One pack, what it teaches, and how many things are wrong in it."""

    name: str
    mails: int
    teaches: str
    folder: str
    is_shipped: bool
    faults: int


@dataclass(frozen=True, slots=True)
class PackList:
    """Every pack that this site can give out; `own` and `shipped` are where they are."""

    packs: tuple[PackSeen, ...]
    own: str
    shipped: str


@dataclass(frozen=True, slots=True)
class PlannedMail:
    """A mail that a seed would deliver: its octets in one mailbox, and how many files it takes."""

    file: str
    octets: int
    files: int


@dataclass(frozen=True, slots=True)
class PlannedSeed:
    """The mailboxes that would get the mails of a pack."""

    pack: str
    folder: str
    numbers: tuple[str, ...]
    mails: tuple[PlannedMail, ...]
    over: tuple[str, ...]
    """Mailboxes that would be over the limits of the settings."""
    broken: tuple[str, ...]
    """Mailboxes that cannot be read, because of which a seed would be refused."""


@dataclass(frozen=True, slots=True)
class Seeded:
    """The mailboxes that have the mails of a pack now."""

    pack: str
    folder: str
    numbers: tuple[str, ...]
    mails: tuple[str, ...]
    over: tuple[str, ...]
    """Mailboxes that are over the limits of the settings now: they get no other mail."""


def packs(desk: Desk) -> PackList:
    """Every pack that can be asked for by name."""
    seen = []
    for place in places(desk):
        pack = read_pack(place, desk.settings.language)
        seen.append(
            PackSeen(
                place.name,
                len(pack.mails),
                pack.teaches,
                str(place.folder),
                place.is_shipped,
                len(pack.faults),
            )
        )
    return PackList(tuple(seen), str(own_folder(desk)), str(shipped_folder(desk)))


def plan_seed(desk: Desk, who: Who, pack: str) -> PlannedSeed:
    """What `seed` would do, changing nothing."""
    chosen = usable_pack(desk, pack)
    numbers = find(desk, who).numbers
    mails = []
    students = _students(desk, numbers, who.group)
    for mail, occasion in _occasions(desk, chosen):
        sizes = []
        for alike in _alike(mail, occasion, students):
            # In memory only: nothing touches the disk.
            draft = _draft(desk, mail, occasion, alike[0])
            sizes.append(draft.stored)
            draft.discard()
        mails.append(PlannedMail(mail.file, max(sizes, default=0), len(sizes)))
    over, broken = _over(desk, numbers, len(mails), sum(each.octets for each in mails))
    place = chosen.place
    return PlannedSeed(place.name, str(place.folder), numbers, tuple(mails), over, broken)


def seed(desk: Desk, who: Who, pack: str) -> Seeded:
    """Delivers the mails of a pack."""
    chosen = usable_pack(desk, pack)
    numbers = find(desk, who).numbers
    try:
        seed_mailboxes(desk, numbers, chosen, who.group)
    except OSError as error:
        raise NotDone(f"nothing is delivered: {error}") from error
    over, _ = _over(desk, numbers, 0, 0)
    files = tuple(each.file for each in chosen.mails)
    return Seeded(chosen.place.name, str(chosen.place.folder), numbers, files, over)


def seed_mailboxes(
    desk: Desk, numbers: Sequence[str], pack: Pack, group: str | None = None
) -> tuple[str, ...]:
    """Delivers a usable pack into mailboxes, into all of them or, with an OSError, into none.

    Returns the UIDLs of the new messages.

    `group` is the group for whose sake it is done; without one each student has his own. The
    mailboxes are those of the desk: `replace(desk, mailboxes=...)` fills others.
    """
    students = _students(desk, numbers, group)
    delivered: dict[str, Sequence[str]] = {}
    try:
        for mail, occasion in _occasions(desk, pack):
            for alike in _alike(mail, occasion, students):
                draft = _draft(desk, mail, occasion, alike[0])
                delivered[draft.identity] = recipients = [each.number for each in alike]
                desk.mailboxes.deliver(draft, recipients)
    except BaseException:
        _take_back(desk.mailboxes, delivered)
        raise
    return tuple(delivered)


def _students(desk: Desk, numbers: Iterable[str], group: str | None) -> list[Student]:
    """Who is in which group, and next to whom: after the last of a group comes the first."""
    everybody = tuple(each.number for each in desk.database.load().accounts)
    neighbours: dict[str, dict[str, str]] = {}
    students = []
    for number in numbers:
        account = desk.directory.account(number)
        own = group or min(account.groups if account else (), default=_NO_GROUP)
        if own not in neighbours:
            room = desk.directory.members(own) or everybody
            neighbours[own] = dict(zip(room, (*room[1:], *room[:1]), strict=True))
        students.append(Student(number, own, neighbours[own].get(number, number)))
    return students


def _occasions(desk: Desk, pack: Pack) -> Iterator[tuple[Mail, Occasion]]:
    date = format_datetime(datetime.fromtimestamp(desk.clock()).astimezone())
    for n, mail in enumerate(pack.mails, start=1):
        yield mail, Occasion(pack.place.name, mail.file, n, desk.settings.domain, date)


def _alike(mail: Mail, occasion: Occasion, students: Sequence[Student]) -> list[list[Student]]:
    """The students in handfuls for whom a mail is the same, octet for octet."""
    same: dict[tuple[bytes, ...], list[Student]] = {}
    for each in students:
        same.setdefault(mail.own(each, occasion), []).append(each)
    return [
        alike[start : start + _HANDFUL]
        for alike in same.values()
        for start in range(0, len(alike), _HANDFUL)
    ]


def _draft(desk: Desk, mail: Mail, occasion: Occasion, student: Student) -> Draft:
    envelope = mail.envelope(student, occasion)
    draft = desk.spool.draft(Stamps(envelope, desk.settings.domain, desk.clock).direct())
    draft.write(mail.content.fill(student, replace(occasion, identity=draft.identity)))
    return draft


def _over(
    desk: Desk, numbers: Sequence[str], messages: int, octets: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The mailboxes that so much more puts over the limits, and those that cannot be read."""
    limits = desk.settings.limits
    over, broken = [], []
    for number in numbers:
        try:
            tally = desk.mailboxes.tally(number)
        except OSError:
            broken.append(number)
            continue
        too_many = 0 < limits.mailbox_messages < tally.messages + messages
        if too_many or 0 < limits.mailbox_size < tally.octets + octets:
            over.append(number)
    return tuple(over), tuple(broken)


def _take_back(mailboxes: Mailboxes, delivered: dict[str, Sequence[str]]) -> None:
    for number in dict.fromkeys(each for numbers in delivered.values() for each in numbers):
        # The mailbox that failed may fail again; the others lose what they should not have.
        with suppress(OSError):
            messages = [each for each in mailboxes.snapshot(number) if each.uidl in delivered]
            mailboxes.remove(number, messages)
