"""Reads `tpmail.toml` into one frozen Settings.

The rule it guards: every key is optional, and a key that nobody knows is an error that names the
nearest known one, because a silent wrong guess costs a class its afternoon. A value out of range
is an error that says what the key takes.
"""

import re
import socket
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from tpmailserver.model import name_of

from .checks import Check, SettingsError, checked, one_of, seconds, table, text, whole
from .hooks import HOOKS_FOLDER, Hook, read_hooks

__all__ = [
    "FILE_NAME",
    "HOOKS_FOLDER",
    "Hook",
    "Limits",
    "Settings",
    "SettingsError",
    "from_table",
    "load",
    "machine_domain",
    "networks_of",
    "with_options",
]

FILE_NAME = "tpmail.toml"

# RFC 5321 §4.1.2 Domain: labels of letters, digits and hyphens.
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]{0,62})(\.[a-z0-9]([a-z0-9-]{0,62}))*", re.ASCII)


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
    keep_snapshots: float = 30
    """Days after which a snapshot is erased; 0 keeps all."""
    limits: Limits = field(default_factory=Limits)
    hooks: tuple[Hook, ...] = ()


def load(site: Path) -> Settings:
    """The settings of a site's folder; a missing file means every default."""
    path = site / FILE_NAME
    try:
        written = path.read_text("utf-8")
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error})") from error
    try:
        parsed = tomllib.loads(written)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not TOML: {error}") from error
    try:
        return from_table(parsed)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from error


def from_table(parsed: Mapping[str, object]) -> Settings:
    """The settings that a parsed TOML table says."""
    return Settings(**checked(parsed, _CHECKS, ""))  # type: ignore[arg-type]


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


def _domain(key: str, value: object) -> str:
    domain = text(key, value).lower()
    if not _DOMAIN.fullmatch(domain) or len(domain) > 255:
        raise SettingsError(f"{key} takes a domain name such as tpmail.example.org, not {value!r}")
    return domain


def _language(key: str, value: object) -> str:
    return one_of("en", "fr")(key, value)


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
    pattern = text(key, value)
    try:
        re.compile(pattern)
    except re.error as error:
        raise SettingsError(f"{key}: not a regular expression ({error})") from error
    return pattern


def _account(key: str, value: object) -> str:
    if not text(key, value):
        return ""
    name = name_of(text(key, value))
    if name is None:
        raise SettingsError(f"{key} takes a student number, not {value!r}")
    return name


def _days(key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e6:
        raise SettingsError(f"{key} takes a number of days, 0 to keep all, not {value!r}")
    return value


def _limits(key: str, value: object) -> Limits:
    return Limits(**checked(table(key, value), _LIMIT_CHECKS, f"{key}."))  # type: ignore[arg-type]


_CHECKS: Mapping[str, Check] = {
    "domain": _domain,
    "language": _language,
    "networks": _networks,
    "walk_in": _pattern,
    "walk_in_limit": whole,
    "postmaster": _account,
    "line_ends": one_of("lenient", "strict"),
    "maildrop": one_of("exclusive", "shared"),
    "lists_visible": one_of("members", "open", "closed"),
    "keep_snapshots": _days,
    "limits": _limits,
    "hooks": read_hooks,
}

_LIMIT_CHECKS: Mapping[str, Check] = {
    each.name: seconds if each.type in (float, "float") else whole for each in fields(Limits)
}


def machine_domain() -> str:
    """This machine's name as a domain, for the unique part of file names."""
    name = socket.gethostname().lower()
    return name if _DOMAIN.fullmatch(name) else "localhost"
