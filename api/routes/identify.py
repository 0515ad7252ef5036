"""Who is that? Is that so-and-so? Asked of one collection."""

from flask import Blueprint, Response

from api.endpoint import endpoint, principal
from api.errors import ApiError
from api.identities.enrolling import of_person
from api.identities.forms import IDENTIFY, VERIFY
from api.identities.naming import namer
from api.identities.own import own_collection, own_person
from api.identities.searching import has_embeddings, search_of
from api.people_problems import OF_COLLECTION, OF_PERSON
from api.photo_jobs import asked_by, photo_endpoint, received, submitted, submitted_task
from api.principal import Scope
from api.services import services

blueprint = Blueprint("identify", __name__)


@blueprint.post("/api/v1/collections/<collection_id>/search")
@blueprint.post("/api/v1/collections/<collection_id>/identify")
@endpoint(
    photo_endpoint(
        IDENTIFY,
        "Identify",
        scope=Scope.IDENTITY_READ,
        tag="identities",
        more_problems=(*OF_COLLECTION, "unknown_analysis"),
    )
)
def identify(collection_id: str) -> Response:
    """Tell who the faces of a photo are, as far as the collection knows them.

    Each is a match, uncertain or unknown; nobody is named below the threshold. Embeddings may be
    sent in place of a photo.
    """
    parts = services()
    collection = own_collection(parts, collection_id)
    sent = received(IDENTIFY)
    if has_embeddings(sent.members):
        if sent.sources:
            detail = "A photo and embeddings were both sent."
            raise ApiError("validation_error", detail, field="image")
        asked, file = search_of(parts, collection, sent.members)
        return submitted_task(asked, (file,))
    if not sent.sources:
        raise ApiError("missing_field", "'image' is missing.", field="image")
    own_namer = namer(parts, principal(), collection=collection)
    return submitted(IDENTIFY, sent, asked_by(parts, IDENTIFY, sent, own_namer=own_namer))


@blueprint.post("/api/v1/collections/<collection_id>/persons/<person_id>/verify")
@endpoint(
    photo_endpoint(
        VERIFY, "VerifyPerson", scope=Scope.IDENTITY_READ, tag="identities", more_problems=OF_PERSON
    )
)
def verify(collection_id: str, person_id: str) -> Response:
    """Tell whether the face of a photo is that of a known person."""
    parts = services()
    collection = own_collection(parts, collection_id)
    person = own_person(parts, collection, person_id)
    form = of_person(VERIFY, collection, person.id)
    sent = received(VERIFY)
    return submitted(form, sent, asked_by(parts, form, sent))
