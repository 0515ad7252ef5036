"""Embedding enrolled faces by another model, from the photos that were kept of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import numpy as np

from models.errors import DeviceFault, InferenceFailed
from models.results import Embedding
from workers.contract import AnalyzeOptions
from workers.errors import BlobMissing, ImageRejected
from workers.identities.contracts import model_name
from workers.identities.embeddings import STORED, contract_of
from workers.identities.enroller import MOST_FACES
from workers.identities.errors import SealBroken
from workers.identities.kept_images import KeptImage
from workers.identities.records import Collection, Face, FaceVector
from workers.identities.store import PersonStore
from workers.photos.attempts import Ends
from workers.photos.photo import Order, Photo, PhotoPipeline
from workers.stages.stage import AnalysisUnavailable

#: Of the faces of a photo, an enrolled one is that whose embedding by the old model is the stored
#: one again. The same photo gives the same embedding but for rounding (float16: 1e-3) and what
#: devices differ by; no two faces of a photo are this much alike.
SAME_FACE = 0.95
#: Faults of a photo alone, by the reason that is told.
_FAULTS: dict[type[Exception], str] = {
    BlobMissing: "image_lost",
    SealBroken: "image_lost",
    InferenceFailed: "inference_failed",
}


class ImageReader(Protocol):
    """Opens kept photos; `workers.identities.kept_images.KeptImages`."""

    def read(self, image: KeptImage) -> bytes:
        """See KeptImages."""
        ...


@dataclass(kw_only=True, slots=True)
class Reembedded:
    """What was found of some faces."""

    #: By face id.
    embeddings: dict[str, Embedding] = field(default_factory=dict)
    #: By face id, why there is none.
    reasons: dict[str, str] = field(default_factory=dict)
    #: Whether nobody wants it any more.
    dropped: bool = False


class ReembeddedPhotos:
    """Looks at kept photos again.

    Args:
        pipeline: Finds and embeds faces.
        images: Where the photos are.
        persons: Has the former embeddings.
        ends: Errors that end the whole job, such as a time limit's.
    """

    def __init__(
        self, pipeline: PhotoPipeline, images: ImageReader, persons: PersonStore, ends: Ends = ()
    ) -> None:
        self._pipeline = pipeline
        self._images = images
        self._persons = persons
        self._ends = ends

    def look(
        self,
        collection: Collection,
        faces: Sequence[Face],
        *,
        model: str | None,
        is_wanted: Callable[[], bool],
    ) -> Reembedded:
        """Embed faces by a model.

        Args:
            collection: Whose faces they are.
            faces: At least one.
            model: By name; None: the default one.
            is_wanted: See workers.work.Work.

        Raises:
            Exception: what is no photo's own fault.
        """
        found = Reembedded()
        found.reasons = {face.id: "no_image" for face in faces if not face.image_key}
        faces = [face for face in faces if face.image_key]
        several = []
        for face, photo in zip(faces, self._photos(faces, model, is_wanted), strict=True):
            _take_down(found, face, photo)
            if face.id not in found.reasons and len(photo.embeddings) > 1:
                several.append((face, photo.embeddings))
            elif face.id not in found.reasons:
                found.embeddings[face.id] = photo.embeddings[0]
        if several and not found.dropped:
            self._tell_apart(found, collection, several, is_wanted)
        return found

    def _tell_apart(
        self,
        found: Reembedded,
        collection: Collection,
        several: Sequence[tuple[Face, Sequence[Embedding]]],
        is_wanted: Callable[[], bool],
    ) -> None:
        """Of photos with several faces: by the old model, which of them was enrolled."""
        faces = [face for face, _ in several]
        former = {
            one.face_id: one
            for one in self._persons.vectors(collection.uid, [face.id for face in faces])
        }
        old = self._photos(faces, model_name(collection), is_wanted)
        for (face, new), photo in zip(several, old, strict=True):
            try:
                _take_down(found, face, photo)
            except AnalysisUnavailable:
                found.reasons[face.id] = "former_model_missing"
            if face.id in found.reasons or face.id not in former:
                continue
            place = _again(former[face.id], photo.embeddings, collection)
            if place is None or len(photo.embeddings) != len(new):
                found.reasons[face.id] = "face_not_found_again"
            else:
                found.embeddings[face.id] = new[place]

    def _photos(
        self, faces: Sequence[Face], model: str | None, is_wanted: Callable[[], bool]
    ) -> Sequence[Photo]:
        options = AnalyzeOptions(
            analyses=("recognition",), max_faces=MOST_FACES, recognition_model=model
        )
        orders = [
            Order(
                read=partial(
                    self._images.read, KeptImage(key=face.image_key, secret=face.image_secret)
                ),
                options=options,
                is_wanted=is_wanted,
            )
            for face in faces
        ]
        return self._pipeline.look_many(orders, ends=self._ends) if orders else ()


def _take_down(found: Reembedded, face: Face, photo: Photo) -> None:
    """Note why a photo gives no embedding, if it is the photo's own fault."""
    if photo.dropped:
        found.dropped = True
        found.reasons.setdefault(face.id, "dropped")
    elif isinstance(photo.failure, ImageRejected):
        found.reasons[face.id] = photo.failure.code
    elif photo.failure:
        found.reasons[face.id] = _reason(photo.failure)
    elif not photo.embeddings:
        found.reasons[face.id] = "face_not_found"


def _reason(failure: Exception) -> str:
    for kind, reason in _FAULTS.items():
        if isinstance(failure, kind) and not isinstance(failure, DeviceFault):
            return reason
    raise failure


def _again(former: FaceVector, found: Sequence[Embedding], collection: Collection) -> int | None:
    """The place of the face that has the stored embedding; None: it is none of them."""
    if any(contract_of(one) != collection.contract for one in found):
        return None  # the old model is not here any more
    stored = np.frombuffer(former.vector, STORED).astype(np.float32)
    similarities = np.stack([one.vector for one in found]) @ stored / np.linalg.norm(stored)
    place = int(similarities.argmax())
    return place if similarities[place] >= SAME_FACE else None
