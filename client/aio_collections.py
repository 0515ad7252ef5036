"""Collections of known people, for asyncio: the same methods, awaited."""

from pathlib import Path
from typing import Any

from client.calls import AsyncDriver
from client.collection_flows import DEFAULT_COLLECTION, CollectionFlows
from client.collection_records import AuditEvent, Collection, Deletion
from client.person_records import EnrollmentReport, Imported
from client.photos import PathLike, Progress
from client.records import Batch, Job, Page
from client.sending import people_body


class AsyncCollections:
    """One's own collections of known people."""

    def __init__(self, client: AsyncDriver) -> None:
        self._client = client
        self._flows = CollectionFlows(client.retries)

    async def create(
        self,
        collection_id: str | None = None,
        **settings: Any,  # noqa: ANN401 - named in docs/reference/http.md
    ) -> Collection:
        """Make a collection; the same again is given back.

        Args:
            collection_id: One's own name for it; one is made up if not given.
            settings: `title`, `model`, `quality`, `thresholds`, `keep_images`, `limits` …
        """
        return await self._client.run(self._flows.create(collection_id, settings))

    async def get(self, collection_id: str = DEFAULT_COLLECTION) -> Collection:
        """A collection.

        Raises:
            NotFound: there is none of one's own.
        """
        return await self._client.run(self._flows.get(collection_id))

    async def list(self, *, after: str | None = None, limit: int = 50) -> Page[Collection]:
        """A part of one's collections, by their ids."""
        return await self._client.run(self._flows.listed(after=after, limit=limit))

    async def change(
        self,
        collection_id: str,
        *,
        revision: int | None = None,
        **settings: Any,  # noqa: ANN401 - as for `create`
    ) -> Collection:
        """Change settings; what is not given stays.

        Raises:
            Conflict: `revision` is given and somebody else has changed it since.
        """
        return await self._client.run(
            self._flows.change(collection_id, settings, revision=revision)
        )

    async def delete(self, collection_id: str) -> Deletion:
        """Forget a collection with everybody in it, at once; the certificate."""
        return await self._client.run(self._flows.delete(collection_id))

    async def enroll(
        self,
        photos: PathLike,
        *,
        collection: str = DEFAULT_COLLECTION,
        idempotency_key: str | None = None,
        progress: Progress | None = None,
        **options: Any,  # noqa: ANN401 - named in docs/reference/http.md
    ) -> Batch:
        """Send photos of many persons as one batch, in one stream.

        Args:
            photos: A folder with a folder for each person or a `manifest.csv`, or a ZIP or TAR
                file like it.
            collection: Where to.
            idempotency_key: The same key and photos give the same batch.
            progress: Told bytes sent and in all.
            options: `people`, `face`, `require`, `tags` …
        """
        flow = self._flows.enroll(
            collection, people_body(Path(photos)), options, key=idempotency_key, progress=progress
        )
        return await self._client.run(flow)

    async def report(
        self, batch_id: str, *, collection: str = DEFAULT_COLLECTION
    ) -> EnrollmentReport:
        """What became of what `enroll` sent, so far."""
        return await self._client.run(self._flows.report(collection, batch_id))

    async def report_table(
        self, batch_id: str, target: PathLike, *, collection: str = DEFAULT_COLLECTION
    ) -> None:
        """Write the same to a CSV file, a row for each photo, with warnings and likenesses."""
        await self._client.run(self._flows.report_table(collection, batch_id, Path(target)))

    async def calibrate(
        self, collection_id: str = DEFAULT_COLLECTION, *, wait_seconds: float = 0
    ) -> Job:
        """Measure thresholds on the collection's own faces: they are its `calibration` then."""
        return await self._client.run(
            self._flows.calibrate(collection_id, wait_seconds=wait_seconds)
        )

    async def change_model(
        self, collection_id: str, *, model: str | None, drop_without_image: bool = False
    ) -> Job:
        """Embed all faces anew from their kept photos; the old embeddings count until the end.

        Args:
            collection_id: Which one.
            model: The new model by name; None: the default one.
            drop_without_image: Forget faces without a kept photo; else the job fails if there are.
        """
        body = {"model": model, "drop_without_image": drop_without_image}
        return await self._client.run(self._flows.change_model(collection_id, body))

    async def keep_model(self, collection_id: str) -> Collection:
        """End a change of model that is under way; the old embeddings stay."""
        return await self._client.run(self._flows.keep_model(collection_id))

    async def export(
        self,
        target: PathLike,
        *,
        collection: str = DEFAULT_COLLECTION,
        progress: Progress | None = None,
    ) -> None:
        """Write persons and embeddings to a file, a JSON object a line; whole or not at all.

        Raises:
            BadAnswer: it broke off before its end.
        """
        flow = self._flows.export(collection, Path(target), progress=progress)
        return await self._client.run(flow)

    async def load(
        self,
        source: PathLike,
        *,
        collection: str = DEFAULT_COLLECTION,
        create_persons: bool = True,
        progress: Progress | None = None,
    ) -> Imported:
        """Take what `export` wrote, or embeddings from elsewhere; repeated, nothing is added twice.

        Args:
            source: A file with a JSON object a line.
            collection: Where to.
            create_persons: Make persons who are not there; else their faces are rejected.
            progress: Told bytes sent and in all.
        """
        flow = self._flows.load(
            collection, Path(source), create_persons=create_persons, progress=progress
        )
        return await self._client.run(flow)

    async def audit(
        self,
        collection_id: str = DEFAULT_COLLECTION,
        *,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[AuditEvent]:
        """A part of what was done with a collection, the latest first."""
        return await self._client.run(self._flows.audit(collection_id, after=after, limit=limit))

    async def deletion(self, deletion_id: str) -> Deletion:
        """A certificate, as far as it has got."""
        return await self._client.run(self._flows.deletion(deletion_id))

    async def deletions(self, *, after: str | None = None, limit: int = 50) -> Page[Deletion]:
        """A part of one's certificates, the latest first."""
        return await self._client.run(self._flows.deletions(after=after, limit=limit))
