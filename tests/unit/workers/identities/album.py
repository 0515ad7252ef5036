"""A collection to try things on: real stores over a fake server, and faces by script."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import redis
from numpy.typing import NDArray

from models.catalogue import load_catalogue
from models.results import Box, DetectedFace, Embedding, EmbeddingModel
from workers.answers.analysis import (
    AntiSpoofingAnswer,
    DeepfakeAnswer,
    PoseAnswer,
    QualityAnswer,
    ReasonAnswer,
)
from workers.answers.part import Answer
from workers.identities.embeddings import contract_of, stored_vector
from workers.identities.index.searcher import LocalSearcher
from workers.identities.keys import VaultSeals
from workers.identities.opening import Identities, open_identities
from workers.identities.records import (
    Collection,
    CollectionSettings,
    NewCollection,
    NewFace,
    NewPerson,
)
from workers.identities.trace_records import AuditEvent
from workers.identities.vault import MemoryVault
from workers.photos.attempts import Ends
from workers.photos.decode import DecodedImage
from workers.photos.photo import Order, Photo
from workers.settings.process import Settings
from workers.stages.detection import Detection
from workers.stages.stage import StageResult

UID = "col_" + "1" * 32
MODEL = EmbeddingModel(id="sface", sha256="ab" * 32, preprocessing_version="1")
OTHER_MODEL = replace(MODEL, id="mobilefacenet_512")
#: SFace's, by false accept rate: 1e-2 0.2982, 1e-3 0.3647, 1e-4 0.4205, 1e-5 0.479.
PRESETS = load_catalogue().thresholds
DIMENSIONS = 16
NOTED = AuditEvent(action="person.created", by="ada")
GOOD = QualityAnswer(
    score=0.8,
    sharpness=700,
    brightness=120,
    size_pixels=150,
    pose_degrees=PoseAnswer(yaw=0, pitch=0, roll=0),
    reasons=(),
)


def axis(number: int) -> NDArray[np.float32]:
    """A face that is like no other one."""
    row: NDArray[np.float32] = np.eye(DIMENSIONS, dtype=np.float32)[number]
    return row


def like(number: int, similarity: float, *, beside: int = -1) -> NDArray[np.float32]:
    """A face of that similarity with `axis(number)`; the rest of it points along `beside`."""
    return similarity * axis(number) + np.float32((1 - similarity**2) ** 0.5) * axis(beside)


def embedding(vector: NDArray[np.float32], model: EmbeddingModel = MODEL) -> Embedding:
    """A face as that model sees it."""
    return Embedding(vector=vector.astype(np.float32), model=model)


def liveness(outcome: str) -> AntiSpoofingAnswer:
    """A verdict."""
    return AntiSpoofingAnswer.model_construct(outcome=outcome)


def deepfake(verdict: str) -> DeepfakeAnswer:
    """A verdict."""
    return DeepfakeAnswer.model_construct(verdict=verdict)


@dataclass(kw_only=True)
class Shown:
    """What a photo shows: each face is a vector, largest first."""

    faces: Sequence[NDArray[np.float32]] = ()
    quality: QualityAnswer = GOOD
    liveness: AntiSpoofingAnswer | None = None
    deepfake: DeepfakeAnswer | None = None
    unrecognised: ReasonAnswer | None = None
    failure: Exception | None = None


@dataclass(kw_only=True)
class ScriptedPipeline:
    """Looks at photos whose file is the name of what they show."""

    shown: Mapping[str, Shown]
    model: EmbeddingModel = MODEL
    #: The orders it got.
    orders: list[Order] = field(default_factory=list)

    def look_many(self, orders: Sequence[Order], *, ends: Ends = ()) -> list[Photo]:
        """See workers.photos.pipeline.FacePipeline."""
        del ends
        self.orders += orders
        return [self._look(order) for order in orders]

    def _look(self, order: Order) -> Photo:
        photo = Photo(order=order)
        if not order.is_wanted():
            photo.dropped = True
            return photo
        shown = self.shown[order.read().decode()]
        photo.failure = shown.failure
        photo.decoded = DecodedImage(
            pixels=np.zeros((100, 100, 3), np.uint8), format="JPEG", exif_orientation=1
        )
        found = [_face(number) for number in range(len(shown.faces))]
        kept = list(found if order.choose is None else order.choose(photo.image, found))
        photo.faces_found = len(found)
        photo.detection = Detection(faces=kept, answer=None, models=())  # type: ignore[arg-type]
        photo.qualities = [shown.quality] * len(kept)
        places = [int(face.box.x) for face in kept]
        self._judge(photo, shown, places)
        return photo

    def _judge(self, photo: Photo, shown: Shown, places: Sequence[int]) -> None:
        analyses = photo.order.options.analyses
        photo.outcomes["recognition"] = shown.unrecognised or _result(
            [None for _ in places],
            embeddings=[embedding(shown.faces[place], self.model) for place in places],
        )
        if "anti_spoofing" in analyses and shown.liveness:
            photo.outcomes["anti_spoofing"] = _result([shown.liveness for _ in places])
        if "deepfake" in analyses and shown.deepfake:
            photo.outcomes["deepfake"] = _result([shown.deepfake for _ in places])


def _result(faces: Sequence[Answer | None], **more: Any) -> StageResult:  # noqa: ANN401 - members
    return StageResult(faces=faces, models=(), whole={}, **more)


def _face(number: int) -> DetectedFace:
    """The face of that number; the later the smaller, and the nearer the middle."""
    side = 30.0 - number
    box = Box(x=float(number), y=float(10 * number), width=side, height=side)
    return DetectedFace(box=box, confidence=0.9, landmarks=np.zeros((5, 2), np.float32))


class Album:
    """A collection "album" of Ada's, and who searches it."""

    def __init__(self, client: redis.Redis, **settings: Any) -> None:  # noqa: ANN401 - members
        self.client = client
        self.vault = MemoryVault()
        self.seals = VaultSeals(self.vault)
        self.stores: Identities = open_identities(client, Settings(), self.seals)
        self.searcher = LocalSearcher(
            self.stores.log,
            self.stores.persons,
            index_mb=16,
            exact_faces=1000,
            process="here:1",
        )
        self._numbers = itertools.count()
        self.stores.collections.create(
            NewCollection(
                uid=UID, id="album", owner="ada", settings=CollectionSettings(**settings)
            ),
            most=10,
            audit=AuditEvent(action="collection.created", by="ada"),
        )

    @property
    def collection(self) -> Collection:
        """As it is now."""
        return self.stores.collections.by_uid(UID)

    def person(self, id_: str, *faces: NDArray[np.float32], **more: Any) -> None:  # noqa: ANN401 - members
        """A person with these faces."""
        new = NewPerson(id=id_, name=id_.title(), **more)
        self.stores.persons.put(UID, new, audit=NOTED)
        if faces:
            self.add(id_, *faces)

    def add(
        self, person: str, *faces: NDArray[np.float32], model: EmbeddingModel = MODEL
    ) -> list[str]:
        """Further faces of a person; their ids."""
        made = [embedding(one, model) for one in faces]
        new = [self._new_face(one) for one in made]
        self.stores.persons.add_faces(UID, person, new, contract=contract_of(made[0]), audit=NOTED)
        return [one.id for one in new]

    def _new_face(self, one: Embedding) -> NewFace:
        number = next(self._numbers)
        return NewFace(
            id=f"face_{number:032x}",
            vector=stored_vector(one),
            quality=0.8,
            source_sha256=f"photo {number}",
            origin="import",
            added_by="ada",
        )

    def audited(self, action: str) -> list[AuditEvent]:
        """What was noted, the latest first."""
        page = self.stores.forgetting.audited(UID, limit=100)
        return [one.event for one in page.items if one.event.action == action]
