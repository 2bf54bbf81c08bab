"""The one name space of a site: a name is an account's, or a group's, or nobody's.

The rule it guards: whoever writes to a name reaches one thing. A new name is held against all
that stand, in the transaction that adds it.
"""

from collections.abc import Collection

from tpmailserver.model import NAME

RESERVED = frozenset({"postmaster", "lists"})


class NameTaken(ValueError):
    """A name is another thing's already: accounts, groups and lists share one name space."""

    def __init__(self, name: str, kind: str) -> None:
        super().__init__(f"{name} is {kind}")
        self.name = name
        self.kind = kind


def check_free(name: str, others: Collection[str], kind: str) -> None:
    """Raises ValueError where `name` is no name, NameTaken where it is reserved or of `others`."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name")
    if name in RESERVED:
        raise NameTaken(name, "reserved")
    if name in others:
        raise NameTaken(name, kind)
