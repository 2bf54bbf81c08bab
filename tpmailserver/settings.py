"""Reads `tpmail.toml` into one frozen Settings.

The rule it guards: every key is optional, and a key that nobody knows is an error that names the
nearest known one, because a silent wrong guess costs a class its afternoon. A value out of range
is an error that says what the key takes.
"""

import re
import socket
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from tpmailserver.model import name_of

FILE_NAME = "tpmail.toml"

# RFC 5321 §4.1.2 Domain: labels of letters, digits and hyphens.
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]{0,62})(\.[a-z0-9]([a-z0-9-]{0,62}))*", re.ASCII)


class SettingsError(ValueError):
    """A setting that cannot be used; its text is one line for the person who wrote it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Every bound that a site may set; seconds and octets; 0 lifts a limit."""

    message_size: int = 10 * 1024 * 1024
    recipients: int = 1000
    sessions: int = 4000
    sessions_per_address: int = 500
    pop3_idle: float = 600
    smtp_idle: float = 900
    data: float = 1800
    budget: int = 600
    list_budget: int = 600
    list_breaker: int = 100
    mailbox_messages: int = 5000
    mailbox_size: int = 200 * 1024 * 1024
    failed_login_delay: float = 1.0


@dataclass(frozen=True, slots=True)
class Settings:
    """One site's settings, whole and checked. Every default makes the lab run."""

    domain: str = "tpmail.info.unicaen.fr"
    language: str = "en"
    networks: tuple[str, ...] = ("local",)
    walk_in: str = ""
    walk_in_limit: int = 500
    postmaster: str = ""
    line_ends: str = "lenient"
    maildrop: str = "exclusive"
    lists_visible: str = "members"
    limits: Limits = field(default_factory=Limits)


def load(site: Path) -> Settings:
    """The settings of a site's folder; a missing file means every default."""
    path = site / FILE_NAME
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error})") from error
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not TOML: {error}") from error
    try:
        return from_table(table)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from error


def from_table(table: Mapping[str, object]) -> Settings:
    """The settings that a parsed TOML table says."""
    values = _checked(table, Settings, _CHECKS, "")
    limits = values.get("limits", {})
    if not isinstance(limits, Mapping):
        raise SettingsError("limits is a table: write [limits] on a line of its own")
    values["limits"] = Limits(**_checked(limits, Limits, _LIMIT_CHECKS, "limits."))  # type: ignore[arg-type]
    return Settings(**values)  # type: ignore[arg-type]


def with_options(settings: Settings, *, domain: str | None, language: str | None) -> Settings:
    """The same settings where an option of the command line beats the file."""
    if domain is not None:
        settings = replace(settings, domain=_domain("--domain", domain))
    if language is not None:
        settings = replace(settings, language=_language("--language", language))
    return settings


def networks_of(settings: Settings) -> tuple[IPv4Network | IPv6Network, ...] | None:
    """The CIDR blocks among `networks`; None where "any" stands there. "local" is not one."""
    if "any" in settings.networks:
        return None
    return tuple(ip_network(block) for block in settings.networks if block != "local")


Check = Callable[[str, object], object]
TextCheck = Callable[[str, object], str]


def _checked(
    table: Mapping[str, object], record: type, checks: Mapping[str, Check], prefix: str
) -> dict[str, object]:
    known = [each.name for each in fields(record)]
    values: dict[str, object] = {}
    for key, value in table.items():
        if key not in known:
            raise SettingsError(f"{prefix}{key} is no setting{_nearest(key, known, prefix)}")
        values[key] = checks[key](prefix + key, value)
    return values


def _nearest(key: str, known: list[str], prefix: str) -> str:
    close = get_close_matches(key, known, n=1, cutoff=0.5)
    if close:
        return f", did you mean {prefix}{close[0]}?"
    return f"; known are {', '.join(known)}"


def _text(key: str, value: object) -> str:
    if not isinstance(value, str):
        raise SettingsError(f'{key} takes a text in quotes, such as {key} = "..."')
    return value


def _domain(key: str, value: object) -> str:
    domain = _text(key, value).lower()
    if not _DOMAIN.fullmatch(domain) or len(domain) > 255:
        raise SettingsError(f"{key} takes a domain name such as tpmail.example.org, not {value!r}")
    return domain


def _one_of(*choices: str) -> TextCheck:
    def check(key: str, value: object) -> str:
        if value not in choices:
            raise SettingsError(f"{key} takes {' or '.join(map(repr, choices))}, not {value!r}")
        return str(value)

    return check


def _language(key: str, value: object) -> str:
    return _one_of("en", "fr")(key, value)


def _networks(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise SettingsError(f'{key} takes a list, such as ["local", "10.0.0.0/8"] or ["any"]')
    for block in value:
        if block not in ("local", "any"):
            try:
                ip_network(block)
            except ValueError as error:
                raise SettingsError(f"{key}: {block!r} is no CIDR block ({error})") from error
    return tuple(value)


def _pattern(key: str, value: object) -> str:
    pattern = _text(key, value)
    try:
        re.compile(pattern)
    except re.error as error:
        raise SettingsError(f"{key}: not a regular expression ({error})") from error
    return pattern


def _account(key: str, value: object) -> str:
    text = _text(key, value)
    if not text:
        return text
    name = name_of(text)
    if name is None:
        raise SettingsError(f"{key} takes a student number, not {value!r}")
    return name


def _whole(key: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise SettingsError(f"{key} takes a whole number, 0 for no limit, not {value!r}")
    return value


def _seconds(key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise SettingsError(f"{key} takes a number of seconds, 0 for no limit, not {value!r}")
    return value


_CHECKS: Mapping[str, Check] = {
    "domain": _domain,
    "language": _language,
    "networks": _networks,
    "walk_in": _pattern,
    "walk_in_limit": _whole,
    "postmaster": _account,
    "line_ends": _one_of("lenient", "strict"),
    "maildrop": _one_of("exclusive", "shared"),
    "lists_visible": _one_of("members", "open", "closed"),
    "limits": lambda _key, value: value,
}

_LIMIT_CHECKS: Mapping[str, Check] = {
    each.name: _seconds if each.type in (float, "float") else _whole for each in fields(Limits)
}


def machine_domain() -> str:
    """This machine's name as a domain, for the unique part of file names."""
    name = socket.gethostname().lower()
    return name if _DOMAIN.fullmatch(name) else "localhost"
