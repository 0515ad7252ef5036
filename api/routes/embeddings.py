"""/api/v1/face-recognition: embeddings one has, compared."""

from typing import Any

from flask import Blueprint, Response

from api.answers.embeddings import ComparedEmbeddings, MatchedGallery
from api.endpoint import Endpoint, endpoint
from api.identities.comparing import CompareFacesBody, MatchFaceBody, compared, matched
from api.identities.responses import json_response
from api.json_body import read_long_json
from api.offload import offload
from api.principal import Scope
from api.services import services

blueprint = Blueprint("embeddings", __name__)

#: Two hundred embeddings of 512 numbers with twenty characters each, and some more.
_MOST_BYTES = 4 * 1024 * 1024


def _endpoint(**given: Any) -> Endpoint:  # noqa: ANN401 - Endpoint's own
    return Endpoint(scope=Scope.ANALYZE, bucket="write", tag="analyses", **given)


@blueprint.post("/api/v1/face-recognition/compare-faces")
@endpoint(
    _endpoint(
        bodies={"application/json": CompareFacesBody},
        answers={200: ComparedEmbeddings},
        problems=("unknown_model",),
    )
)
def compare_faces() -> Response:
    """Tell whether two embeddings are one person's. Nothing is stored."""
    body = read_long_json(CompareFacesBody, max_bytes=_MOST_BYTES)
    return json_response(offload(compared, body, services().catalogue))


@blueprint.post("/api/v1/face-recognition/match-face")
@endpoint(
    _endpoint(
        bodies={"application/json": MatchFaceBody},
        answers={200: MatchedGallery},
        problems=("unknown_model",),
    )
)
def match_face() -> Response:
    """Tell which embeddings of a gallery resemble one most. Nothing is stored.

    A gallery that stays belongs into a collection.
    """
    body = read_long_json(MatchFaceBody, max_bytes=_MOST_BYTES)
    return json_response(offload(matched, body, services().catalogue))
