"""Which clients this site serves at all, and how many sessions they may have.

The rule it guards: a school's isolated server answers its own networks, and nobody is banned: an
address is only ever bounded, because a whole room may sit behind one.
"""

from collections import Counter
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_network

import psutil

from tpmailserver.model import Accepted, Client, IPAddress, Reason, Refusal
from tpmailserver.settings import Settings, networks_of

Network = IPv4Network | IPv6Network

_LOCAL = tuple(
    map(
        ip_network,
        (
            "127.0.0.0/8",  # loopback
            "10.0.0.0/8",  # RFC 1918
            "172.16.0.0/12",
            "192.168.0.0/16",
            "169.254.0.0/16",  # link-local
            "::1/128",
            "fe80::/10",
            "fc00::/7",  # RFC 4193
        ),
    )
)
_LOOK_AGAIN_AFTER = 30.0


class Admission:
    """Admits sessions, and counts those that are open."""

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self._limits = settings.limits
        self._networks = settings.networks
        self._clock = clock
        self._configured = networks_of(settings)
        self._own: tuple[Network, ...] = ()
        self._own_read_at = float("-inf")
        self._wants_local = "local" in settings.networks
        self._open: Counter[str] = Counter()

    def admit(self, client: Client) -> Accepted | Refusal:
        """Whether one more session of this client may open; it then counts until `leave`."""
        limits, who = self._limits, str(client)
        if not self.is_near(client.address):
            return Refusal(Reason.FOREIGN_NETWORK, (who,))
        if 0 < limits.sessions <= self._open.total():
            return Refusal(Reason.TOO_MANY_SESSIONS, (str(limits.sessions),))
        if 0 < limits.sessions_per_address <= self._open[who]:
            limit = str(limits.sessions_per_address)
            return Refusal(Reason.TOO_MANY_FROM_ADDRESS, (who, limit))
        self._open[who] += 1
        return Accepted()

    def with_network(self, block: str) -> str:
        """The setting that admits one network more, as it is written in tpmail.toml."""
        blocks = ", ".join(f'"{each}"' for each in (*self._networks, block))
        return f"networks = [{blocks}]"

    def leave(self, client: Client) -> None:
        """A session that was admitted has ended."""
        who = str(client)
        self._open[who] -= 1
        if not self._open[who]:
            del self._open[who]

    def is_near(self, address: IPAddress | None) -> bool:
        """Whether clients of this address are served at all; None is this machine's own socket."""
        if address is None or self._configured is None:
            return True
        if any(address in network for network in self._configured):
            return True
        if not self._wants_local:
            return False
        if any(address in network for network in (*_LOCAL, *self._own)):
            return True
        if self._clock() - self._own_read_at < _LOOK_AGAIN_AFTER:
            return False
        # A laptop's interfaces come and go; a stranger is reason enough to look once more.
        self._own_read_at = self._clock()
        self._own = own_networks()
        return any(address in network for network in self._own)


def own_networks() -> tuple[Network, ...]:
    """The networks of this machine's own interfaces."""
    found = []
    for addresses in psutil.net_if_addrs().values():
        for each in addresses:
            host = each.address.partition("%")[0]
            try:
                mask = each.netmask
                if mask and ":" in mask:
                    mask = str(int(ip_network(f"{mask.partition('/')[0]}/128")[0]).bit_count())
                found.append(ip_network(f"{host}/{mask}", strict=False))
            except ValueError:
                continue  # a hardware address, or an interface without a mask
    return tuple(found)
