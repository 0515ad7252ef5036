"""Faces of known people: enrolled, listed, forgotten."""

from typing import Any

from flask import Blueprint, Response

from api.answers.persons import FaceAnswer, FaceList
from api.endpoint import Endpoint, endpoint, principal
from api.identities.auditing import audit_event
from api.identities.enrolling import ensure_person, of_person, taken_person
from api.identities.forms import ENROLL
from api.identities.own import own_collection, own_face, own_person
from api.identities.responses import json_response
from api.identities.views import face_answer
from api.people_problems import OF_COLLECTION, OF_PERSON
from api.photo_jobs import asked_by, photo_endpoint, received, submitted
from api.principal import Scope
from api.services import services
from workers.identities.errors import PersonNotFound
from workers.identities.records import CLIENT_ID

blueprint = Blueprint("faces", __name__)

_FACE = (*OF_COLLECTION, "enrolled_face_not_found", "forgotten")


def _endpoint(scope: Scope, **given: Any) -> Endpoint:  # noqa: ANN401 - Endpoint's own
    return Endpoint(scope=scope, tag="identities", **given)


@blueprint.post("/api/v1/collections/<collection_id>/persons/<person_id>/faces")
@endpoint(
    photo_endpoint(
        ENROLL,
        "Enroll",
        scope=Scope.IDENTITY_MANAGE,
        tag="identities",
        more_problems=(
            *OF_PERSON,
            *("person_exists", "external_id_taken", "too_many_persons"),
        ),
    )
)
def enroll(collection_id: str, person_id: str) -> Response:
    """Enrol photos of a person, who is found by them from then on.

    The person is made where there is none, if anything is said of them or `create_person` is true.
    Photos that can't be enrolled are told with their reasons; the others are.
    """
    parts = services()
    collection = own_collection(parts, collection_id)
    if not CLIENT_ID.fullmatch(person_id):
        raise PersonNotFound
    body, sent = taken_person(received(ENROLL))
    form = of_person(ENROLL, collection, person_id, sent)
    asked = asked_by(parts, form, sent)
    return submitted(
        form,
        sent,
        asked,
        ready=lambda: ensure_person(parts, collection, person_id, body),
    )


@blueprint.get("/api/v1/collections/<collection_id>/persons/<person_id>/faces")
@endpoint(_endpoint(Scope.IDENTITY_READ, answers={200: FaceList}, problems=OF_PERSON))
def read_all(collection_id: str, person_id: str) -> Response:
    """List a person's faces, the oldest first."""
    parts = services()
    collection = own_collection(parts, collection_id)
    person = own_person(parts, collection, person_id)
    found = parts.identities.persons.faces(collection.uid, person.id)
    return json_response(FaceList(items=tuple(map(face_answer, found)), next_cursor=None))


@blueprint.get("/api/v1/collections/<collection_id>/faces/<face_id>")
@endpoint(_endpoint(Scope.IDENTITY_READ, answers={200: FaceAnswer}, problems=_FACE))
def read(collection_id: str, face_id: str) -> Response:
    """Read where an enrolled face comes from, and whose it is."""
    parts = services()
    return json_response(
        face_answer(own_face(parts, own_collection(parts, collection_id), face_id))
    )


@blueprint.delete("/api/v1/collections/<collection_id>/faces/<face_id>")
@endpoint(_endpoint(Scope.IDENTITY_MANAGE, bucket="write", answers={204: None}, problems=_FACE))
def delete(collection_id: str, face_id: str) -> Response:
    """Forget a face: the person is not found by it from now on."""
    parts = services()
    collection = own_collection(parts, collection_id)
    face = own_face(parts, collection, face_id)
    parts.identities.persons.delete_face(
        collection.uid,
        face.id,
        audit=audit_event("face.deleted", principal(), person_ids=(face.person_id,), face=face.id),
    )
    return Response(status=204)
