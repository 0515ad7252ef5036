"""An album whose photos are kept, seen by two models, and who changes its model."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import redis
from numpy.typing import NDArray

from models.results import EmbeddingModel
from tests.unit.workers.identities.album import (
    MODEL,
    NOTED,
    OTHER_MODEL,
    UID,
    Album,
    ScriptedPipeline,
    Shown,
    embedding,
)
from workers.answers.analysis import AnalysisAnswer
from workers.blobs.store import MemoryBlobs
from workers.contract import JobRoute
from workers.errors import BlobMissing
from workers.identities.embeddings import contract_of, stored_vector
from workers.identities.kept_images import KeptImage, KeptImages
from workers.identities.records import NewFace
from workers.identities.reembed_answer import ReembedAnswer
from workers.identities.reembed_photos import ReembeddedPhotos
from workers.identities.reembed_work import ReembedWork, Turns
from workers.jobs.memory_store import MemoryJobs
from workers.jobs.options import ReembedOptions
from workers.jobs.store import Claim, NewJob
from workers.photos.attempts import Ends
from workers.photos.photo import Order, Photo
from workers.settings.process import Settings

ROUTE = JobRoute(queue="cpu.bulk", reason="no_gpu_device")
MODELS = {MODEL.id: MODEL, OTHER_MODEL.id: OTHER_MODEL}


def seen_by(model: EmbeddingModel, vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same face as another model sees it."""
    return vector if model == MODEL else np.roll(vector, 1)


@dataclass(kw_only=True)
class TwoModels:
    """Looks at photos by the model that is asked for."""

    shown: dict[str, Shown] = field(default_factory=dict)
    #: By model and photo, how often it was looked at.
    looks: list[tuple[str, str]] = field(default_factory=list)

    def look_many(self, orders: Sequence[Order], *, ends: Ends = ()) -> list[Photo]:
        """See workers.photos.pipeline.FacePipeline."""
        return [self._look(order, ends) for order in orders]

    def _look(self, order: Order, ends: Ends) -> Photo:
        model = MODELS[order.options.recognition_model or OTHER_MODEL.id]
        try:
            name = order.read().decode()
        except BlobMissing as error:
            return Photo(order=order, failure=error)
        self.looks.append((model.id, name))
        shown = {
            key: Shown(faces=[seen_by(model, one) for one in photo.faces], failure=photo.failure)
            for key, photo in self.shown.items()
        }
        return ScriptedPipeline(shown=shown, model=model).look_many([order], ends=ends)[0]


class NoPipeline:
    """Analyses nothing."""

    def analyze_many(
        self, orders: Sequence[Order], *, ends: Ends = ()
    ) -> list[AnalysisAnswer | Exception | None]:
        """See workers.photos.pipeline.FacePipeline."""
        raise AssertionError((orders, ends))


class Workshop:
    """An album whose photos are kept, and who changes its model."""

    def __init__(self, client: redis.Redis, **turns: Any) -> None:  # noqa: ANN401 - members
        self.album = Album(client, keep_images=True)
        self.blobs = MemoryBlobs()
        self.images = KeptImages(self.blobs, self.album.stores.forgetting)
        self.pipeline = TwoModels()
        self.jobs = MemoryJobs(Settings())
        self.now = 0.0
        self.served = 0
        self.pauses: list[float] = []
        photos = ReembeddedPhotos(self.pipeline, self.images, self.album.stores.persons)
        told: dict[str, Any] = {
            "seconds": 1000,
            "serve_interactive": self.serve,
            "clock": lambda: self.now,
            "pause": self.pauses.append,
        }
        self.work = ReembedWork(self.album.stores, photos, self.jobs, Turns(**(told | turns)))

    def serve(self) -> None:
        self.served += 1
        self.now += 1

    def enroll(self, person: str, name: str, *faces: NDArray[np.float32], keep: bool = True) -> str:
        """A photo with these faces, of which the first one is enrolled; its face's id."""
        self.pipeline.shown[name] = Shown(faces=faces)
        kept = self.images.keep(name.encode()) if keep else KeptImage(key="", secret="")
        made = embedding(faces[0])
        face_id = f"face_{len(self.pipeline.shown):032x}"
        face = NewFace(
            id=face_id,
            vector=stored_vector(made),
            quality=0.8,
            source_sha256=name,
            origin="job_0",
            added_by="ada",
            image_key=kept.key,
            image_secret=kept.secret,
        )
        self.album.stores.persons.add_faces(
            UID, person, [face], contract=contract_of(made), audit=NOTED
        )
        return face_id

    def claim(self, job_id: str = "job_1", *, drop: bool = False) -> Claim:
        """A job that changes the model."""
        options = ReembedOptions(
            collection=UID, model=OTHER_MODEL.id, drop_without_image=drop, by="ada"
        )
        self.jobs.submit(NewJob(id=job_id, options=options, route=ROUTE, blob_keys=()))
        claim = self.jobs.claim(job_id, claim_id="me")
        assert not isinstance(claim, str)
        return claim

    def run(self, *, drop: bool = False) -> ReembedAnswer:
        """What the whole job answers."""
        answer = self.work.run(self.claim(drop=drop), is_wanted=lambda: True)
        assert isinstance(answer, ReembedAnswer)
        return answer

    def vector(self, face_id: str) -> NDArray[np.float32]:
        """As it counts now."""
        [found] = self.album.stores.persons.vectors(UID, [face_id])
        return np.frombuffer(found.vector, "<f2").astype(np.float32)
