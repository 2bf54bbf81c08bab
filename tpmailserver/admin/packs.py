"""Seed packs: folders of mails that a mailbox can be filled with, and where they are found.

The rule it guards: a pack of the site's `seeds/` wins over one of the same name that is shipped,
the order of the file names is the order of delivery, and a pack is taken whole or not at all:
everything that is wrong in it is found before the first mail is delivered.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tpmailserver.model import NAME, name_of

from .desk import Desk, NotDone
from .mails import Mail, read_mail
from .numbers import WHAT_A_NAME_IS, shown

TITLE_FILE = "pack.toml"

LARGEST_FILE = 16 * 1024 * 1024

# One folder for each language of `settings.language`.
_SHIPPED = Path(__file__).resolve().parents[1] / "seeds"

# What a refusal names of a pack with very many faults.
_FAULTS_NAMED = 100

_LINE = re.compile(r"at line ([0-9]+)")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a file of a pack; line 0 is the file as a whole."""

    file: str
    line: int
    why: str

    def __str__(self) -> str:
        return (
            f"{self.file}, line {self.line}: {self.why}"
            if self.line
            else f"{self.file}: {self.why}"
        )


@dataclass(frozen=True, slots=True)
class Place:
    """A folder that is a pack, and whether it came with tpmailserver."""

    name: str
    folder: Path
    is_shipped: bool


@dataclass(frozen=True, slots=True)
class Pack:
    """The mails of a pack in the order of delivery, and what is wrong with it."""

    place: Place
    teaches: str
    mails: tuple[Mail, ...]
    faults: tuple[Fault, ...]


def own_folder(desk: Desk) -> Path:
    """Where a site's own packs are."""
    return desk.folder / "seeds"


def shipped_folder(desk: Desk) -> Path:
    """Where the packs in the site's language are that came with tpmailserver."""
    return _SHIPPED / desk.settings.language


def places(desk: Desk) -> tuple[Place, ...]:
    """Every pack that can be asked for by name, in the order of the names."""
    found = {each.name: each for each in _folders(shipped_folder(desk), is_shipped=True)}
    found |= {each.name: each for each in _folders(own_folder(desk), is_shipped=False)}
    return tuple(found[name] for name in sorted(found))


def find_pack(desk: Desk, word: str) -> Place:
    """The pack of that name; refuses an unknown one with the names of those that exist."""
    known = {each.name: each for each in places(desk)}
    place = known.get(name_of(word) or "") or known.get(word)
    if place is None:
        raise NotDone(f"no pack {shown(word)}; nothing is done (packs: {', '.join(known)})")
    return place


def usable_pack(desk: Desk, word: str) -> Pack:
    """The pack of that name, which has no fault; a refusal names every one that it has."""
    pack = read_pack(find_pack(desk, word), desk.settings.language)
    if pack.faults:
        lines = [f"{pack.place.name}/{each}" for each in pack.faults[:_FAULTS_NAMED]]
        if len(pack.faults) > _FAULTS_NAMED:
            lines.append(f"and {len(pack.faults) - _FAULTS_NAMED:,} more such lines")
        raise NotDone("\n".join([*lines, "nothing is delivered"]))
    return pack


def read_pack(place: Place, language: str) -> Pack:
    """A pack as it is, faults and all; raises OSError where its folder cannot be read."""
    faults = []
    if not NAME.fullmatch(place.name):
        faults.append(Fault(place.name, 0, f"the folder's name is no pack's: {WHAT_A_NAME_IS}"))
    mails = []
    for file in mail_files(place.folder):
        octets = _octets(file)
        if isinstance(octets, Fault):
            faults.append(octets)
            continue
        mail, slips = read_mail(file.name, octets)
        mails.append(mail)
        faults += [Fault(file.name, each.line, each.why) for each in slips]
    if not mails and not faults:
        faults.append(Fault(place.name, 0, "there is no .eml file in it: each mail is one"))
    teaches, more = _teaches(place.folder / TITLE_FILE, language)
    return Pack(place, teaches, tuple(mails), (*faults, *more))


def mail_files(folder: Path) -> tuple[Path, ...]:
    """The files of a pack that are mails, in the order of delivery."""
    files = (each for each in folder.iterdir() if each.suffix.lower() == ".eml")
    # A name that begins with a dot is an editor's or a system's own.
    return tuple(sorted((each for each in files if each.name[0] != "."), key=lambda at: at.name))


def _folders(above: Path, *, is_shipped: bool) -> Iterator[Place]:
    try:
        entries = list(above.iterdir())
    except FileNotFoundError:
        return
    for each in entries:
        if each.is_dir() and each.name[0] != ".":
            yield Place(each.name, each, is_shipped)


def _octets(file: Path) -> bytes | Fault:
    # Looked at before it is opened: a named pipe would never answer.
    if not file.is_file():
        return Fault(file.name, 0, "a mail is a file, and this is none")
    if file.stat().st_size > LARGEST_FILE:
        return Fault(file.name, 0, f"larger than {LARGEST_FILE:,} octets: see {{filler:1000}}")
    try:
        return file.read_bytes()
    except OSError as error:
        return Fault(file.name, 0, f"it cannot be read: {error.strerror}")


def _teaches(file: Path, language: str) -> tuple[str, tuple[Fault, ...]]:
    """What `pack.toml` says that a pack teaches; "" where there is none, or no such file."""
    try:
        table = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return "", ()
    except tomllib.TOMLDecodeError as error:
        line = _LINE.search(str(error))
        return "", (Fault(file.name, int(line[1]) if line else 0, f"this is not TOML: {error}"),)
    except (OSError, UnicodeDecodeError) as error:
        return "", (Fault(file.name, 0, f"it cannot be read as UTF-8: {error}"),)
    unknown = sorted(table.keys() - {"teaches"})
    faults = [Fault(file.name, 0, f"{shown(each)} is no key: teaches is one") for each in unknown]
    said = table.get("teaches", "")
    if isinstance(said, Mapping):
        said = said.get(language, "") or next(iter(said.values()), "")
    if not isinstance(said, str):
        faults.append(
            Fault(
                file.name, 0, 'teaches takes a text: teaches = "..." or { en = "...", fr = "..." }'
            )
        )
        said = ""
    return " ".join(said.split()), tuple(faults)
