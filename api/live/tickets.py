"""Tickets: what a page puts into the URL of a connection in place of its key or token.

One is good for half a minute and for one connection; only its digest is stored.
"""

import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from api.principal import Principal, Scope

#: From its making to its use.
TICKET_SECONDS = 30
_PREFIX = "ticket_"
_BYTES = 32


class Tickets(Protocol):
    """Shared by all gateway processes. Raises StoreUnavailable when the store does not answer."""

    def issue(self, caller: Principal) -> str:
        """A new ticket that stands for a caller."""
        ...

    def redeem(self, ticket: str) -> Principal | None:
        """The caller it stands for, once; None: it is unknown, used, or too old."""
        ...


class MemoryTickets:
    """Tickets in one process."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._issued: dict[str, tuple[float, Principal]] = {}
        self._lock = threading.Lock()

    def issue(self, caller: Principal) -> str:
        """See Tickets."""
        ticket = new_ticket()
        with self._lock:
            held = replace(caller, kind="ticket")
            self._issued[digest_of(ticket)] = (self._clock() + TICKET_SECONDS, held)
        return ticket

    def redeem(self, ticket: str) -> Principal | None:
        """See Tickets."""
        with self._lock:
            ends_at, caller = self._issued.pop(digest_of(ticket), (0.0, None))
        return caller if self._clock() < ends_at else None


def new_ticket() -> str:
    """A ticket nobody can guess."""
    return _PREFIX + secrets.token_urlsafe(_BYTES)


def digest_of(ticket: str) -> str:
    """Under which it is stored."""
    return hashlib.sha256(ticket.encode("utf-8", "replace")).hexdigest()


def principal_json(caller: Principal) -> str:
    """A caller as it is stored with a ticket."""
    return json.dumps(
        {
            "user_id": caller.user_id,
            "role": caller.role,
            "scopes": sorted(caller.scopes),
            "credential_id": caller.credential_id,
        }
    )


def principal_from(text: str) -> Principal:
    """A stored caller, by ticket."""
    stored = json.loads(text)
    return Principal(
        user_id=stored["user_id"],
        role=stored["role"],
        scopes=frozenset(map(Scope, stored["scopes"])),
        kind="ticket",
        credential_id=stored["credential_id"],
    )
