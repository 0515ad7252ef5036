"""An account that is deleted takes its collections along: nobody else could ask for that."""

from api.accounts.errors import UserNotFound
from api.accounts.users import UserStore
from workers.identities.store import CollectionStore
from workers.identities.trace_records import AuditEvent

#: Collections listed in one go.
_PART = 100


def delete_account(
    users: UserStore, collections: CollectionStore, user_id: str, *, audit: AuditEvent
) -> tuple[str, ...]:
    """Delete an account with its logins and keys, and forget its collections.

    It is suspended first, so that nothing comes after the last is forgotten. Who is killed in
    between leaves an account that can be deleted again.

    Args:
        users: The accounts.
        collections: Everybody's.
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
    gone: list[str] = []
    while part := collections.list(user_id, limit=_PART).items:
        gone.extend(collections.delete(one.uid, audit=audit).id for one in part)
    users.delete(user_id)
    return tuple(gone)
