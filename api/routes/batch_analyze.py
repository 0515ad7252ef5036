"""POST /api/v1/face/batch-analyze: up to twenty photos, answered together."""

from typing import Annotated, Any, Literal

from flask import Blueprint, Response
from pydantic import BaseModel, ConfigDict, Field

from api.answers.batches import AnalysedBatch, TakenBatch
from api.batches.small import MOST_IMAGES, analysed_body
from api.batches.submission import mark_earlier, submit_small, taken_response
from api.batches.view import batch_body, batch_response
from api.batches.waiting import read_or_wait
from api.batches.wishes import BatchExtras, PhotoOptions
from api.endpoint import Endpoint, endpoint
from api.photo_jobs import NAMING_PROBLEMS
from api.principal import Scope
from api.query import query_of
from api.services import services
from api.waiting import WaitQuery, asked_wait, tell_applied

blueprint = Blueprint("batch_analyze", __name__)


class SmallImage(BaseModel):
    """A photo of a small batch."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: The item's id; its place in the list, from 1, when not given.
    id: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    #: The file.
    data: Annotated[str, Field(json_schema_extra={"contentEncoding": "base64"})] | None = None
    #: In place of `data`, where this server allows URLs.
    url: Annotated[str, Field(max_length=2048)] | None = None


class SmallBody(PhotoOptions, BatchExtras):
    """Photos and what is asked of each."""

    images: Annotated[list[SmallImage], Field(min_length=1, max_length=MOST_IMAGES)]
    #: The options as one JSON object; members beside it win.
    options: dict[str, Any] | None = None
    #: Only `true`: workers take photos together where they can.
    parallel_processing: Literal[True] = True
    #: Taken and not looked at: how many photos are analysed at a time is up to the workers.
    max_concurrent: Annotated[int, Field(ge=1, le=MOST_IMAGES)] = 3
    #: Keep photos beyond their analysis, as long as failed items may be retried.
    keep_photos: bool = False


class SmallForm(PhotoOptions, BatchExtras):
    """The same as a form: options first, then files."""

    #: The photos. Their names are the items' ids.
    files: Annotated[
        list[Annotated[str, Field(json_schema_extra={"format": "binary"})]],
        Field(min_length=1, max_length=MOST_IMAGES),
    ]
    #: Keep photos beyond their analysis, as long as failed items may be retried.
    keep_photos: bool = False


@blueprint.post("/api/v1/face/batch-analyze")
@endpoint(
    Endpoint(
        scope=Scope.BATCH,
        bucket="analysis",
        tag="analyses",
        query=WaitQuery,
        bodies={"application/json": SmallBody, "multipart/form-data": SmallForm},
        answers={200: AnalysedBatch, 202: TakenBatch},
        problems=(
            *NAMING_PROBLEMS,
            *("missing_field", "unsupported_media_type", "batch_too_large", "batch_empty"),
            *("unknown_analysis", "unknown_model", "analysis_disabled", "option_unsupported"),
            *("file_too_large", "queue_full", "blob_store_unavailable", "upload_incomplete"),
            *("batch_not_found", "batch_expired", "url_refused", "gateway_busy"),
        ),
        idempotent=True,
    )
)
def analyze_batch() -> Response:
    """Analyse up to twenty photos of one request.

    Answered 202 with a batch; with `?wait=` or `Prefer: wait=` 200 with the ended batch, all its
    items and their sums, if it ends in that time.
    """
    parts, query = services(), query_of(WaitQuery)
    submission = submit_small(parts)
    batch = read_or_wait(parts, submission.batch, asked_wait(query))
    if batch.state.is_final:
        body = analysed_body(parts, batch, batch_body(batch))
        response = mark_earlier(batch_response(batch, dict(body)), submission)
    else:
        response = taken_response(parts, submission)
    return tell_applied(response, query)
