"""The contract between a list and whoever says to whom its messages go.

The rule it guards: an expander only ever names people. It is given a message on its way to a list
and says who receives it, or why nobody does; whom it names passes the same isolation as any
recipient, and the server does the delivering. The members that `tpmail list` keeps, a Python
object of a course author and a program all stand behind this one contract.

An expander of one's own:

    from tpmailserver.delivery.expander import Declined, Expansion, Post

    class OnlyShort:
        def expand(self, post: Post) -> Expansion:
            if post.octets > 2000:
                return Declined("2,000 octets at most")
            return post.members
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from zope.interface import Attribute, Interface

from tpmailserver.model import Address, Envelope


@dataclass(frozen=True, slots=True)
class Post:
    """A message on its way to a list.

    `address` is the list's as it was written, an extension (`td1+now`) included; `owner` is None
    where nobody owns the list. `members` are what `tpmail list` keeps: accounts, groups and lists.
    """

    address: Address
    envelope: Envelope
    owner: Address | None
    members: tuple[Address, ...]
    octets: int
    """The size of the message, `Return-Path:` and `Received:` included."""
    open: Callable[[], BinaryIO] = field(repr=False)
    """Opens the message for reading, from its `Return-Path:` on, with LF line ends."""


@dataclass(frozen=True, slots=True)
class Held:
    """The message waits for `tpmail list approve` or `tpmail list reject`; `why` says what for."""

    why: str


@dataclass(frozen=True, slots=True)
class Declined:
    """The message is refused for good; the sender is told `why`."""

    why: str


Expansion = Iterable[Address | str] | Held | Declined
"""Recipients, each an Address, "number@domain" or "number"; none at all means: it is taken."""


class Expander(Protocol):
    """Says to whom a message for a list goes."""

    def expand(self, post: Post) -> Expansion:
        """The recipients of a message; an exception means: not now, and the sender keeps it."""


class Members:
    """The expander of every list that has no other: the members that `tpmail list` keeps."""

    def expand(self, post: Post) -> tuple[Address, ...]:
        """All members; those that are lists are expanded in their turn."""
        return post.members


class IExpander(Interface):  # type: ignore[misc]  # zope.interface has no types
    """An `Expander` that `twistd tpmail` finds as a Twisted plugin, by its name."""

    name = Attribute("The name by which `tpmail.toml` has it: [hooks.LIST] plugin = NAME.")

    def expand(post: Post) -> Expansion:  # type: ignore[empty-body]  # noqa: N805 - no self there
        """See `Expander.expand`."""
