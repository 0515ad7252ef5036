"""/api/v1/collections: known people, kept apart from each other."""

from typing import Any

from flask import Blueprint, Response, url_for

from api.answers.collections import CollectionAnswer, CollectionList
from api.answers.keeping import AuditList, DeletionAnswer
from api.auditing import audit
from api.endpoint import Endpoint, endpoint, principal
from api.idempotency import replayed
from api.identities.auditing import audit_event
from api.identities.bodies import CollectionBody, CollectionChanges
from api.identities.model_choice import require_model
from api.identities.naming_batches import naming_batches, results_left
from api.identities.own import known_collection, new_uid, own_collection
from api.identities.responses import CursorQuery, json_response, part_response
from api.identities.revisions import is_conditional, require_seen, tagged
from api.identities.settings_of import changed_settings, collection_id_of
from api.identities.views import collection_answer, deletion_response, event_answer
from api.json_body import read_json
from api.people_problems import OF_COLLECTION
from api.principal import Scope
from api.query import query_of
from api.services import Services, services
from workers.identities.errors import RevisionMismatch
from workers.identities.records import Collection, CollectionSettings, NewCollection

blueprint = Blueprint("collections", __name__)

#: How often a change is made anew because somebody else changed the same.
MOST_TRIES = 10


def _endpoint(scope: Scope, **given: Any) -> Endpoint:  # noqa: ANN401 - Endpoint's own
    return Endpoint(scope=scope, tag="identities", **given)


@blueprint.post("/api/v1/collections")
@replayed
@endpoint(
    _endpoint(
        Scope.IDENTITY_MANAGE,
        bucket="write",
        bodies={"application/json": CollectionBody},
        body_optional=True,
        answers={200: CollectionAnswer, 201: CollectionAnswer},
        problems=(
            *("collection_exists", "too_many_collections", "unknown_model"),
            "key_vault_unavailable",
        ),
        idempotent=True,
    )
)
def create() -> Response:
    """Make a collection. `200` when the same one was there."""
    body, parts, caller = read_json(CollectionBody), services(), principal()
    require_model(parts, body.model)
    settings = changed_settings(CollectionSettings(), body, None)
    new = NewCollection(
        uid=new_uid(),
        id=collection_id_of(body),
        owner=caller.user_id,
        model=body.model,
        settings=settings,
    )
    made = parts.identities.collections.create(
        new,
        most=parts.settings.collections_per_user,
        audit=audit_event("collection.created", caller),
    )
    response = _response(parts, made)
    response.status_code = 201 if made.uid == new.uid else 200
    response.headers["Location"] = url_for(".read", collection_id=made.id)
    return response


@blueprint.get("/api/v1/collections")
@endpoint(_endpoint(Scope.IDENTITY_READ, query=CursorQuery, answers={200: CollectionList}))
def read_all() -> Response:
    """List one's collections, by id. `default` is among them once it was used."""
    query, parts = query_of(CursorQuery), services()
    page = parts.identities.collections.list(
        principal().user_id, limit=query.limit, after=query.after
    )
    presets = parts.catalogue.thresholds
    items = [collection_answer(one, presets) for one in page.items]
    return part_response(items, page.after, query, address=url_for(".read_all"))


@blueprint.get("/api/v1/collections/<collection_id>")
@endpoint(_endpoint(Scope.IDENTITY_READ, answers={200: CollectionAnswer}, problems=OF_COLLECTION))
def read(collection_id: str) -> Response:
    """Read a collection: how it decides, what it holds, what was measured on it."""
    parts = services()
    return _response(parts, own_collection(parts, collection_id))


@blueprint.patch("/api/v1/collections/<collection_id>")
@endpoint(
    _endpoint(
        Scope.IDENTITY_MANAGE,
        bucket="write",
        headers=("IfMatch",),
        bodies={"application/json": CollectionChanges},
        answers={200: CollectionAnswer},
        problems=(*OF_COLLECTION, "revision_mismatch"),
    )
)
def change(collection_id: str) -> Response:
    """Change a collection's settings; what is not sent stays."""
    body, parts = read_json(CollectionChanges), services()
    for tries_left in reversed(range(MOST_TRIES)):
        present = own_collection(parts, collection_id)
        require_seen(present.revision)
        try:
            changed = parts.identities.collections.change(
                present.uid,
                changed_settings(present.settings, body, present.calibration),
                revision=present.revision,
                audit=audit_event("collection.changed", principal()),
            )
        except RevisionMismatch:
            # Somebody else was faster: what they changed stays, unless it is sent here.
            if is_conditional() or not tries_left:
                raise
            continue
        break
    return _response(parts, changed)


@blueprint.delete("/api/v1/collections/<collection_id>")
@endpoint(
    _endpoint(
        Scope.IDENTITY_MANAGE,
        bucket="write",
        answers={200: DeletionAnswer},
        problems=("collection_not_found", "key_vault_unavailable"),
    )
)
def delete(collection_id: str) -> Response:
    """Forget a collection with everything in it: nobody of it is found from now on."""
    parts, caller = services(), principal()
    present = known_collection(parts, collection_id, caller)
    # First: after the deletion nothing may fail that could be told of it.
    batches = naming_batches(parts, caller.user_id)
    certificate = parts.identities.collections.delete(
        present.uid, audit=audit_event("collection.deleted", caller)
    )
    # Its own audit is forgotten with it.
    audit("collection.deleted", deletion=certificate.id)
    ttl_seconds = parts.settings.result_ttl_seconds
    return deletion_response(
        certificate, results_left(certificate, batches, ttl_seconds=ttl_seconds)
    )


@blueprint.get("/api/v1/collections/<collection_id>/audit")
@endpoint(
    _endpoint(
        Scope.IDENTITY_MANAGE, query=CursorQuery, answers={200: AuditList}, problems=OF_COLLECTION
    )
)
def read_audit(collection_id: str) -> Response:
    """Read who did what with a collection, and who was looked for: the latest first."""
    query, parts = query_of(CursorQuery), services()
    collection = own_collection(parts, collection_id)
    page = parts.identities.forgetting.audited(
        collection.uid, limit=query.limit, before=query.after
    )
    address = url_for(".read_audit", collection_id=collection.id)
    return part_response(
        [event_answer(one) for one in page.items], page.after, query, address=address
    )


def _response(parts: Services, collection: Collection) -> Response:
    answer = collection_answer(collection, parts.catalogue.thresholds)
    return tagged(json_response(answer), collection.revision)
