"""Who opens a connection: a header, a subprotocol or a ticket says so; never a token in the URL."""

import re

from flask import Request

from api.accounts.errors import CredentialInvalid, CredentialMissing

#: The subprotocol of all our connections.
SUBPROTOCOL = "facesocial.v1"
#: Before a key or token among the subprotocols: browsers can't set headers.
_BEARER_PREFIX = "bearer."
_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] ([A-Za-z0-9._~+/=-]{1,4096})")
_CREDENTIAL = re.compile(r"[A-Za-z0-9._~+/=-]{1,4096}")
TICKET_PARAMETER = "ticket"


def offered_protocols(request: Request) -> list[str]:
    """The subprotocols a client names, in its order."""
    told = ",".join(request.headers.getlist("Sec-WebSocket-Protocol"))
    return [name.strip() for name in told.split(",") if name.strip()]


def ticket_of(request: Request) -> str | None:
    """The ticket in the URL, if there is one."""
    return request.args.get(TICKET_PARAMETER)


def credential_of(request: Request) -> str:
    """The key or token of a connection without a ticket.

    Raises:
        CredentialMissing: there is none.
        CredentialInvalid: it is malformed, or there are several.
    """
    offered = offered_protocols(request)
    bearer, key = request.headers.get("Authorization"), request.headers.get("X-API-Key")
    found = [name.removeprefix(_BEARER_PREFIX) for name in offered if _is_bearer(name)]
    if bearer is not None:
        matched = _BEARER.fullmatch(bearer)
        if matched is None:
            raise CredentialInvalid("Authorization: expected `Bearer` and one token or key.")
        found.append(matched[1])
    if key is not None:
        found.append(key)
    if not found:
        raise CredentialMissing(
            "Send `Authorization: Bearer …`, `X-API-Key`, the subprotocols `facesocial.v1, "
            "bearer.…`, or `?ticket=` from POST /api/v1/live/tickets."
        )
    if len(found) > 1:
        raise CredentialInvalid("Send one credential, not several.")
    if _CREDENTIAL.fullmatch(found[0]) is None:
        raise CredentialInvalid("The credential has letters that none has.")
    return found[0]


def _is_bearer(name: str) -> bool:
    return name.startswith(_BEARER_PREFIX)
