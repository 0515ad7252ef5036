"""A person's own data, as a file."""

from flask import Blueprint, Response, stream_with_context

from api.endpoint import Endpoint, endpoint, principal
from api.identities.auditing import audit_event
from api.identities.exporting import begun, person_archive
from api.identities.own import own_collection, own_person
from api.people_problems import OF_PERSON
from api.principal import Scope
from api.services import services

blueprint = Blueprint("person_files", __name__)


@blueprint.get("/api/v1/collections/<collection_id>/persons/<person_id>/export")
@endpoint(
    Endpoint(
        scope=Scope.IDENTITY_MANAGE,
        tag="identities",
        answers={200: "application/zip"},
        problems=(*OF_PERSON, "blob_store_unavailable"),
    )
)
def export(collection_id: str, person_id: str) -> Response:
    """Read everything stored of a person, as a ZIP.

    `person.json` has the data and the embeddings, `photos/` the kept photos, `audit.ndjson` who
    enrolled, changed, looked for and found them.
    """
    parts = services()
    collection = own_collection(parts, collection_id)
    person = own_person(parts, collection, person_id)
    parts.identities.forgetting.audit(
        collection.uid, audit_event("person.exported", principal(), person_ids=(person.id,))
    )
    archive = begun(person_archive(parts, collection, person))
    response = Response(stream_with_context(archive), mimetype="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="{person.id}.zip"'
    response.headers["Cache-Control"] = "private, no-store"
    return response
