"""/api/v1/admin/users: everybody's accounts, for administrators."""

from typing import Any

from flask import Blueprint, Response

from api.account_end import end_account
from api.account_views import managed_user_of
from api.accounts.bodies import StandingChange
from api.accounts.errors import UserNotFound
from api.answers.accounts import ManagedUser, ManagedUsers
from api.auditing import audit
from api.endpoint import Endpoint, endpoint, principal
from api.identities.auditing import audit_event
from api.json_body import read_json
from api.lists import PartQuery, part_response
from api.principal import Scope
from api.query import query_of
from api.services import services

blueprint = Blueprint("admin_users", __name__)


@blueprint.get("/api/v1/admin/users")
@endpoint(
    Endpoint(scope=Scope.USERS, tag="administration", query=PartQuery, answers={200: ManagedUsers})
)
def list_users() -> Response:
    """All accounts, in the order they were made."""
    query = query_of(PartQuery)
    found = services().people.users.page(limit=query.limit + 1, after=query.after or "")
    shown = found[: query.limit]
    cursor = shown[-1].id if len(found) > query.limit else None
    items = [managed_user_of(user) for user in shown]
    return part_response(items, query, cursor, endpoint="admin_users.list_users")


@blueprint.get("/api/v1/admin/users/<user_id>")
@endpoint(
    Endpoint(
        scope=Scope.USERS,
        tag="administration",
        answers={200: ManagedUser},
        problems=("user_not_found",),
    )
)
def read_user(user_id: str) -> dict[str, Any]:
    """One account."""
    return managed_user_of(services().people.existing(user_id)).model_dump(mode="json")


@blueprint.patch("/api/v1/admin/users/<user_id>")
@endpoint(
    Endpoint(
        scope=Scope.USERS,
        bucket="write",
        tag="administration",
        bodies={"application/json": StandingChange},
        answers={200: ManagedUser},
        problems=("user_not_found", "last_admin"),
    )
)
def change_user(user_id: str) -> dict[str, Any]:
    """Change role or status. It counts from the next request on; who is suspended is logged out.

    API keys stay: those of a suspended account are refused for as long as it is.
    """
    body, people = read_json(StandingChange), services().people
    user = people.existing(user_id)
    if body.role or body.status:
        if people.users.set_standing(user_id, role=body.role, status=body.status) == "missing":
            raise UserNotFound
        user = people.existing(user_id)
        audit("user.changed", target=user_id, role=user.role, status=user.status)
    return managed_user_of(user).model_dump(mode="json")


@blueprint.delete("/api/v1/admin/users/<user_id>")
@endpoint(
    Endpoint(
        scope=Scope.USERS,
        bucket="write",
        tag="administration",
        answers={204: None},
        problems=("user_not_found", "last_admin"),
    )
)
def delete_user(user_id: str) -> tuple[str, int]:
    """Delete an account with its logins, API keys, webhooks and collections of known people.

    Its jobs and results expire as usual.
    """
    parts = services()
    event = audit_event("collection.deleted", principal())
    certificates = end_account(
        parts.people.users,
        parts.identities.collections,
        parts.webhooks.store,
        user_id,
        audit=event,
    )
    for certificate in certificates:
        # A collection's own audit is forgotten with it.
        audit("collection.deleted", deletion=certificate)
    audit("user.deleted", target=user_id)
    return "", 204
