"""The one name space of a site: a name is an account's, a group's, a list's, or nobody's.

The rule it guards: whoever writes to a name reaches one thing. A new name is held against all
that stand, in the transaction that adds it. Only a group and the list of its members are one and
the same.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from tpmailserver.model import NAME

from .tables import ACCOUNTS, GROUPS, LISTS

POSTMASTER = "postmaster"
RESERVED = frozenset({POSTMASTER, "lists"})


class NameTaken(ValueError):
    """A name is another thing's already: accounts, groups and lists share one name space."""

    def __init__(self, name: str, kind: str) -> None:
        super().__init__(f"{name} is {kind}")
        self.name = name
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Names:
    """All names that stand; the lists are those that are no group's."""

    accounts: frozenset[str]
    groups: frozenset[str]
    lists: frozenset[str]


def names_in(connection: Connection) -> Names:
    """The names that this transaction sees."""
    accounts = frozenset(connection.scalars(select(ACCOUNTS.c.number)))
    groups = frozenset(connection.scalars(select(GROUPS.c.name)))
    lists = frozenset(connection.scalars(select(LISTS.c.name)))
    return Names(accounts, groups, lists - groups)


def check_free(name: str, others: Mapping[str, Collection[str]]) -> None:
    """Raises ValueError where `name` is no name, NameTaken where it is reserved or others have it.

    `others` says of each kind, such as "a group", which names are taken.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name")
    if name in RESERVED:
        raise NameTaken(name, "reserved")
    for kind, names in others.items():
        if name in names:
            raise NameTaken(name, kind)
