"""What a hook answered, checked: foreign code decides, so nothing of it is taken on trust.

The rule it guards: what comes out of here is a tuple of addresses, not too many, or a `Held` or
`Declined` whose text is one printable line. Everything else is a failure of the hook, and a
failure says in one line what happened.
"""

import re
from collections.abc import Awaitable, Callable, Iterable
from itertools import islice

from tpmailserver.model import Address

from .expander import Declined, Held

RECIPIENTS_AT_MOST = 100_000
LINE_AT_MOST = 200

# RFC 5321 §4.5.3.1: a local part of 64 octets, an "@" and a domain of 255.
_ADDRESS_AT_MOST = 320
# RFC 5321 §4.1.2 Dot-string, its dots anywhere: a name is looked up, and what is none is unknown.
_LOCAL = r"[^\x00-\x20\x7f()<>\[\]:;@\\,\"]+"
_ADDRESS = re.compile(rf"(?P<local>{_LOCAL})(?:@(?P<domain>[\w.-]+))?")


class HookFailed(Exception):
    """A hook did not do what its contract says; the text is one line that says what happened."""


Answer = tuple[Address, ...] | Held | Declined


def checked(answer: object, domain: str, in_time: Callable[[], bool]) -> Answer:
    """The answer of an expander, if it is one; a bare name is one of `domain`.

    Recipients are taken while `in_time` holds: a generator may never end.
    """
    if isinstance(answer, Held):
        return Held(_why(answer.why))
    if isinstance(answer, Declined):
        return Declined(_why(answer.why))
    # A text is iterable too, letter by letter; so is Twisted's Deferred, which names nobody.
    if isinstance(answer, str | bytes | Awaitable) or not isinstance(answer, Iterable):
        raise HookFailed(f"answered {_shown(answer)}, neither recipients nor Held nor Declined")
    recipients = []
    for each in islice(answer, RECIPIENTS_AT_MOST + 1):
        if not in_time():
            raise HookFailed("goes on and on naming recipients")
        recipients.append(_recipient(each, domain))
    if len(recipients) > RECIPIENTS_AT_MOST:
        raise HookFailed(f"names more than {RECIPIENTS_AT_MOST:,} recipients")
    return tuple(recipients)


def one_line(text: str) -> str:
    """A text as one printable line of at most 200 characters."""
    words = " ".join(text[: 10 * LINE_AT_MOST].split())
    line = "".join(each if each.isprintable() else "?" for each in words)
    return line if len(line) <= LINE_AT_MOST else line[: LINE_AT_MOST - 3] + "..."


def _why(why: object) -> str:
    if not isinstance(why, str):
        raise HookFailed(f"gives {_shown(why)} as its reason, which is no text")
    return one_line(why) or "it does not say why"


def _recipient(named: object, domain: str) -> Address:
    if isinstance(named, Address):
        if not (isinstance(named.local, str) and isinstance(named.domain, str)):
            raise HookFailed("names an Address whose parts are no texts")
        return named
    if not isinstance(named, str):
        raise HookFailed(f"names {_shown(named)} as a recipient")
    text = named.strip()
    if text.startswith("<") and text.endswith(">"):
        text = text[1:-1]
    address = _ADDRESS.fullmatch(text) if len(text) <= _ADDRESS_AT_MOST else None
    if address is None:
        raise HookFailed(f'names a recipient that is no address: "{one_line(named)}"')
    return Address(address["local"], address["domain"] or domain)


def _shown(value: object) -> str:
    return f"a value of type {type(value).__name__}"
