"""Enrolling many people at once: an archive with a list, or with a folder for each."""

from collections.abc import Iterator
from typing import Literal

from flask import Blueprint, Response, request, stream_with_context
from pydantic import BaseModel, ConfigDict

from api.answers.batches import TakenBatch
from api.answers.enrollments import EnrollmentReport
from api.batches.intake import COMPLETE
from api.batches.own import own_batch
from api.batches.pages import all_items
from api.batches.sources import TAR, TAR_GZIP, ZIP
from api.batches.submission import taken_response
from api.endpoint import Endpoint, endpoint
from api.enrollments.report import report_csv, report_json
from api.enrollments.report_row import ReportRow, report_row
from api.enrollments.submission import submit_enrollment
from api.enrollments.wishes import EnrollmentBody, EnrollmentForm, EnrollmentQuery
from api.identities.own import own_collection
from api.photo_jobs import NAMING_PROBLEMS
from api.principal import Scope
from api.query import query_of
from api.services import services
from workers.batches.records import Batch
from workers.errors import BatchNotFound
from workers.identities.records import Collection
from workers.jobs.options import EnrollOptions

blueprint = Blueprint("enrollments", __name__)

_ARCHIVES = {kind: None for kinds in (ZIP, TAR, TAR_GZIP) for kind in sorted(kinds)}


class ReportQuery(BaseModel):
    """In which form."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: The report, or a table with a line for each photo. Without it the `Accept` header decides.
    format: Literal["json", "csv"] | None = None


@blueprint.post("/api/v1/collections/<collection_id>/enrollments")
@endpoint(
    Endpoint(
        scope=Scope.IDENTITY_MANAGE,
        bucket="batch",
        tag="identities",
        query=EnrollmentQuery,
        bodies={
            "multipart/form-data": EnrollmentForm,
            "application/json": EnrollmentBody,
            **_ARCHIVES,
        },
        answers={202: TakenBatch},
        problems=(
            *NAMING_PROBLEMS,
            *("unsupported_media_type", "invalid_manifest", "manifest_missing"),
            *("batch_empty", "batch_too_large", "batch_closed", "analysis_disabled"),
            *("archive_damaged", "archive_truncated", "archive_too_large", "archive_bomb"),
            *("unknown_upload", "upload_unfinished", "upload_incomplete"),
            *("queue_full", "blob_store_unavailable", "url_refused", "missing_field"),
        ),
        idempotent=True,
    )
)
def enroll_many(collection_id: str) -> Response:
    """Enrol the people of an archive or form, as a batch.

    Whom a photo shows is said by `manifest.csv` in it, or by the folder it lies in. The batch is
    watched, cancelled and retried as every other; its report is at `links.report`. With an
    `Idempotency-Key` the request may be sent again after a broken connection: what had arrived is
    not taken twice.
    """
    parts = services()
    collection = own_collection(parts, collection_id)
    return taken_response(parts, submit_enrollment(parts, collection))


@blueprint.get("/api/v1/collections/<collection_id>/enrollments/<batch_id>")
@endpoint(
    Endpoint(
        scope=Scope.IDENTITY_MANAGE,
        tag="identities",
        query=ReportQuery,
        answers={200: (EnrollmentReport, "text/csv")},
        problems=(*NAMING_PROBLEMS, "batch_not_found", "batch_expired"),
    )
)
def read_enrollment(collection_id: str, batch_id: str) -> Response:
    """The report of an enrolment: counts by reason, whom it made, and every photo it refused.

    As JSON, or as a table (CSV) with a line for each photo. It is made of the photos' own ends, so
    it tells of each exactly once, whatever was restarted on the way.
    """
    parts, query = services(), query_of(ReportQuery)
    collection = own_collection(parts, collection_id)
    batch = own_batch(parts, batch_id)
    if not _is_of(batch, collection):
        raise BatchNotFound(f"There is no enrolment '{batch_id}' of the collection.")

    def rows() -> Iterator[ReportRow]:
        return map(report_row, all_items(parts, batch))

    if (query.format or _accepted()) == "csv":
        return _streamed(report_csv(rows()), "text/csv", f"{batch.id}.csv")
    head = {
        "batch_id": batch.id,
        "collection_id": collection.id,
        "state": batch.state,
        "complete": batch.state.is_final and batch.intake.startswith(COMPLETE),
    }
    people = parts.batches.people(batch.id)
    return _streamed(report_json(head, rows, people), "application/json")


def _is_of(batch: Batch, collection: Collection) -> bool:
    options = batch.options
    return isinstance(options, EnrollOptions) and options.collection == collection.uid


def _accepted() -> str:
    best = request.accept_mimetypes.best_match(
        ["application/json", "text/csv"], default="application/json"
    )
    return "csv" if best == "text/csv" else "json"


def _streamed(chunks: Iterator[str], media_type: str, name: str | None = None) -> Response:
    # Within the request: what it reads is this app's.
    told = stream_with_context(map(str.encode, chunks))
    response = Response(told, mimetype=media_type)
    if name is not None:
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response
