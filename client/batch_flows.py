"""Batches: sent as one stream, watched, read item by item."""

import time
from collections.abc import Callable

from client.calls import Body, Call, Flow, Pause, body_of, idempotency_key, perform, query_of
from client.errors import NotInTime
from client.job_flows import Options
from client.photos import Progress
from client.records import Batch, BatchItem, Page
from client.retries import Retries

#: How often a batch is looked at.
LOOK_SECONDS = 1.0
#: Most items of one page the gateway gives.
PAGE_ITEMS = 100

#: Told the batch whenever it was looked at.
OnLook = Callable[[Batch], None]


class BatchFlows:
    """Batches.

    Args:
        retries: How patient they are.
    """

    def __init__(self, retries: Retries) -> None:
        self._retries = retries

    def submit(
        self, body: Body, options: Options, *, key: str | None, progress: Progress | None
    ) -> Flow[Batch]:
        """Send an archive or a manifest; the batch."""
        call = Call(
            method="POST",
            path="/api/v1/batch/submit",
            query=query_of(options),
            headers={"Idempotency-Key": key or idempotency_key()},
            body=body,
            progress=progress,
            # The gateway stores every photo before it answers.
            extra_seconds=600,
        )
        return Batch.model_validate(body_of((yield from perform(call, self._retries))))

    def get(self, batch_id: str) -> Flow[Batch]:
        """A batch."""
        call = Call(method="GET", path=f"/api/v1/batch/status/{batch_id}")
        return Batch.model_validate(body_of((yield from perform(call, self._retries))))

    def wait(self, batch: Batch, *, timeout_seconds: float, on_look: OnLook | None) -> Flow[Batch]:
        """The batch, as soon as all its items have ended.

        Raises:
            NotInTime: they have not; the batch goes on.
        """
        deadline = time.monotonic() + timeout_seconds
        while True:
            if on_look:
                on_look(batch)
            if batch.has_ended:
                return batch
            if time.monotonic() >= deadline:
                done = f"{batch.counts.ended} of {batch.counts.total} items"
                raise NotInTime(
                    f"The batch {batch.id} has {done} done after {timeout_seconds:g} s."
                )
            yield Pause(seconds=LOOK_SECONDS)
            batch = yield from self.get(batch.id)

    def results(
        self, batch_id: str, *, after: str | None, limit: int, state: str | None
    ) -> Flow[Page[BatchItem]]:
        """A part of a batch's items with their results, by number."""
        query = query_of({"after": after, "limit": limit, "state": state})
        call = Call(method="GET", path=f"/api/v1/batch/results/{batch_id}", query=query)
        return Page[BatchItem].model_validate(body_of((yield from perform(call, self._retries))))

    def listed(self, *, after: str | None, limit: int) -> Flow[Page[Batch]]:
        """A part of one's batches, newest first."""
        query = query_of({"after": after, "limit": limit})
        call = Call(method="GET", path="/api/v1/batch/list", query=query)
        return Page[Batch].model_validate(body_of((yield from perform(call, self._retries))))

    def cancel(self, batch_id: str) -> Flow[Batch]:
        """End a batch: what waits goes at once, what is done stays."""
        call = Call(method="DELETE", path=f"/api/v1/batch/cancel/{batch_id}")
        return Batch.model_validate(body_of((yield from perform(call, self._retries))))

    def retry(self, batch_id: str) -> Flow[Batch]:
        """Try the failed items again."""
        call = Call(method="POST", path=f"/api/v1/batch/{batch_id}/retry")
        return Batch.model_validate(body_of((yield from perform(call, self._retries))))
