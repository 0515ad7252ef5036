"""Faces of a collection to calibrate it on: all of them, or of whole persons a fixed part."""

import hashlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from workers.identities.calibration import FaceSample
from workers.identities.embeddings import matrix_of
from workers.identities.records import EmbeddingContract, FaceVector
from workers.identities.store import FaceLog

#: Of larger collections persons with about so many faces are taken: their 50 million pairs support
#: a false accept rate of 1e-6, in a few seconds.
MOST_FACES = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class CollectionSample:
    """A part of a collection."""

    sample: FaceSample
    contract: EmbeddingContract
    #: Version of the collection when the reading began.
    version: int
    #: Faces of the whole collection then.
    faces: int


def read_sample(
    log: FaceLog, uid: str, *, is_wanted: Callable[[], bool], most_faces: int = MOST_FACES
) -> CollectionSample | None:
    """Read the faces of a collection, page by page.

    Args:
        log: Where they are.
        uid: Of the collection.
        is_wanted: Asked between pages.
        most_faces: Beyond about so many a part is taken: the same one at each call.

    Returns:
        None: there is no face, or nobody wants it any more.

    Raises:
        CollectionNotFound: there is no such collection.
        StoreUnavailable: the store does not answer.
    """
    while True:
        head = log.head(uid)
        if head.contract is None:
            return None
        drawn = _Drawn(most_faces=most_faces)
        cursor = None
        while cursor != "":
            if not is_wanted():
                return None
            page = log.scan(uid, cursor=cursor or "")
            for face in page.vectors:
                drawn.add(face)
            cursor = page.cursor
        # Two models' vectors must not be mixed: if the model was changed meanwhile, begin anew.
        if log.head(uid).generation == head.generation:
            break
    faces = drawn.taken()
    if not faces:
        # The last was deleted meanwhile.
        return None
    return CollectionSample(
        sample=FaceSample(
            vectors=matrix_of(faces, dimensions=head.contract.dimensions),
            persons=tuple(face.person_id for face in faces),
        ),
        contract=head.contract,
        version=head.place.version,
        faces=head.faces,
    )


@dataclass(kw_only=True, slots=True)
class _Drawn:
    """The persons whose ids have the lowest hashes, with all of their faces."""

    most_faces: int
    _persons: defaultdict[str, dict[str, FaceVector]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    _highest: bytes = b"\xff" * 9
    _faces: int = 0

    def add(self, face: FaceVector) -> None:
        """Take a face up, unless its person is not drawn; a face that came before stays once."""
        if _order(face.person_id) > self._highest:
            return
        known = self._persons[face.person_id]
        self._faces += face.face_id not in known
        known[face.face_id] = face
        if self._faces > 2 * self.most_faces:
            self._leave_out()

    def taken(self) -> list[FaceVector]:
        """The faces of those drawn, in an order of their own."""
        self._leave_out()
        ranked = sorted(self._persons, key=_order)
        return [face for person in ranked for _, face in sorted(self._persons[person].items())]

    def _leave_out(self) -> None:
        """Keep whole persons until there are faces enough."""
        kept = 0
        for person in sorted(self._persons, key=_order):
            if kept >= self.most_faces:
                del self._persons[person]
                continue
            kept += len(self._persons[person])
            last = person
        if kept >= self.most_faces:
            self._highest = _order(last)
        self._faces = kept


def _order(person_id: str) -> bytes:
    # The key is the seed: whoever measures a collection again measures the same persons.
    return hashlib.blake2b(person_id.encode(), digest_size=8, key=b"calibration").digest()
