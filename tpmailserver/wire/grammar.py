"""The grammar of SMTP's paths and parameters, each rule under its RFC production.

The rule it guards: octets become words here and nowhere else. What beginners write is forgiven
where it can mean one thing only: a space after the colon, missing brackets, a bare student number.
Everything else that the production does not allow is a Flaw, which the reply then names.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from ipaddress import IPv4Address, IPv6Address

from tpmailserver.model import Address

# RFC 5321 §4.1.2, with the internationalised forms of RFC 6531 §3.3.
_LET_DIG = r"[A-Za-z0-9\u0080-\U0010ffff]"
# An underscore is in no production, but it is in many a machine's name.
_SUB_DOMAIN = rf"{_LET_DIG}(?:[A-Za-z0-9_\u0080-\U0010ffff-]*{_LET_DIG})?"
_DOMAIN = rf"{_SUB_DOMAIN}(?:\.{_SUB_DOMAIN})*"
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]"
_DOT_STRING = rf"{_ATEXT}+(?:\.{_ATEXT}+)*"
_QUOTED_STRING = r'"(?:[\x20-\x21\x23-\x5b\x5d-\x7e\u0080-\U0010ffff]|\\[\x20-\x7e])*"'
_LOCAL_PART = rf"(?:{_DOT_STRING}|{_QUOTED_STRING})"
# §4.1.3
_ADDRESS_LITERAL = r"\[[\x21-\x5a\x5e-\x7e]+\]"
_AT_DOMAIN = rf"@(?:{_DOMAIN}|{_ADDRESS_LITERAL})"
_SOURCE_ROUTE = rf"{_AT_DOMAIN}(?:,{_AT_DOMAIN})*:"

_MAILBOX = re.compile(
    rf"(?P<route>{_SOURCE_ROUTE})?(?P<local>{_LOCAL_PART})(?:@(?P<domain>{_DOMAIN}|{_ADDRESS_LITERAL}))?"
)
# A path as far as its closing bracket, whatever stands inside; or, forgiven, a word.
_BRACKETED = re.compile(r'<((?:[^"<>]|"(?:[^"\\]|\\.)*")*)>')
# The word of `Alice <a@b>` is a name, not an address.
_BARE = re.compile(r'((?:[^"<> ]|"(?:[^"\\]|\\.)*")++)(?= *$| +[^< ])')
_DOMAIN_ONLY = re.compile(_DOMAIN)
_HELO_NAME = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?", re.ASCII)
_QUOTED_ONLY = re.compile(_QUOTED_STRING)
_LITERAL_ONLY = re.compile(_ADDRESS_LITERAL)
_KEYWORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*", re.ASCII)
_VALUE = re.compile(r"[^\x00-\x20=\x7f]+")
# RFC 3461 §4, as AUTH= uses it (RFC 4954 §5).
_XTEXT = re.compile(r"(?:[\x21-\x2a\x2c-\x3c\x3e-\x7e]|\+[0-9A-F]{2})*", re.ASCII)
_SMTPUTF8 = re.compile(rb" SMTPUTF8[ \t]*$", re.IGNORECASE)
_SIZE = re.compile(r"[0-9]{1,20}", re.ASCII)

_LOCAL_PART_AT_MOST = 64  # §4.5.3.1.1, octets
_DOMAIN_AT_MOST = 255  # §4.5.3.1.2
_PATH_AT_MOST = 256  # §4.5.3.1.3, brackets included


class Flaw(Enum):
    """What is wrong with an argument."""

    NOT_UTF8 = auto()
    NO_PATH = auto()
    NO_CLOSING_BRACKET = auto()
    NOT_AN_ADDRESS = auto()
    LOCAL_PART_TOO_LONG = auto()
    DOMAIN_TOO_LONG = auto()
    PATH_TOO_LONG = auto()
    JUNK_AFTER_PATH = auto()
    BAD_PARAMETER = auto()
    PARAMETER_TWICE = auto()


@dataclass(frozen=True, slots=True)
class Path:
    """A reverse-path or forward-path and the parameters behind it; None is the null path."""

    address: Address | None
    parameters: Mapping[str, str]

    @property
    def is_ascii(self) -> bool:
        """Whether the address needs no SMTPUTF8."""
        return self.address is None or str(self.address).isascii()


def path(argument: bytes, domain: str) -> Path | Flaw:
    """What follows `FROM:` or `TO:`; an address without a domain is in `domain`."""
    try:
        text = argument.decode("utf-8").strip(" \t")
    except UnicodeDecodeError:
        return Flaw.NOT_UTF8
    if not text:
        return Flaw.NO_PATH
    bracketed = text.startswith("<")
    found = (_BRACKETED if bracketed else _BARE).match(text)
    if found is None:
        return Flaw.NO_CLOSING_BRACKET if bracketed and ">" not in text else Flaw.NOT_AN_ADDRESS
    rest = text[found.end() :]
    if rest and not rest.startswith(" "):
        return Flaw.JUNK_AFTER_PATH
    address = None if found.group() == "<>" else mailbox(found.group(1).strip(" "), domain)
    if isinstance(address, Flaw):
        return address
    parameters = _parameters([word for word in rest.split(" ") if word])
    return parameters if isinstance(parameters, Flaw) else Path(address, parameters)


def mailbox(text: str, domain: str) -> Address | Flaw:
    """An address without brackets; a source route before it is dropped (RFC 5321 §4.1.2, app. C).

    A bare local part means the same at `domain`: a student number, or `postmaster` (§4.1.1.3).
    """
    found = _MAILBOX.fullmatch(text)
    if found is None or not _literals_are_good(f"{found['route']}{found['domain']}"):
        return Flaw.NOT_AN_ADDRESS
    local, its_domain = found["local"], found["domain"]
    if local.startswith('"'):
        local = _unquoted(local)
    if len(found["local"].encode()) > _LOCAL_PART_AT_MOST:
        return Flaw.LOCAL_PART_TOO_LONG
    if its_domain and len(its_domain.encode()) > _DOMAIN_AT_MOST:
        return Flaw.DOMAIN_TOO_LONG
    if len(text.encode()) + len("<>") > _PATH_AT_MOST:
        return Flaw.PATH_TOO_LONG
    return Address(local, domain if its_domain is None else its_domain)


def name(argument: bytes) -> str | Flaw:
    """What VRFY and EXPN ask about (RFC 5321 §4.1.1.6, §4.1.1.7), or "".

    The String of the grammar may be quoted; what may stand in it is nobody's rule (§3.5.1), so
    brackets go, as around any address.
    """
    # SMTPUTF8 behind the name admits UTF-8 to the reply (RFC 6531 §3.7.4.2); ours is ASCII.
    text = _SMTPUTF8.sub(b"", argument).strip(b" \t").decode("utf-8", "replace")
    if text.startswith("<") and text.endswith(">"):
        text = text[1:-1].strip(" ")
    if _QUOTED_ONLY.fullmatch(text):
        text = _unquoted(text)
    return text if len(text.encode()) <= _PATH_AT_MOST else Flaw.PATH_TOO_LONG


def helo_name(argument: bytes) -> str | None:
    """The name in HELO or EHLO: a domain or an address literal (RFC 5321 §4.1.1.1), else None."""
    text = argument.decode("ascii", "replace")
    if len(text) > _DOMAIN_AT_MOST:
        return None
    if _HELO_NAME.fullmatch(text):
        return text
    # Some clients leave the tag out of `[IPv6:::1]`; it can mean one thing only.
    tagged = text.replace("[:", "[IPv6::", 1)
    return text if _LITERAL_ONLY.fullmatch(text) and _literals_are_good(tagged) else None


def size(value: str) -> int | None:
    """The octets of a SIZE parameter (RFC 1870 §4), else None."""
    return int(value) if _SIZE.fullmatch(value) else None


def is_auth_value(value: str) -> bool:
    """Whether an AUTH parameter is `<>` or an address in xtext (RFC 4954 §5)."""
    return bool(value) and (value == "<>" or _XTEXT.fullmatch(value) is not None)


def _unquoted(text: str) -> str:
    """What a Quoted-string stands for."""
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def _literals_are_good(text: str) -> bool:
    return all(_literal_is_good(each.group()[1:-1]) for each in _LITERAL_ONLY.finditer(text))


def _literal_is_good(literal: str) -> bool:
    """IPv4-address-literal, IPv6-address-literal or General-address-literal (RFC 5321 §4.1.3)."""
    tag, colon, content = literal.partition(":")
    try:
        if not colon:
            IPv4Address(literal)
        elif tag.lower() == "ipv6":
            IPv6Address(content)
    except ValueError:
        return False
    return not colon or bool(content and _KEYWORD.fullmatch(tag))


def _parameters(words: list[str]) -> dict[str, str] | Flaw:
    """Mail-parameters or Rcpt-parameters (RFC 5321 §4.1.2 esmtp-param)."""
    parameters: dict[str, str] = {}
    for word in words:
        keyword, equals, value = word.partition("=")
        if not _KEYWORD.fullmatch(keyword) or (equals and not _VALUE.fullmatch(value)):
            return Flaw.BAD_PARAMETER
        if keyword.upper() in parameters:
            return Flaw.PARAMETER_TWICE
        parameters[keyword.upper()] = value
    return parameters
