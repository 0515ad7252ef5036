"""Collections as files: their export, and the import of embeddings one trusts."""

from flask import Blueprint, Response, request, stream_with_context
from pydantic import BaseModel, ConfigDict

from api.answers.keeping import ImportAnswer
from api.endpoint import Endpoint, endpoint, principal
from api.errors import ApiError
from api.identities.auditing import audit_event
from api.identities.exporting import collection_lines
from api.identities.importing import Import
from api.identities.own import own_collection
from api.identities.responses import json_response
from api.long_bodies import allow_long_body
from api.people_problems import OF_COLLECTION
from api.principal import Scope
from api.query import query_of
from api.services import services
from api.whole_body import WholeBody

blueprint = Blueprint("collection_files", __name__)

NDJSON = ("application/x-ndjson", "application/ndjson")


class ImportQuery(BaseModel):
    """How faces are taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Whether a face whose person is not there makes one of that id.
    create_persons: bool = True


@blueprint.get("/api/v1/collections/<collection_id>/export")
@endpoint(
    Endpoint(
        scope=Scope.IDENTITY_MANAGE,
        tag="identities",
        answers={200: "application/x-ndjson"},
        problems=(*OF_COLLECTION, "forgotten"),
    )
)
def export(collection_id: str) -> Response:
    """Read a whole collection, one JSON object a line: persons, and their faces with embeddings.

    Its last line has `kind` `end`: without it, it broke off. Kept photos are not in it.
    """
    parts = services()
    collection = own_collection(parts, collection_id)
    parts.identities.forgetting.audit(
        collection.uid, audit_event("collection.exported", principal())
    )
    lines = stream_with_context(collection_lines(parts, collection))
    response = Response(lines, mimetype=NDJSON[0])
    response.headers["Content-Disposition"] = f'attachment; filename="{collection.id}.ndjson"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.post("/api/v1/collections/<collection_id>/import")
@endpoint(
    Endpoint(
        scope=Scope.IDENTITY_MANAGE,
        bucket="batch",
        tag="identities",
        query=ImportQuery,
        bodies=dict.fromkeys(NDJSON),
        answers={200: ImportAnswer},
        problems=(*OF_COLLECTION, "contract_mismatch", "forgotten"),
    )
)
def load(collection_id: str) -> Response:
    """Take persons and embeddings from elsewhere, one JSON object a line, as an export has them.

    Lines that can't be taken are told with their numbers; the others are. Sent again, nothing is
    added twice.
    """
    query, parts = query_of(ImportQuery), services()
    if request.mimetype not in NDJSON:
        raise ApiError("unsupported_media_type", f"Send {NDJSON[0]}.")
    collection = own_collection(parts, collection_id)
    allow_long_body(request.environ)
    request.max_content_length = parts.settings.upload_max_bytes
    taking = Import(parts, collection, create_persons=query.create_persons)
    return json_response(taking.take(WholeBody(request)))
