"""A process that knows people, and does what it is told.

Each line of its input is an order as JSON, each line of its output what came of it.
"""

import hashlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import structlog
from pydantic import SecretStr

from workers.blobs.obstore_store import IDENTITY_PREFIX, open_blobs
from workers.blobs.store import MemoryBlobs
from workers.connections.client import connect
from workers.contract import JobRoute
from workers.errors import WorkersError
from workers.identities.forgetting import Forgetting
from workers.identities.identifier import Identifier
from workers.identities.index.opening import open_local_searcher
from workers.identities.kept_images import KeptImage, KeptImages
from workers.identities.keys import VaultSeals
from workers.identities.opening import open_identities
from workers.identities.records import (
    CollectionSettings,
    EmbeddingContract,
    NewCollection,
    NewFace,
    NewPerson,
)
from workers.identities.search_work import SearchWork
from workers.identities.told_persons import told_results
from workers.identities.trace_records import AuditEvent
from workers.identities.vaults import open_vault
from workers.jobs.options import SearchOptions
from workers.jobs.redis_store import RedisJobs
from workers.jobs.store import NewJob
from workers.photos.attempts import Ends
from workers.photos.photo import Order
from workers.runner import JobRunner
from workers.settings.process import Settings

UID = "col_" + "5" * 32
OWNER = "ada"
#: For how long a process uses keys without asking for them again.
HELD_SECONDS = 0.5
CONTRACT = EmbeddingContract(
    model="example", sha256="0" * 64, preprocessing_version="1", dimensions=512
)


