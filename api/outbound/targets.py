"""Reading a URL as strictly as it is fetched: what two programs may read differently is refused."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal
from urllib.parse import SplitResult, quote, urlsplit

from api.outbound.addresses import Network, networks_of
from api.outbound.errors import UrlRefused

#: Longer ones are refused.
MAX_URL_CHARACTERS = 2048
_PORTS = {"http": 80, "https": 443}
#: Spaces, control characters and backslashes are read differently by different programs.
_ODD = re.compile(r"[\x00-\x20\x7f\\]")
#: A last label that is a number makes the whole host an IPv4 address in some spelling: decimal,
#: octal, hexadecimal, or with parts left out (WHATWG URL, "ends in a number").
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.IGNORECASE)
_HOST = re.compile(
    r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*"
)

Mode = Literal["off", "allow_list", "public"]


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboundPolicy:
    """Where requests may go."""

    mode: Mode = "off"
    #: `example.org`, `.example.org` for all below it, `example.org:8443` for another port. In mode
    #: `public` they only add ports.
    hosts: tuple[str, ...] = ()
    #: Networks that are allowed although they are not public.
    networks: tuple[Network, ...] = ()
    https_only: bool = False


def policy_of(mode: Mode, hosts: Sequence[str], networks: Sequence[str]) -> OutboundPolicy:
    """A policy from settings.

    Raises:
        ValueError: a network is none.
    """
    return OutboundPolicy(mode=mode, hosts=tuple(hosts), networks=networks_of(networks))


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A URL that was read."""

    scheme: Literal["http", "https"]
    #: In ASCII, lower case, without a dot at its end; or an address without brackets.
    host: str
    port: int
    #: Path and query, percent-encoded.
    path: str

    @property
    def host_header(self) -> str:
        """The host as HTTP names it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def target_of(url: str, policy: OutboundPolicy) -> Target:
    """Read a URL and hold it to the policy; its host's addresses are checked when it is resolved.

    Raises:
        UrlRefused: it is no URL we fetch.
    """
    if policy.mode == "off":
        raise UrlRefused("URLs are switched off on this server. Send the file itself.")
    if len(url) > MAX_URL_CHARACTERS or _ODD.search(url):
        raise UrlRefused("The URL is too long, or has spaces, backslashes or control characters.")
    try:
        parts = urlsplit(url)
        port, name = parts.port, parts.hostname
    except ValueError:
        raise UrlRefused("This is no URL.") from None
    if parts.scheme not in _PORTS or not name:
        raise UrlRefused("Only http:// and https:// URLs with a host are fetched.")
    if policy.https_only and parts.scheme != "https":
        raise UrlRefused("Only https:// URLs are taken.")
    if "@" in parts.netloc:
        raise UrlRefused("URLs with a user name or password are not fetched.")
    if "[" in parts.netloc and ":" not in name:
        raise UrlRefused("The URL's host is neither a host name nor a plain IP address.")
    target = Target(
        scheme="https" if parts.scheme == "https" else "http",
        host=_host(name),
        port=_PORTS[parts.scheme] if port is None else port,
        path=_path(parts),
    )
    _check_listed(target, policy)
    return target


def _host(name: str) -> str:
    """The host in one spelling.

    Raises:
        UrlRefused: it is neither a name nor an address as addresses are written.
    """
    refused = UrlRefused("The URL's host is neither a host name nor a plain IP address.")
    try:
        # Other digits and dots than ASCII's become those here.
        host = name.rstrip(".") if name.isascii() else name.encode("idna").decode().rstrip(".")
    except UnicodeError:
        raise refused from None
    host = host.lower()
    if "%" in host:
        raise refused
    with suppress(ValueError):
        return str(ip_address(host))
    if not _HOST.fullmatch(host) or _NUMBER.fullmatch(host.rpartition(".")[2]):
        raise refused
    return host


def _path(parts: SplitResult) -> str:
    # What is encoded stays so; what is not gets encoded.
    kept = "/%:@!$&'()*+,;=~-._"
    path = quote(parts.path or "/", safe=kept)
    return f"{path}?{quote(parts.query, safe=kept + '?')}" if parts.query else path


def _check_listed(target: Target, policy: OutboundPolicy) -> None:
    entries = [urlsplit(f"//{entry}") for entry in policy.hosts]
    fitting = [entry.port for entry in entries if _fits(target.host, entry.hostname or "")]
    usual = target.port in _PORTS.values()
    if policy.mode == "allow_list" and not (target.port in fitting or (usual and None in fitting)):
        raise UrlRefused("This server does not fetch from that host and port.")
    if not usual and target.port not in fitting:
        raise UrlRefused("Only the ports 80 and 443 are fetched from.")


def _fits(host: str, pattern: str) -> bool:
    return host.endswith(pattern) if pattern.startswith(".") else host == pattern
