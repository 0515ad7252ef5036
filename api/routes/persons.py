"""/api/v1/collections/{id}/persons: the people of a collection."""

from typing import Annotated, Any

from flask import Blueprint, Response, request, url_for
from pydantic import Field

from api.answers.keeping import DeletionAnswer
from api.answers.persons import PersonAnswer, PersonList
from api.endpoint import Endpoint, endpoint, principal
from api.errors import ApiError
from api.idempotency import replayed
from api.identities.auditing import audit_event
from api.identities.bodies import MergeBody, PersonBody, PersonChanges
from api.identities.naming_batches import naming_batches, results_left
from api.identities.own import own_collection, own_person
from api.identities.responses import CursorQuery, json_response, part_response
from api.identities.revisions import is_conditional, require_seen, tagged
from api.identities.settings_of import changed_person, new_person
from api.identities.views import deletion_response, person_answer
from api.json_body import read_json
from api.people_problems import OF_COLLECTION, OF_PERSON
from api.principal import Scope
from api.query import query_of
from api.services import services
from workers.identities.errors import PersonNotFound, RevisionMismatch
from workers.identities.records import CLIENT_ID, Collection, Person

blueprint = Blueprint("persons", __name__)

#: How often a change is made anew because somebody else changed the same.
MOST_TRIES = 10


class PersonsQuery(CursorQuery):
    """Which persons, and how many."""

    #: Only the one with that external id.
    external_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None


def _as_they_are(location: str) -> Response:
    """Whom a repeated request made or gave faces to. An answer that is kept would outlive them."""
    given = request.view_args or {}
    return read(given["collection_id"], given.get("person_id") or location.rpartition("/")[2])


def _endpoint(scope: Scope, **given: Any) -> Endpoint:  # noqa: ANN401 - Endpoint's own
    return Endpoint(scope=scope, tag="identities", **given)


@blueprint.post("/api/v1/collections/<collection_id>/persons")
@replayed(has_secret=True, again=_as_they_are)
@endpoint(
    _endpoint(
        Scope.IDENTITY_MANAGE,
        bucket="write",
        bodies={"application/json": PersonBody},
        body_optional=True,
        answers={200: PersonAnswer, 201: PersonAnswer},
        problems=(
            *OF_COLLECTION,
            *("person_exists", "external_id_taken", "too_many_persons", "forgotten"),
            # Of a repetition, when they have been deleted meanwhile.
            "person_not_found",
        ),
        idempotent=True,
    )
)
def create(collection_id: str) -> Response:
    """Make a person without a face. `200` when the same one was there."""
    body, parts = read_json(PersonBody), services()
    collection = own_collection(parts, collection_id)
    new = new_person(body.id, body)
    person, is_new = parts.identities.persons.put(
        collection.uid,
        new,
        audit=audit_event("person.created", principal(), person_ids=(new.id,)),
    )
    response = _response(collection, person)
    response.status_code = 201 if is_new else 200
    response.headers["Location"] = url_for(
        ".read", collection_id=collection.id, person_id=person.id
    )
    return response


@blueprint.get("/api/v1/collections/<collection_id>/persons")
@endpoint(
    _endpoint(
        Scope.IDENTITY_READ,
        query=PersonsQuery,
        answers={200: PersonList},
        problems=(*OF_COLLECTION, "forgotten"),
    )
)
def read_all(collection_id: str) -> Response:
    """List the persons of a collection, in the order they were made."""
    query, parts = query_of(PersonsQuery), services()
    collection = own_collection(parts, collection_id)
    address = url_for(".read_all", collection_id=collection.id)
    persons = parts.identities.persons
    if query.external_id is not None:
        try:
            found = [persons.by_external_id(collection.uid, query.external_id)]
        except PersonNotFound:
            found = []
        items = [person_answer(collection.id, one) for one in found]
        return part_response(items, None, query, address=address)
    page = persons.list(collection.uid, limit=query.limit, after=query.after)
    items = [person_answer(collection.id, one) for one in page.items]
    return part_response(items, page.after, query, address=address)