def vector_of(name: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    """A face's embedding by a name of the test's choice: far from all others'."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
    vector = np.random.default_rng(seed).normal(size=512).astype(np.float32)
    return vector / np.linalg.norm(vector)


def face_id(name: str) -> str:
    """The id of a face by the same name."""
    return "face_" + hashlib.sha256(name.encode()).hexdigest()[:32]


#: A job that names one embedding.
SEARCH = SearchOptions(
    collection=UID,
    model=CONTRACT.model,
    sha256=CONTRACT.sha256,
    preprocessing_version=CONTRACT.preprocessing_version,
    dimensions=CONTRACT.dimensions,
    threshold=0.5,
)
ROUTE = JobRoute(queue="cpu.interactive", reason="no_gpu_device")


class NoPhotos:
    """A pipeline for a runner whose jobs have no photos."""

    def analyze_many(self, orders: Sequence[Order], *, ends: Ends = ()) -> NoReturn:
        raise NotImplementedError(orders, ends)


class People:
    """What orders can be given.

    Args:
        port: Of the store.
        folder: With `keys` and `blobs`.
    """

    def __init__(self, port: int, folder: Path) -> None:
        settings = Settings(
            data_dir=folder,
            redis_url=SecretStr(f"redis://127.0.0.1:{port}/0"),
            identity_keys_url=(folder / "keys").as_uri(),
        )
        client = connect(settings, role="test", is_binary=True)
        # Shorter than for a fleet, so that it can be waited for.
        seals = VaultSeals(open_vault(settings.identity_keys_location), held_seconds=HELD_SECONDS)
        self._stores = open_identities(client, settings, seals)
        self._blobs = open_blobs(settings.blob_location, prefix=IDENTITY_PREFIX)
        self._images = KeptImages(self._blobs, self._stores.forgetting)
        self._jobs = RedisJobs(connect(settings, role="test"), settings)
        self._images_of_jobs = MemoryBlobs()
        self.opened = ExitStack()
        self._searcher = open_local_searcher(
            self._stores,
            settings,
            blobs=self._blobs,
            process=f"box:{os.getpid()}",
            opened=self.opened,
        )
        namer = Identifier(self._stores, self._searcher, {})
        self._searching = SearchWork(namer, self._images_of_jobs)

    def make(self) -> str:
        """Make the collection."""
        new = NewCollection(
            uid=UID, id="album", owner=OWNER, settings=CollectionSettings(keep_images=True)
        )
        return self._stores.collections.create(new, most=9, audit=_noted("collection.created")).uid

    def enrol(self, person: str, faces: list[str]) -> int:
        """Make a person with a name and metadata, and enrol faces with kept photos."""
        new = NewPerson(
            id=person,
            name=f"The name of {person}",
            external_id=f"number of {person}",
            metadata={"city": f"The city of {person}"},
        )
        self._stores.persons.put(UID, new, audit=_noted("person.created"))
        added = self._stores.persons.add_faces(
            UID,
            person,
            [self._face(name) for name in faces],
            contract=CONTRACT,
            audit=_noted("faces.enrolled"),
        )
        return added.version

    def search(self, face: str) -> dict[str, object]:
        """Who resembles a face, as the store knows them at that moment; see `resolve`."""
        found = self._searcher.search(UID, vector_of(face)[None], contract=CONTRACT, persons=3)
        (candidates,) = found.candidates
        known = self._stores.persons.resolve(UID, [one.face_id for one in candidates])
        told = {
            known[one.face_id].name: round(one.similarity, 3)
            for one in candidates
            if one.face_id in known
        }
        return {"told": told, "faces": found.faces}

    def name(self, job: str, face: str) -> str:
        """Have a job name a face, as workers and runners do; how it ended."""
        self._images_of_jobs.put(job, vector_of(face).astype("<f4").tobytes())
        self._jobs.submit(
            NewJob(id=job, options=SEARCH, route=ROUTE, blob_keys=(job,), owner=OWNER)
        )
        return JobRunner(
            jobs=self._jobs,
            blobs=self._images_of_jobs,
            pipeline=NoPhotos(),
            works={"search": self._searching},
            lease_seconds=30,
        ).run(job)

    def result(self, job: str) -> list[list[str | None]]:
        """Whom a job's result names, as clients are told: name and why there is none."""
        stored = self._jobs.get(job).result_json
        assert stored is not None
        [text] = told_results(self._stores, UID, [stored]).texts
        persons = [one["person"] for one in json.loads(text)["identities"]]
        return [[one["name"], one.get("unreadable")] for one in persons]

    def snapshot(self) -> int | None:
        """Write a snapshot of what is loaded, small as it is; its leaf."""
        loaded = self._searcher._loaded[UID]
        snapshots = self._searcher._snapshots
        assert snapshots is not None
        return snapshots.save(UID, loaded._followed, lock=loaded.lock)

    def everybody(self) -> dict[str, list[str]]:
        """All persons by id, with all that is known of them."""
        page = self._stores.persons.list(UID, limit=1000)
        return {
            one.id: [one.name, one.external_id, str(one.metadata["city"]), str(one.faces)]
            for one in page.items
        }

    def vectors(self) -> dict[str, bool]:
        """All faces that can be read, and whether their vectors are those that were enrolled."""
        page = self._stores.log.scan(UID, limit=1000)
        return {one.face_id: bool(one.vector) for one in page.vectors}

    def photo(self, face: str) -> str:
        """The kept photo of a face."""
        found = self._stores.persons.face(UID, face_id(face))
        return self._images.read(KeptImage(key=found.image_key, secret=found.image_secret)).decode()

    def delete(self, person: str) -> str:
        """Delete a person; the certificate."""
        return self._stores.persons.delete(UID, person, audit=_noted("person.deleted")).id

    def forget(self) -> int:
        """One round of forgetting."""
        return Forgetting(self._stores, self._blobs).round().keys_destroyed

    def certificate(self, id_: str) -> dict[str, object]:
        """How far a deletion has got."""
        found = self._stores.forgetting.certificate(OWNER, id_)
        return {"keys": found.keys_destroyed_ms, "workers": found.workers_cleared_ms}

    def _face(self, name: str) -> NewFace:
        kept = self._images.keep(f"The photo of {name}".encode())
        return NewFace(
            id=face_id(name),
            vector=vector_of(name).astype("<f2").tobytes(),
            quality=0.9,
            source_sha256=hashlib.sha256(name.encode()).hexdigest(),
            origin="job_1",
            added_by=OWNER,
            image_key=kept.key,
            image_secret=kept.secret,
        )


def _noted(action: Any) -> AuditEvent:  # noqa: ANN401 - an action
    return AuditEvent(action=action, by=OWNER)


def main() -> None:
    """Do what is ordered, until there are no more orders."""
    # Its output is for answers.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    people = People(int(sys.argv[1]), Path(sys.argv[2]))
    for line in sys.stdin:
        order = json.loads(line)
        call: Callable[..., object] = getattr(people, order.pop("do"))
        try:
            answer = {"answer": call(**order)}
        except WorkersError as error:
            answer = {"error": type(error).__name__}
        print(json.dumps(answer), flush=True)  # noqa: T201 - for the test that ordered it
    people.opened.close()


if __name__ == "__main__":
    main()
