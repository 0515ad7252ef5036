"""GET /api/v1/batch/results/{id}: a part of a batch's items, or all of them as a file."""

from collections.abc import Iterable
from typing import Annotated, Literal

from flask import Blueprint, Response, request, stream_with_context, url_for
from pydantic import BaseModel, ConfigDict, Field

from api.answers.batches import BatchItems
from api.batches.own import own_batch
from api.batches.pages import all_items, told_page
from api.batches.results_archive import MOST_ITEMS, ResultsArchive
from api.batches.table import csv_lines
from api.batches.view import item_text
from api.endpoint import Endpoint, endpoint
from api.errors import ApiError
from api.lists import list_response
from api.principal import Scope
from api.query import query_of
from api.services import Services, services
from workers.batches.records import Batch, ItemState

blueprint = Blueprint("batch_results", __name__)

Format = Literal["json", "ndjson", "csv", "zip"]
_TYPES: dict[str, Format] = {
    "application/json": "json",
    "application/x-ndjson": "ndjson",
    "text/csv": "csv",
    "application/zip": "zip",
}


class ResultsQuery(BaseModel):
    """Which items, and in which form."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: A part as JSON, or all items as one file. Without it the `Accept` header decides.
    format: Format | None = None
    #: Most items of a part.
    limit: Annotated[int, Field(ge=1, le=100)] = 50
    #: Of parts: the `next_cursor` of the answer before.
    after: Annotated[str, Field(pattern=r"^[0-9]{1,9}$")] | None = None
    #: Only items in this state.
    state: ItemState | None = None
    #: Of a ZIP: pictures with the faces drawn into them, of batches with `keep_photos`.
    pictures: bool = False


@blueprint.get("/api/v1/batch/result/<batch_id>")
@blueprint.get("/api/v1/batch/results/<batch_id>")
@endpoint(
    Endpoint(
        scope=Scope.BATCH,
        tag="batches",
        query=ResultsQuery,
        answers={200: (BatchItems, "application/x-ndjson, text/csv, application/zip")},
        problems=("batch_not_found", "batch_expired", "export_too_large"),
    )
)
def read_results(batch_id: str) -> Response:
    """A batch's items with their results, by number; those that have not ended, too.

    A part as JSON, or everything as NDJSON (an item a line), CSV (a face a line) or ZIP (a file for
    each item, pictures if wanted, and an index), sent while it is read.
    """
    parts, query = services(), query_of(ResultsQuery)
    batch = own_batch(parts, batch_id)
    wanted = query.format or _accepted()
    if wanted == "json":
        return _part(parts, batch, query)
    if wanted == "zip":
        return _archive(parts, batch, query)
    items = all_items(parts, batch, query.state)
    if wanted == "csv":
        return _file(map(str.encode, csv_lines(items)), "text/csv", f"{batch.id}.csv")
    lines = (f"{item_text(item)}\n".encode() for item in items)
    return _file(lines, "application/x-ndjson", f"{batch.id}.ndjson")


def _accepted() -> Format:
    best = request.accept_mimetypes.best_match(list(_TYPES), default="application/json")
    return _TYPES[best]


def _part(parts: Services, batch: Batch, query: ResultsQuery) -> Response:
    page = told_page(
        parts, batch, after=int(query.after or 0), limit=query.limit, state=query.state
    )
    cursor = None if page.after is None else str(page.after)
    items = ", ".join(item_text(item) for item in page.items)
    return list_response(
        f"[{items}]",
        cursor,
        address=url_for("batch_results.read_results", batch_id=batch.id),
        given=query.model_dump(mode="json", exclude_defaults=True),
    )


def _archive(parts: Services, batch: Batch, query: ResultsQuery) -> Response:
    if batch.counts.total > MOST_ITEMS:
        raise ApiError(
            "export_too_large",
            f"A ZIP holds at most {MOST_ITEMS} items. Ask for NDJSON or CSV.",
            field="format",
        )
    archive = ResultsArchive(parts, batch, with_pictures=query.pictures)
    chunks = archive.chunks(all_items(parts, batch, query.state))
    return _file(chunks, "application/zip", f"{batch.id}.zip")


def _file(chunks: Iterable[bytes], media_type: str, name: str) -> Response:
    # Within the request: what it reads is this app's.
    response = Response(stream_with_context(iter(chunks)), mimetype=media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response