@blueprint.get("/api/v1/collections/<collection_id>/persons/<person_id>")
@endpoint(_endpoint(Scope.IDENTITY_READ, answers={200: PersonAnswer}, problems=OF_PERSON))
def read(collection_id: str, person_id: str) -> Response:
    """Read what is known of a person, but for the faces."""
    parts = services()
    collection = own_collection(parts, collection_id)
    return _response(collection, own_person(parts, collection, person_id))


@blueprint.patch("/api/v1/collections/<collection_id>/persons/<person_id>")
@endpoint(
    _endpoint(
        Scope.IDENTITY_MANAGE,
        bucket="write",
        headers=("IfMatch",),
        bodies={"application/json": PersonChanges},
        answers={200: PersonAnswer},
        problems=(*OF_PERSON, "external_id_taken", "revision_mismatch"),
    )
)
def change(collection_id: str, person_id: str) -> Response:
    """Change what is known of a person; what is not sent stays, null takes away."""
    body, parts = read_json(PersonChanges), services()
    collection = own_collection(parts, collection_id)
    for tries_left in reversed(range(MOST_TRIES)):
        present = own_person(parts, collection, person_id)
        require_seen(present.revision)
        try:
            changed = parts.identities.persons.change(
                collection.uid,
                changed_person(present, body),
                revision=present.revision,
                audit=audit_event("person.changed", principal(), person_ids=(person_id,)),
            )
        except RevisionMismatch:
            # Somebody else was faster: what they changed stays, unless it is sent here.
            if is_conditional() or not tries_left:
                raise
            continue
        break
    return _response(collection, changed)


@blueprint.delete("/api/v1/collections/<collection_id>/persons/<person_id>")
@endpoint(
    _endpoint(
        Scope.IDENTITY_MANAGE, bucket="write", answers={200: DeletionAnswer}, problems=OF_PERSON
    )
)
def delete(collection_id: str, person_id: str) -> Response:
    """Forget a person: not found from now on, by anybody. Repeated, the same deletion is told."""
    parts = services()
    collection = own_collection(parts, collection_id)
    if not CLIENT_ID.fullmatch(person_id):
        raise PersonNotFound
    # First: after the deletion nothing may fail that could be told of it.
    batches = naming_batches(parts, principal().user_id)
    certificate = parts.identities.persons.delete(
        collection.uid,
        person_id,
        audit=audit_event("person.deleted", principal(), person_ids=(person_id,)),
    )
    ttl_seconds = parts.settings.result_ttl_seconds
    return deletion_response(
        certificate, results_left(certificate, batches, ttl_seconds=ttl_seconds)
    )


@blueprint.post("/api/v1/collections/<collection_id>/persons/<person_id>/merge")
@replayed(has_secret=True, again=_as_they_are)
@endpoint(
    _endpoint(
        Scope.IDENTITY_MANAGE,
        bucket="write",
        bodies={"application/json": MergeBody},
        answers={200: PersonAnswer},
        problems=(*OF_PERSON, "consent_missing"),
        idempotent=True,
    )
)
def merge(collection_id: str, person_id: str) -> Response:
    """Give the faces of another person to this one, and forget the other.

    Name, external id, metadata and consent of this one stay as they are.
    """
    body, parts = read_json(MergeBody), services()
    collection = own_collection(parts, collection_id)
    if body.person_id == person_id:
        detail = "person_id: that is the same person."
        raise ApiError("validation_error", detail, field="person_id")
    own_person(parts, collection, person_id)
    merged = parts.identities.persons.merge(
        collection.uid,
        into=person_id,
        person_id=body.person_id,
        audit=audit_event("person.merged", principal(), person_ids=(person_id, body.person_id)),
    )
    return _response(collection, merged)


def _response(collection: Collection, person: Person) -> Response:
    return tagged(json_response(person_answer(collection.id, person)), person.revision)
