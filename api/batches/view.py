"""A batch and its items as clients see them."""

import math
from typing import Any

from flask import Response, json, url_for

from api.batches.intake import COMPLETE, RECEIVING, Taken
from api.options_view import options_view
from api.timestamps import timestamp
from workers.batches.records import Batch, Item
from workers.contract import JobError
from workers.jobs.options import EnrollOptions
from workers.jobs.records import Durability

#: Longest time a client is told to stay away, seconds.
LONGEST_AWAY_SECONDS = 30
#: Longest list of ids in an answer.
MOST_CONFLICTS = 100


def batch_body(batch: Batch) -> dict[str, Any]:
    """The batch as a JSON object, without its items."""
    counts = batch.counts
    return {
        "id": batch.id,
        "state": batch.state,
        "counts": {
            "total": counts.total,
            "pending": counts.pending,
            "running": counts.running,
            "succeeded": counts.succeeded,
            "failed": counts.failed,
            "cancelled": counts.cancelled,
        },
        "intake": _intake(batch.intake),
        "cancel_asked": batch.cancel_asked,
        "tags": batch.tags,
        "options": options_view(batch.options),
        "keep_photos": batch.keep_photos,
        "created_at": timestamp(batch.created_ms),
        "closed_at": timestamp(batch.closed_ms),
        "finished_at": timestamp(batch.finished_ms),
        "retry_until": timestamp(batch.retry_until_ms),
        "expires_at": timestamp(batch.expires_ms),
        "eta_ms": batch.eta_ms,
        "links": _links(batch),
    }


def _links(batch: Batch) -> dict[str, str | None]:
    """Where to go on; null where a batch of its kind has nothing."""
    options = batch.options
    links: dict[str, str | None] = {
        "self": url_for("batches.read_batch", batch_id=batch.id),
        "results": url_for("batch_results.read_results", batch_id=batch.id),
        "items": url_for("batches.add_items", batch_id=batch.id),
        "events": url_for("batches.follow_batch", batch_id=batch.id),
        "cancel": url_for("batches.cancel_batch", batch_id=batch.id),
        "close": url_for("batches.close_batch", batch_id=batch.id),
        "retry": url_for("batches.retry_batch", batch_id=batch.id),
        "report": None,
    }
    if isinstance(options, EnrollOptions):
        links["items"] = None
        links["report"] = url_for(
            "enrollments.read_enrollment",
            collection_id=options.collection_id,
            batch_id=batch.id,
        )
    return links


def taken_body(batch: Batch, taken: Taken, durability: Durability) -> dict[str, Any]:
    """The batch, and what a request brought to it."""
    receipt = {
        "received": taken.received,
        "added": taken.added,
        "known": taken.known,
        "refused": taken.refused,
        "conflicts": taken.conflicts[:MOST_CONFLICTS],
    }
    return {**batch_body(batch), "receipt": receipt, "durability": durability}


def item_text(item: Item) -> str:
    """An item, as `api.told_results` tells it, as JSON on one line."""
    body = {
        "number": item.number,
        "id": item.custom_id,
        "state": item.state,
        "tries": item.tries,
        "error": error_body(item.error),
    }
    result = "null" if item.result_json is None else item.result_json
    return f'{json.dumps(body)[:-1]}, "result": {result}}}'


def error_body(error: JobError | None) -> dict[str, Any] | None:
    """Why an item failed."""
    if error is None:
        return None
    return {"code": error.code, "message": error.message, "retryable": error.retryable}


def batch_response(batch: Batch, body: dict[str, Any] | None = None, status: int = 200) -> Response:
    """The batch, with a tag that changes when it does.

    Args:
        batch: As it is.
        body: Its body, where there is more in it than the batch.
        status: Of the answer.
    """
    text = json.dumps(batch_body(batch) if body is None else body)
    response = Response(text, status=status, mimetype="application/json")
    response.set_etag(f"v{batch.version}")
    response.headers["Cache-Control"] = "private, no-cache"
    if not batch.state.is_final:
        response.headers["Retry-After"] = str(_away_seconds(batch))
    return response


def _away_seconds(batch: Batch) -> int:
    """When it should be asked for again: at its expected end, within limits."""
    expected_seconds = math.ceil((batch.eta_ms or 0) / 1000)
    return min(max(1, expected_seconds), LONGEST_AWAY_SECONDS)


def _intake(told: str) -> dict[str, str | None]:
    if told in {"", RECEIVING}:
        return {"state": RECEIVING if told else "complete", "code": None}
    if told.startswith(COMPLETE):
        return {"state": "complete", "code": None}
    return {"state": "incomplete", "code": told}
