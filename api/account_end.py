"""Deleting an account with all that is nobody else's: webhooks, and collections of known people."""

from api.accounts.errors import UserNotFound
from api.accounts.users import UserStore
from api.webhooks.redis_webhooks import RedisWebhooks
from workers.identities.store import CollectionStore
from workers.identities.trace_records import AuditEvent

#: Collections listed in one go.
_PART = 100


def end_account(
    users: UserStore,
    collections: CollectionStore,
    webhooks: RedisWebhooks,
    user_id: str,
    *,
    audit: AuditEvent,
) -> tuple[str, ...]:
    """Delete an account and what it leaves behind; its jobs expire by themselves.

    Suspended first, it makes nothing new meanwhile. Who is killed in between leaves an account that
    can be deleted again.

    Args:
        users: The accounts.
        collections: Everybody's.
        webhooks: The same.
        user_id: Whose account it is.
        audit: Of each collection's deletion.

    Returns:
        Ids of the collections' certificates.

    Raises:
        UserNotFound: there is no such account.
        LastAdmin: nobody could manage accounts any more; nothing was changed.
    """
    if users.set_standing(user_id, status="suspended") == "missing":
        raise UserNotFound
    webhooks.forget(user_id)
    gone: list[str] = []
    while part := collections.list(user_id, limit=_PART).items:
        gone.extend(collections.delete(one.uid, audit=audit).id for one in part)
    users.delete(user_id)
    return tuple(gone)
