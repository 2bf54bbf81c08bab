"""One mail of a seed pack: an `.eml` file, and the envelope in which it seems to have come.

The rule it guards: a file that a person wrote is taken as it is or refused with the line that is
wrong. A file whose first line ends in CRLF is a CRLF file and is stored with LF, as all mail is;
nothing else is changed.

`X-Seed-` lines at the very top say what no message does: who sent it and from where. They are taken
out, and `Return-Path:` and `Received:` show them as they show those of a mail that came by SMTP.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tpmailserver.model import Address, Client, Envelope, client_address, name_of
from tpmailserver.store.namespace import POSTMASTER

from .numbers import shown
from .templates import Occasion, Slip, Student, Template, parse

_SENDER = re.compile(r'<>|[^\s<>@"]{1,64}(@[^\s<>@"]{1,255})?', re.ASCII)
_HELO = re.compile(r"[!-'*-~]{1,255}")

_SEED_LINE = re.compile(rb"X-Seed-([^:\s]*)[ \t]*:[ \t]*([^\n]*?)[ \t]*(?:\n|\Z)", re.IGNORECASE)
_LATER_SEED_LINE = re.compile(rb"^X-Seed-", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Fact:
    """What may stand behind an `X-Seed-` line."""

    form: str
    fits: Callable[[str], object]


_FACTS: Mapping[str, _Fact] = {
    "sender": _Fact("an address, a number, or <>", _SENDER.fullmatch),
    "helo": _Fact("the name of a machine", _HELO.fullmatch),
    "address": _Fact("an IPv4 or IPv6 address", client_address),
    "login": _Fact("a number", name_of),
}

# To try on what the fields of an envelope come to.
_ANYBODY = Student("22000001", "tp1", "22000002")
_ANYWHERE = Occasion("pack", "01.eml", 1, "tpmail.example.org", "")


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that students get, each with his own fields filled in."""

    file: str
    content: Template
    facts: Mapping[str, Template]
    """What the `X-Seed-` lines say, by their names."""

    def own(self, student: Student, occasion: Occasion) -> tuple[bytes, ...]:
        """What is this student's, in the content and in the envelope."""
        templates = (self.content, *self.facts.values())
        return tuple(value for each in templates for value in each.own(student, occasion))

    def envelope(self, student: Student, occasion: Occasion) -> Envelope:
        """The envelope in which it seems to have come; the postmaster's own without a word."""
        said = {
            name: each.fill(student, occasion).decode("utf-8", "replace")
            for name, each in self.facts.items()
        }
        # RFC 3848: the keywords of `with`; what the server itself delivers is "local".
        protocol = "ESMTPA" if "login" in said else "SMTP" if said.keys() - {"sender"} else "local"
        return Envelope(
            _path(said.get("sender", POSTMASTER), occasion.domain),
            (),
            Client(client_address(said.get("address", "")), session="seed"),
            said.get("helo", "tpmail"),
            protocol,
            said.get("login", ""),
        )


def read_mail(file: str, octets: bytes) -> tuple[Mail, tuple[Slip, ...]]:
    """The mail that a file's octets are, and all that is wrong with it."""
    slips = list(_unusable(octets))
    octets = as_stored(octets)
    facts: dict[str, Template] = {}
    at, line = 0, 1
    while seed_line := _SEED_LINE.match(octets, at):
        slips += _note(facts, seed_line, line)
        at, line = seed_line.end(), line + 1
    header = octets[at:].partition(b"\n\n")[0]
    for later in _LATER_SEED_LINE.finditer(b"" if octets[at:].startswith(b"\n") else header):
        below = header.count(b"\n", 0, later.start())
        slips.append(Slip(line + below, "X-Seed- lines stand at the very top, before all others"))
    content, wrong = parse(octets[at:], line)
    return Mail(file, content, facts), (*slips, *wrong)


def as_stored(octets: bytes) -> bytes:
    """A file's octets with the line ends of the store: the first line says which the file has."""
    first, _, _ = octets.partition(b"\n")
    return octets.replace(b"\r\n", b"\n") if first.endswith(b"\r") else octets


def _unusable(octets: bytes) -> Iterator[Slip]:
    if not octets:
        yield Slip(0, "the file is empty: a mail has at least a line")
    if octets.startswith(b"\xef\xbb\xbf"):
        yield Slip(1, "the file begins with a byte order mark: save it as UTF-8 without one")
    if (nul := octets.find(b"\0")) >= 0:
        # RFC 5322 §2.2 and §2.3 know octets 1 to 127; most NULs are UTF-16.
        yield Slip(octets.count(b"\n", 0, nul) + 1, "a NUL: save the file as UTF-8 or as Latin-1")


def _note(facts: dict[str, Template], seed_line: re.Match[bytes], line: int) -> Iterator[Slip]:
    """Notes what an `X-Seed-` line says, or says what is wrong with it."""
    name = seed_line[1].decode("ascii", "backslashreplace").lower()
    if name not in _FACTS:
        known = ", ".join(f"X-Seed-{each.title()}" for each in _FACTS)
        yield Slip(line, f"X-Seed-{name.title()} is not known; there are {known}")
        return
    title = f"X-Seed-{name.title()}"
    if name in facts:
        yield Slip(line, f"a second {title}: one is enough")
    template, wrong = parse(seed_line[2], line)
    yield from wrong
    value = template.fill(_ANYBODY, _ANYWHERE).decode("utf-8", "replace")
    if not wrong and not _FACTS[name].fits(value):
        yield Slip(line, f"{title} takes {_FACTS[name].form}, not {shown(value)}")
    facts[name] = template


def _path(text: str, domain: str) -> Address | None:
    """The reverse-path that a text means; None for the null path (RFC 5321 §4.5.5)."""
    if text == "<>":
        return None
    local, _, host = text.partition("@")
    return Address(local, host or domain)
