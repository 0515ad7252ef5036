"""Who did what with a collection, for its own audit."""

from flask import g, has_app_context

from api.principal import Principal
from workers.identities.trace_records import AuditAction, AuditEvent


def audit_event(
    action: AuditAction, caller: Principal, *, person_ids: tuple[str, ...] = (), **detail: str
) -> AuditEvent:
    """An event of the current request.

    Args:
        action: What is done.
        caller: Who does it.
        person_ids: Whom it concerns.
        detail: Short plain words. Never a name or an embedding.
    """
    return AuditEvent(
        action=action,
        by=caller.user_id,
        credential_id=caller.credential_id,
        cause=g.get("request_id", "") if has_app_context() else "",
        person_ids=person_ids,
        detail=detail,
    )
