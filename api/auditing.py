"""Writing down who did what in a request, without keeping more of the person than is needed."""

from ipaddress import ip_address

from flask import g

from api.accounts.records import AuditEntry
from api.client_address import client_address
from api.endpoint import principal
from api.services import services

#: What is kept of an address, bits: enough to tell networks apart, too little to tell a person.
_IPV4_BITS, _IPV6_BITS = 24, 48


def audit(action: str, *, user_id: str | None = None, **detail: str) -> None:
    """Append what happened in this request to the audit log.

    Args:
        action: What: "login.failed" …
        user_id: Whom it concerns; the caller when not given.
        detail: Short plain words. Never a secret, e-mail or image.

    Raises:
        StoreUnavailable: it could not be written down.
    """
    services().credentials.audit.note(audit_entry(action, user_id=user_id, **detail))


def audit_entry(action: str, *, user_id: str | None = None, **detail: str) -> AuditEntry:
    """The same entry, for a store that writes it down in the step that does what it says."""
    caller = principal()
    return AuditEntry(
        action=action,
        user_id=caller.user_id if user_id is None else user_id,
        credential_id=caller.credential_id,
        address=truncated(client_address()),
        request_id=g.get("request_id", ""),
        detail=detail,
    )


def truncated(address: str) -> str:
    """The network of an address: its first 24 bits, or 48 of IPv6; "" for a local socket."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    bits = _IPV4_BITS if parsed.version == 4 else _IPV6_BITS  # noqa: PLR2004 - of IP
    kept = int(parsed) >> (parsed.max_prefixlen - bits) << (parsed.max_prefixlen - bits)
    return f"{type(parsed)(kept)}/{bits}"
