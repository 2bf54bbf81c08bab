"""Looks at a seed pack with the eyes of a mail program, and says what it would stumble over.

The rule it guards: a pack may hold broken mails on purpose, for that is what a class learns from.
So only what cannot be delivered as it was meant is a fault; all that is said here is a remark.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MissingHeaderBodySeparatorDefect
from email.policy import compat32
from itertools import pairwise
from pathlib import Path

from .desk import Desk
from .mails import as_stored
from .packs import TITLE_FILE, Fault, Pack, Place, find_pack, mail_files, places, read_pack
from .templates import Occasion, Student

_ANYBODY = Student("22000001", "tp1", "22000002")

# RFC 5322 §2.2: a field, and §2.2.3: a line that continues one.
_HEADER_LINE = re.compile(rb"[!-9;-~]+[ \t]*:|[ \t]+\S")
_NUMBER = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class PackChecked:
    """One pack: what is wrong in it, and what a mail program would stumble over."""

    name: str
    folder: str
    mails: int
    faults: tuple[Fault, ...]
    remarks: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class PacksChecked:
    """The packs that were looked at."""

    packs: tuple[PackChecked, ...]


def check_packs(desk: Desk, pack: str | None = None) -> PacksChecked:
    """Looks at one pack, or at every one; changes nothing."""
    chosen = places(desk) if pack is None else (find_pack(desk, pack),)
    return PacksChecked(tuple(_checked(each, desk.settings.language) for each in chosen))


def check_folder(folder: Path) -> PacksChecked:
    """Looks at a pack anywhere on the disk; raises OSError where it cannot be read."""
    resolved = folder.resolve()
    return PacksChecked((_checked(Place(resolved.name, resolved, False), "en"),))


def _checked(place: Place, language: str) -> PackChecked:
    pack = read_pack(place, language)
    return PackChecked(
        place.name,
        str(place.folder),
        len(pack.mails),
        pack.faults,
        (*_about_names(place.folder), *_about_mails(pack)),
    )


def _about_names(folder: Path) -> Iterator[Fault]:
    mails = mail_files(folder)
    for each in sorted(folder.iterdir()):
        is_known = each in mails or each.name == TITLE_FILE or each.name.startswith((".", "README"))
        if not is_known:
            yield Fault(each.name, 0, "this is not used: a mail's file ends in .eml")
    numbered = [(int(found[0]), each.name) for each in mails if (found := _NUMBER.match(each.name))]
    for (earlier, before), (later, after) in pairwise(numbered):
        if earlier > later:
            yield Fault(after, 0, f"it is delivered after {before}: number them 01, 02, 03")


def _about_mails(pack: Pack) -> Iterator[Fault]:
    for n, mail in enumerate(pack.mails, start=1):
        yield from _about_header(pack, mail.file)
        occasion = Occasion(pack.place.name, mail.file, n, "tpmail.example.org", "", "id")
        yield from _about_parts(mail.file, mail.content.fill(_ANYBODY, occasion))


def _about_header(pack: Pack, file: str) -> Iterator[Fault]:
    octets = as_stored((pack.place.folder / file).read_bytes())
    for count, line in enumerate(octets.split(b"\n"), start=1):
        if not line:
            return
        if not _HEADER_LINE.match(line):
            why = "no field of a header: is the empty line missing that ends the header?"
            yield Fault(file, count, why)
            return
    yield Fault(file, 0, "there is no empty line, so all of it is header")


def _about_parts(file: str, octets: bytes) -> Iterator[Fault]:
    for part in message_from_bytes(octets, policy=compat32).walk():
        for defect in part.defects:
            # The lines of the header have been looked at already.
            if not isinstance(defect, MissingHeaderBodySeparatorDefect):
                what = type(defect).__doc__ or type(defect).__name__
                yield Fault(file, 0, f"a mail program finds: {what.split('.')[0].strip()}")
