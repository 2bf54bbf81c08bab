"""Who is meant by the names and addresses that an instructor writes for a list.

The rule it guards: mail stays on this site, so an address of another domain is refused by name, and
so is a name that nobody has. One of them and nothing at all is done, and every one is named.
"""

from dataclasses import dataclass
from difflib import get_close_matches

from tpmailserver.model import name_of
from tpmailserver.store.lists import MailingList
from tpmailserver.store.namespace import POSTMASTER

from .desk import Desk, NotDone
from .numbers import WHAT_A_NAME_IS, listed, shown


@dataclass(frozen=True, slots=True)
class Members:
    """Accounts, groups, lists or postmaster, as names or addresses; `groups` are groups only."""

    addresses: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


def find_members(desk: Desk, members: Members) -> tuple[str, ...]:
    """The names that are meant, each once; everybody who is not here is named in the refusal."""
    desk.directory.refresh()
    found = {address: _local(desk, address) for address in members.addresses}
    names = tuple(name for name in found.values() if name is not None)
    unknown = [name for name in dict.fromkeys(names) if not _is_known(desk, name)]
    foreign = [_said(address) for address, name in found.items() if name is None]
    no_group = [each for each in members.groups if desk.directory.members(each) is None]
    faults = []
    if unknown:
        faults.append(f"no account, group or list {listed(unknown)}")
    if no_group:
        faults.append(f"no group {', '.join(map(_said, no_group))}")
    if foreign:
        verb = "is" if len(foreign) == 1 else "are"
        faults.append(f"{', '.join(foreign)} {verb} not on this site")
    if faults:
        raise NotDone(f"{'; '.join(faults)}; nothing is done")
    return tuple(dict.fromkeys((*names, *members.groups)))


def name_at(desk: Desk, address: str) -> str:
    """The name that a name or an address of this site spells; it need not be anybody's."""
    name = _local(desk, address)
    if name is None:
        raise NotDone(f"{_said(address)} is not on this site; nothing is done")
    return name


def find_list(desk: Desk, address: str) -> MailingList:
    """The list of that name or address; a refusal says which name may have been meant."""
    desk.directory.refresh()
    name = name_at(desk, address)
    found = desk.directory.mailing_list(name)
    if found is None:
        raise NotDone(_no_list(desk, name))
    return found


def _local(desk: Desk, address: str) -> str | None:
    """The name in an address, or None for another site's; raises NotDone for what is no name."""
    local, at, domain = address.rpartition("@")
    if at and domain.lower() != desk.settings.domain:
        return None
    word = local if at else address
    name = name_of(word)
    if name is None:
        raise NotDone(f"{shown(word)} is no name: {WHAT_A_NAME_IS}")
    return name


def _is_known(desk: Desk, name: str) -> bool:
    directory = desk.directory
    return (
        name == POSTMASTER
        or directory.account(name) is not None
        or directory.mailing_list(name) is not None
    )


def _no_list(desk: Desk, name: str) -> str:
    if desk.directory.account(name) is not None:
        return f"{name} is an account, not a list; nothing is done"
    close = get_close_matches(name, desk.directory.list_names(), n=1)
    hint = f"did you mean {close[0]}?" if close else "tpmail lists says which there are"
    return f"no list {name}; nothing is done ({hint})"


def _said(address: str) -> str:
    """An address as one line may show it."""
    return address if address.isprintable() and len(address) <= 80 else shown(address)
