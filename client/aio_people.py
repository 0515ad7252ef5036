"""Known people, for asyncio: the same methods, awaited."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from client.calls import AsyncDriver
from client.collection_flows import DEFAULT_COLLECTION, collection_path
from client.collection_records import Deletion
from client.job_flows import JobFlows
from client.person_flows import PersonFlows, person_path
from client.person_records import Face, MetadataValue, Person
from client.photos import PathLike, Photo, PhotoSource, Progress
from client.records import Job, Page


class AsyncPeople:
    """Known persons of one's collections."""

    def __init__(self, client: AsyncDriver) -> None:
        self._client = client
        self._flows = PersonFlows(client.retries)
        self._jobs = JobFlows(client.retries)

    async def create(
        self,
        person_id: str | None = None,
        *,
        collection: str = DEFAULT_COLLECTION,
        name: str | None = None,
        external_id: str | None = None,
        metadata: Mapping[str, MetadataValue] | None = None,
        consent: Mapping[str, str] | None = None,
    ) -> Person:
        """Make a person without a face yet; one with the same data is given back.

        Args:
            person_id: One's own; one is made up if not given.
            collection: Where to.
            name: For people to read.
            external_id: The person's key in another system; unique in the collection.
            metadata: Whatever else belongs to the person.
            consent: `given_at`, `purpose`, `evidence` and `expires_at`.
        """
        told = {"name": name, "external_id": external_id, "metadata": metadata, "consent": consent}
        return await self._client.run(self._flows.create(collection, person_id, told))

    async def get(self, person_id: str, *, collection: str = DEFAULT_COLLECTION) -> Person:
        """A person.

        Raises:
            NotFound: there is none, or not any more.
        """
        return await self._client.run(self._flows.get(collection, person_id))

    async def list(
        self,
        *,
        collection: str = DEFAULT_COLLECTION,
        external_id: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[Person]:
        """A part of a collection's persons, in the order they were made."""
        flow = self._flows.listed(collection, external_id=external_id, after=after, limit=limit)
        return await self._client.run(flow)

    async def everybody(self, *, collection: str = DEFAULT_COLLECTION) -> AsyncIterator[Person]:
        """All persons of a collection, page by page."""
        after: str | None = None
        while True:
            page = await self.list(collection=collection, after=after, limit=100)
            for person in page.items:
                yield person
            after = page.next_cursor
            if after is None:
                return

    async def change(
        self,
        person_id: str,
        *,
        collection: str = DEFAULT_COLLECTION,
        revision: int | None = None,
        **changes: Any,  # noqa: ANN401 - as for `create`
    ) -> Person:
        """Change a person's data; what is not given stays, None takes away.

        Raises:
            Conflict: `revision` is given and somebody else has changed it since.
        """
        flow = self._flows.change(collection, person_id, changes, revision=revision)
        return await self._client.run(flow)

    async def merge(
        self, person_id: str, *, into: str, collection: str = DEFAULT_COLLECTION
    ) -> Person:
        """Give a person's faces to another, who is given back, and forget the first."""
        return await self._client.run(self._flows.merge(collection, into, person_id))

    async def delete(self, person_id: str, *, collection: str = DEFAULT_COLLECTION) -> Deletion:
        """Forget a person, at once; the certificate."""
        return await self._client.run(self._flows.delete(collection, person_id))

    async def export(
        self,
        person_id: str,
        target: PathLike,
        *,
        collection: str = DEFAULT_COLLECTION,
        progress: Progress | None = None,
    ) -> None:
        """Write all that is stored of a person to a ZIP file, kept photos included."""
        flow = self._flows.export(collection, person_id, Path(target), progress=progress)
        return await self._client.run(flow)

    async def enroll(
        self,
        person_id: str,
        photos: Sequence[PhotoSource],
        *,
        collection: str = DEFAULT_COLLECTION,
        wait_seconds: float = 0,
        idempotency_key: str | None = None,
        progress: Progress | None = None,
        **options: Any,  # noqa: ANN401 - named in docs/reference/http.md
    ) -> Job:
        """Let a person be known by photos, 1 to 20.

        Who is not there is made, if anything is said of them or `create_person` is true.

        Args:
            person_id: Whose photos.
            photos: Those that are no good are told in the job's result; the others count.
            collection: Where to.
            wait_seconds: Wait so long for the job's end; the gateway may cut it.
            idempotency_key: The same key and photos give the same job; one is made if not given.
            progress: Told bytes sent and in all, of each photo.
            options: `name`, `external_id`, `metadata`, `consent`, `face`, `require`, `tags` …
        """
        flow = self._jobs.submit(
            person_path(collection, person_id, "faces"),
            [("images", Photo.of(photo)) for photo in photos],
            options,
            wait_seconds=wait_seconds,
            key=idempotency_key,
            progress=progress,
        )
        return await self._client.run(flow)

    async def faces(
        self, person_id: str, *, collection: str = DEFAULT_COLLECTION
    ) -> tuple[Face, ...]:
        """A person's faces, the oldest first."""
        return (await self._client.run(self._flows.faces(collection, person_id))).items

    async def delete_face(self, face_id: str, *, collection: str = DEFAULT_COLLECTION) -> None:
        """Forget a face."""
        await self._client.run(self._flows.delete_face(collection, face_id))

    async def identify(
        self,
        photo: PhotoSource,
        *,
        collection: str = DEFAULT_COLLECTION,
        wait_seconds: float = 0,
        idempotency_key: str | None = None,
        progress: Progress | None = None,
        **options: Any,  # noqa: ANN401 - as for `enroll`
    ) -> Job:
        """Ask who the faces of a photo are.

        Args:
            photo: Every face in it is looked for.
            collection: Where.
            wait_seconds: Wait so long for the job's end; the gateway may cut it.
            idempotency_key: The same key and photo give the same job; one is made if not given.
            progress: Told bytes sent and in all.
            options: `candidates`, `fpir`, `threshold`, `require`, and those of an analysis.
        """
        flow = self._jobs.submit(
            collection_path(collection, "identify"),
            [("image", Photo.of(photo))],
            options,
            wait_seconds=wait_seconds,
            key=idempotency_key,
            progress=progress,
        )
        return await self._client.run(flow)

    async def search(
        self,
        embeddings: Sequence[Sequence[float]],
        *,
        collection: str = DEFAULT_COLLECTION,
        wait_seconds: float = 0,
        **options: Any,  # noqa: ANN401 - as for `enroll`
    ) -> Job:
        """Ask whose embeddings they are, 1 to 20.

        Args:
            embeddings: As `recognition` of a face has them.
            collection: Where.
            wait_seconds: Wait so long for the job's end; the gateway may cut it.
            options: `model`, `sha256`, `preprocessing_version` of them; `candidates`, `fpir` …
        """
        body = {"embeddings": [[*one] for one in embeddings], **options}
        return await self._client.run(
            self._flows.search(collection, body, wait_seconds=wait_seconds)
        )

    async def verify(
        self,
        person_id: str,
        photo: PhotoSource,
        *,
        collection: str = DEFAULT_COLLECTION,
        wait_seconds: float = 0,
        idempotency_key: str | None = None,
        progress: Progress | None = None,
        **options: Any,  # noqa: ANN401 - as for `enroll`
    ) -> Job:
        """Ask whether a photo shows a person.

        Args:
            person_id: Who it may be.
            photo: Its largest face counts.
            collection: Where.
            wait_seconds: Wait so long for the job's end; the gateway may cut it.
            idempotency_key: The same key and photo give the same job; one is made if not given.
            progress: Told bytes sent and in all.
            options: `far`, `threshold`, `face`, `require`.
        """
        flow = self._jobs.submit(
            person_path(collection, person_id, "verify"),
            [("image", Photo.of(photo))],
            options,
            wait_seconds=wait_seconds,
            key=idempotency_key,
            progress=progress,
        )
        return await self._client.run(flow)
