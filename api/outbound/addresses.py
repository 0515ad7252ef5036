"""Which addresses are public: the rest is somebody's own network, ours perhaps."""

from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

#: The one part of IPv6 that is given out as global unicast (RFC 4291, IANA).
_GLOBAL_UNICAST = IPv6Network("2000::/3")
#: IANA's special-purpose registries (RFC 6890 and its updates), as of 2025; what Python's own
#: `is_global` says of them depends on its version.
_SPECIAL = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
    *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15"),
    *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    # IETF protocol assignments with Teredo, documentation.
    *("2001::/23", "2001:db8::/32", "3fff::/20"),
    # Relays of 6to4, and IPv4 addresses inside of 6to4's.
    *("192.88.99.0/24", "2002::/16"),
    # Azure's host agent: public by its number, answers every machine there, with credentials too.
    "168.63.129.16/32",
)
_NOT_PUBLIC: tuple[Network, ...] = tuple(ip_network(name) for name in _SPECIAL)


def is_address(text: str) -> bool:
    """Whether a host is written as an address rather than a name."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_allowed(text: str, networks: Sequence[Network] = ()) -> bool:
    """Whether an address may be connected to.

    IPv4 addresses inside of IPv6 ones (mapped, compatible, NAT64, 6to4, Teredo) are refused, public
    or not: nobody needs them written so.

    Args:
        text: The address as a resolver gave it.
        networks: Networks that are allowed although they are not public.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and (address.scope_id or address.ipv4_mapped):
        return False
    return _in_one_of(address, networks) or is_public(address)


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet, for one receiver."""
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not _in_one_of(address, _NOT_PUBLIC)


def networks_of(names: Sequence[str]) -> tuple[Network, ...]:
    """Networks by their names, such as `10.1.2.0/24`.

    Raises:
        ValueError: one is none.
    """
    return tuple(ip_network(name) for name in names)


def _in_one_of(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks if network.version == address.version)
