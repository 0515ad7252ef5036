"""/api/v1/deletions: what was forgotten, and how far every copy of it is gone."""

import re

from flask import Blueprint, Response, url_for

from api.answers.keeping import DeletionAnswer, DeletionList
from api.endpoint import Endpoint, endpoint, principal
from api.identities.naming_batches import naming_batches, results_left
from api.identities.responses import CursorQuery, json_response, part_response
from api.identities.views import deletion_answer
from api.principal import Scope
from api.query import query_of
from api.services import services
from workers.identities.errors import CertificateNotFound

blueprint = Blueprint("deletions", __name__)

_ID = re.compile(r"deletion_[0-9a-f]{32}")


@blueprint.get("/api/v1/deletions")
@endpoint(
    Endpoint(
        scope=Scope.IDENTITY_READ, tag="identities", query=CursorQuery, answers={200: DeletionList}
    )
)
def read_all() -> Response:
    """List what one has had forgotten, the latest first."""
    query, parts, owner = query_of(CursorQuery), services(), principal().user_id
    page = parts.identities.forgetting.certificates(owner, limit=query.limit, after=query.after)
    batches, ttl_seconds = naming_batches(parts, owner), parts.settings.result_ttl_seconds
    items = [
        deletion_answer(one, results_left(one, batches, ttl_seconds=ttl_seconds))
        for one in page.items
    ]
    return part_response(items, page.after, query, address=url_for(".read_all"))


@blueprint.get("/api/v1/deletions/<deletion_id>")
@endpoint(
    Endpoint(
        scope=Scope.IDENTITY_READ,
        tag="identities",
        answers={200: DeletionAnswer},
        problems=("deletion_not_found",),
    )
)
def read(deletion_id: str) -> Response:
    """Read a certificate of deletion: it names nobody."""
    if not _ID.fullmatch(deletion_id):
        raise CertificateNotFound("There is no such deletion.")
    parts, owner = services(), principal().user_id
    certificate = parts.identities.forgetting.certificate(owner, deletion_id)
    left = results_left(
        certificate,
        naming_batches(parts, owner),
        ttl_seconds=parts.settings.result_ttl_seconds,
    )
    return json_response(deletion_answer(certificate, left))
