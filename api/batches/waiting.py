"""Waiting for a batch to end, and telling how far it has got."""

from collections.abc import Iterator

from flask import json

from api.batches.view import batch_body
from api.following import followed
from api.services import Services
from api.sse import RETRY_MS, STREAM_SECONDS
from api.waiting import not_counted
from workers.batches.records import Batch

#: A batch that changes all the time is looked at, and told of, after such pauses, seconds.
LOOK_PAUSE_SECONDS = 0.1
EVENT_PAUSE_SECONDS = 1.0


def read_or_wait(parts: Services, batch: Batch, seconds: float) -> Batch:
    """The batch, as soon as it has ended or the time is over.

    Waits are cut to the configured limit. Without a free place, or when this process is about to
    end, the answer comes at once.
    """
    seconds = min(seconds, parts.settings.max_wait_seconds)
    if not seconds or batch.state.is_final or not _take_place(parts):
        return batch
    try:
        looks = followed(
            parts,
            batch.id,
            parts.batches.get,
            seen=batch.version,
            seconds=seconds,
            pause_seconds=LOOK_PAUSE_SECONDS,
        )
        with not_counted():
            for said in looks:
                batch = said if isinstance(said, Batch) else batch
        return batch
    finally:
        parts.wait_slots.release()


def batch_events(parts: Services, batch_id: str, seen: int) -> Iterator[str]:
    """A batch's progress as Server-Sent Events.

    It ends with the batch, after STREAM_SECONDS, or when the process ends. Without a free place
    among those who wait it tells how the batch is and ends; the client comes back.

    Args:
        parts: Of the gateway.
        batch_id: Of a batch of the caller's.
        seen: Version of the batch that the client knows.
    """
    yield f"retry: {RETRY_MS}\n\n"
    is_placed = _take_place(parts)
    try:
        looks = followed(
            parts,
            batch_id,
            parts.batches.get,
            seen=seen,
            seconds=STREAM_SECONDS if is_placed else 0.0,
            pause_seconds=EVENT_PAUSE_SECONDS,
        )
        for said in looks:
            yield _event(said) if isinstance(said, Batch) else f": {said}\n\n"
    finally:
        if is_placed:
            parts.wait_slots.release()


def _take_place(parts: Services) -> bool:
    return not parts.drain.stopping and parts.wait_slots.acquire(blocking=False)


def _event(batch: Batch) -> str:
    return f"event: batch\nid: {batch.version}\ndata: {json.dumps(batch_body(batch))}\n\n"
