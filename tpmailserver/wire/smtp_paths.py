"""What follows MAIL and RCPT: a path and its parameters, or the reply that says what is wrong.

The rule it guards: whatever was typed, the reply shows the right form with an address that this
student knows.
"""

import re
from dataclasses import replace

from . import grammar
from .grammar import Flaw, Path
from .replies import FLAWS, Reply, Smtp
from .smtp_verbs import VERBS

_KEYWORDS = {"MAIL": b"FROM", "RCPT": b"TO"}
_TYPED_ADDRESS = re.compile(rb"[^\s<>:]+@[^\s<>:@]+|[0-9]{3,64}")


def read(verb: str, argument: bytes, host: str) -> Path | Reply:
    """The path behind `FROM:` or `TO:`; an address without a domain is at `host`."""
    keyword = _KEYWORDS[verb]
    typed, colon, rest = argument.partition(b":")
    if typed.strip(b" ").upper() != keyword or not colon:
        if typed.strip(b" ").upper() in set(_KEYWORDS.values()) - {keyword}:
            return Smtp.WRONG_KEYWORD
        return Smtp.NO_COLON if argument.strip(b" ").upper().startswith(keyword) else Smtp.FORM
    path = grammar.path(rest, host)
    return _flawed(verb, path) if isinstance(path, Flaw) else path


def facts(verb: str, argument: bytes, known_address: str) -> dict[str, object]:
    """What the replies of `read` name: the verb, its keyword, and the form to write it in."""
    # The search takes the square of the length: a path holds no more than this.
    typed = _TYPED_ADDRESS.search(argument[:320])
    address = typed.group().decode("ascii", "replace") if typed else known_address
    keyword = _KEYWORDS[verb].decode()
    return {"verb": verb, "keyword": keyword, "form": VERBS[verb].form.format(address=address)}


def _flawed(verb: str, flaw: Flaw) -> Reply:
    """The reply to a flaw; a bad address of a sender is 5.1.7, not 5.1.3 (RFC 3463 §3.2)."""
    reply = FLAWS[flaw]
    if verb == "MAIL" and reply.status == "5.1.3":
        return replace(reply, status="5.1.7")
    return reply


def unknown_parameter(path: Path) -> str:
    """The first of MAIL's parameters that no extension here has defined, or ""."""
    return min(path.parameters.keys() - {"SIZE", "BODY", "SMTPUTF8", "AUTH"}, default="")


def wrong_parameter(path: Path, size_limit: int) -> Reply | None:
    """What is wrong with MAIL's parameters (RFC 1870, 4954, 6152, 6531), if anything is."""
    parameters = path.parameters
    size = grammar.size(parameters.get("SIZE", "0"))
    if unknown_parameter(path):
        return Smtp.UNKNOWN_PARAMETER
    if size is None:
        return Smtp.BAD_SIZE
    if parameters.get("BODY", "7BIT").upper() not in ("7BIT", "8BITMIME"):
        return Smtp.BAD_BODY
    if "AUTH" in parameters and not grammar.is_auth_value(parameters["AUTH"]):
        return Smtp.BAD_AUTH
    if parameters.get("SMTPUTF8"):
        return Smtp.NO_VALUE
    if not path.is_ascii and "SMTPUTF8" not in parameters:
        return Smtp.NEEDS_SMTPUTF8
    return Smtp.SIZE_TOO_LARGE if 0 < size_limit < size else None


def declared_octets(path: Path) -> int:
    """The size that MAIL declared (RFC 1870 §5); 0 where it did not."""
    return grammar.size(path.parameters.get("SIZE", "0")) or 0
