"""The blocking client."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from client.batch_flows import PAGE_ITEMS, BatchFlows, OnLook
from client.calls import Call, Flow, Pause
from client.errors import gateway_away
from client.job_flows import JobFlows
from client.photos import Photo, PhotoSource, Progress
from client.records import Batch, BatchItem, Job, Page
from client.requests import arguments_of
from client.retries import Retries
from client.sending import BulkSource, any_call, bulk
from client.sync_collections import Collections
from client.sync_people import People

T = TypeVar("T")


class Client:
    """Talks to a gateway. Safe to use from several threads.

    Every method raises `Problem` when the gateway refuses, and `GatewayAway` when it does not
    answer after all tries.

    Args:
        url: Of the gateway, e.g. "http://127.0.0.1:8000".
        key: An API key or access token.
        retries: How patient it is.
        transport: Another way to the gateway than the network, for tests.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        retries: Retries | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._retries = retries or Retries()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(base_url=url, headers=headers, transport=transport)
        self._flows = JobFlows(self._retries)
        self.jobs = Jobs(self)
        self.batches = Batches(self)
        self.collections = Collections(self)
        self.people = People(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def retries(self) -> Retries:
        """How patient it is."""
        return self._retries

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def analyze(self, photo: PhotoSource, **given: Any) -> Job:  # noqa: ANN401 - see `send`
        """Send a photo; `given` as for `send`: analyses, max_faces, engine, tags, wait_seconds."""
        return self.send("analyze", {"image": photo}, **given)

    def verify(self, image1: PhotoSource, image2: PhotoSource, **given: Any) -> Job:  # noqa: ANN401 - see `send`
        """Ask whether two photos show one person; `given` as for `send`: far, threshold, model."""
        return self.send("verify", {"image1": image1, "image2": image2}, **given)

    def send(
        self,
        endpoint: str,
        photos: Mapping[str, PhotoSource],
        *,
        wait_seconds: float = 0,
        idempotency_key: str | None = None,
        progress: Progress | None = None,
        **options: Any,  # noqa: ANN401 - named in docs/reference/http.md
    ) -> Job:
        """Send files to one of `/api/v1/face/<endpoint>`.

        Args:
            endpoint: "analyze", "detect", "verify", "analyze-video" …
            photos: By field name: a path, bytes or a Photo.
            wait_seconds: Wait so long for the job's end; the gateway may cut it.
            idempotency_key: The same key and photo give the same job; one is made if not given.
            progress: Told bytes sent and in all.
            options: Of the endpoint.
        """
        return self.run(
            self._flows.submit(
                f"/api/v1/face/{endpoint}",
                [(field, Photo.of(source)) for field, source in photos.items()],
                options,
                wait_seconds=wait_seconds,
                key=idempotency_key,
                progress=progress,
            )
        )

    def wait(self, job: Job | str, *, timeout_seconds: float = 300) -> Job:
        """The job, succeeded.

        Raises:
            JobFailed: it failed or was cancelled.
            NotInTime: it has not ended; it goes on.
        """
        known = job if isinstance(job, Job) else self.jobs.get(job)
        return self.run(self._flows.wait(known, timeout_seconds=timeout_seconds))

    def call(self, method: str, path: str, **members: Any) -> Any:  # noqa: ANN401 - JSON in, JSON out
        """Any other address of the gateway: its JSON; None when it answers none.

        Args:
            method: Other methods than GET, HEAD, PUT and DELETE are not sent twice.
            path: From the root.
            members: `query`, `json`, `headers`; see `client.calls.Call`.
        """
        return self.run(any_call(method, path, members, self._retries))

    def run(self, flow: Flow[T]) -> T:
        """Do what a flow wants, until it has its answer."""
        try:
            step = next(flow)
            while True:
                if isinstance(step, Pause):
                    time.sleep(step.seconds)
                    step = flow.send(None)
                    continue
                try:
                    response = self._send(step)
                except httpx.TransportError as error:
                    step = flow.throw(gateway_away(self._http.base_url, error))
                else:
                    step = flow.send(response)
        except StopIteration as ended:
            answer: T = ended.value
            return answer

    def _send(self, call: Call) -> httpx.Response:
        with ExitStack() as opened:
            arguments = arguments_of(call, opened)
            if call.sink is None:
                return self._http.request(**arguments)
            response = opened.enter_context(self._http.stream(**arguments))
            if response.is_error:
                response.read()
                return response
            call.sink.begin()
            for part in response.iter_bytes():
                call.sink.write(part)
            return response


class Jobs:
    """One's own jobs."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._flows = JobFlows(client.retries)

    def get(self, job_id: str) -> Job:
        """A job.

        Raises:
            NotFound: there is none of one's own.
            Gone: it has expired or was deleted.
        """
        return self._client.run(self._flows.get(job_id))

    def list(
        self,
        *,
        state: str | None = None,
        tag: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[Job]:
        """A part of one's jobs, newest first."""
        return self._client.run(self._flows.listed(state=state, tag=tag, after=after, limit=limit))

    def cancel(self, job_id: str) -> Job:
        """Ask for a job's end. Asking again, or too late, changes nothing."""
        return self._client.run(self._flows.cancel(job_id))

    def delete(self, job_id: str) -> None:
        """Delete a job with its result."""
        self._client.run(self._flows.delete(job_id))


class Batches:
    """One's own batches."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._flows = BatchFlows(client.retries)

    def submit(
        self,
        photos: BulkSource,
        *,
        idempotency_key: str | None = None,
        progress: Progress | None = None,
        **options: Any,  # noqa: ANN401 - as for `Client.send`
    ) -> Batch:
        """Send many photos as one batch, in one stream.

        Args:
            photos: A folder, a ZIP or TAR file, or several photos.
            idempotency_key: The same key and photos give the same batch.
            progress: Told bytes sent and in all.
            options: Asked of every photo.
        """
        flow = self._flows.submit(bulk(photos), options, key=idempotency_key, progress=progress)
        return self._client.run(flow)

    def get(self, batch_id: str) -> Batch:
        """A batch."""
        return self._client.run(self._flows.get(batch_id))

    def list(self, *, after: str | None = None, limit: int = 50) -> Page[Batch]:
        """A part of one's batches, newest first."""
        return self._client.run(self._flows.listed(after=after, limit=limit))

    def wait(
        self, batch: Batch | str, *, timeout_seconds: float = 3600, on_look: OnLook | None = None
    ) -> Batch:
        """The batch, as soon as all its items have ended.

        Raises:
            NotInTime: they have not; the batch goes on.
        """
        known = batch if isinstance(batch, Batch) else self.get(batch)
        flow = self._flows.wait(known, timeout_seconds=timeout_seconds, on_look=on_look)
        return self._client.run(flow)

    def results(self, batch_id: str, *, state: str | None = None) -> Iterator[BatchItem]:
        """All items with their results, page by page, by number."""
        after: str | None = None
        while True:
            page = self._client.run(
                self._flows.results(batch_id, after=after, limit=PAGE_ITEMS, state=state)
            )
            yield from page.items
            after = page.next_cursor
            if after is None:
                return

    def cancel(self, batch_id: str) -> Batch:
        """End a batch: what waits goes at once, what is done stays."""
        return self._client.run(self._flows.cancel(batch_id))

    def retry(self, batch_id: str) -> Batch:
        """Try its failed items again."""
        return self._client.run(self._flows.retry(batch_id))
