"""Whose address a request comes from, and whether it came over TLS, behind trusted proxies."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from flask import request

from api.services import services

#: Most hops that are looked at: a header may hold thousands.
_HOPS = 32
#: One household or server has a network of this size; single addresses in it cost nothing.
_IPV6_PREFIX = 64


def client_address() -> str:
    """The nearest address that is no trusted proxy of ours; "" for a local socket.

    `X-Forwarded-For` is read from its end, as long as the address before it is trusted: what a
    client writes into it stands further to the left.
    """
    trusted = services().settings.trusted_proxies
    nearest = request.remote_addr or ""
    if not trusted:
        return nearest
    hops = [hop.strip() for hop in ",".join(request.headers.getlist("X-Forwarded-For")).split(",")]
    for hop in reversed(hops[-_HOPS:]):
        if not _is_trusted(nearest, trusted) or _parsed(hop) is None:
            break
        nearest = str(_parsed(hop))
    return nearest


def is_secure() -> bool:
    """Whether the client came over TLS, by the word of a trusted proxy."""
    trusted = services().settings.trusted_proxies
    if not _is_trusted(request.remote_addr or "", trusted):
        return request.is_secure
    told = request.headers.get("X-Forwarded-Proto", "").rpartition(",")[2].strip()
    return told == "https" or request.is_secure


def address_group(address: str) -> str:
    """What is counted as one: an IPv4 address, or the network of an IPv6 address."""
    found = _parsed(address)
    if isinstance(found, IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped or IPv6Network((int(found), _IPV6_PREFIX), strict=False))
    return address


def _is_trusted(address: str, trusted: Sequence[str]) -> bool:
    found = _parsed(address)
    if found is None:
        return not address and "unix" in trusted
    return any(found in ip_network(name) for name in trusted if name != "unix")


@lru_cache(maxsize=1024)
def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """An address, with a port behind it or without; None: it is none."""
    for candidate in (text, text.removeprefix("[").partition("]")[0], text.rpartition(":")[0]):
        try:
            found = ip_address(candidate)
        except ValueError:
            continue
        return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
    return None
