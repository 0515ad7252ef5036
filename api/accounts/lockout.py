"""Guessing passwords gets slower: failed logins of an account and of an address are counted.

Each is counted before the password is looked at, so that many guesses at once don't pass together.
Accounts nobody has are counted like others: an answer does not tell whether one exists.
"""

import hashlib
import ipaddress
from dataclasses import dataclass
from typing import Protocol

from api.accounts.users import email_digest


@dataclass(frozen=True, kw_only=True, slots=True)
class LockoutRule:
    """How much guessing is let through."""

    #: Failures in a row of an account before the next attempt has to wait.
    account_failures: int
    #: The same of an address, behind which there may be many people.
    address_failures: int
    #: The first wait; each further failure doubles it.
    base_seconds: float
    #: The longest wait: so much can a stranger keep an account's owner from logging in.
    longest_seconds: float
    #: In which as many failures are forgotten as are free, one by one.
    memory_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class MayTry:
    """The attempt counts as failed until `succeeded` says otherwise."""

    #: Failures of the account, this one included, before it has to wait; 0: the next one has to.
    attempts_remaining: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MustWait:
    """The attempt was not made and does not count."""

    seconds: float


class Lockout(Protocol):
    """Where failures are counted. Each call is one step; all raise StoreUnavailable."""

    def begin(self, email: str, address: str) -> MayTry | MustWait:
        """Ask before a password or code is checked."""
        ...

    def succeeded(self, email: str, address: str) -> None:
        """The attempt was no failure; those of the account before it are forgotten."""
        ...

    def withdraw(self, email: str, address: str) -> None:
        """The attempt was no failure, and proves nothing about those before it."""
        ...


def account_mark(email: str) -> str:
    """What stands for an account in the store."""
    return f"account:{email_digest(email)}"


def address_mark(address: str) -> str:
    """What stands for an address in the store: of IPv6 its network, which is one customer's."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        pass  # a Unix socket has none; it is one sender too
    else:
        if parsed.version == 6:  # noqa: PLR2004 - of the protocol
            mapped = parsed.ipv4_mapped
            address = str(mapped or ipaddress.ip_network((parsed, 64), strict=False))
    return f"address:{hashlib.sha256(address.encode()).hexdigest()}"
