"""An enroller whose photos say what comes of them; what it added stays added, as in a store."""

import dataclasses
from collections.abc import Callable, Sequence

from workers.answers.analysis import BoxAnswer
from workers.errors import StoreUnavailable
from workers.identities.answers import EnrolledPhotoAnswer, SimilarPersonAnswer
from workers.identities.enroll_order import EnrollOrder
from workers.identities.errors import PersonNotFound, VaultUnavailable
from workers.photos.attempts import Ends

#: Content of a photo -> why it is refused.
REFUSED = {b"nobody": "face_not_found", b"alike": "identity_similarity_conflict"}
FAULTS: dict[bytes, Callable[[], Exception | SystemExit]] = {
    b"forgotten": lambda: PersonNotFound("There is no such person in the collection."),
    b"away": StoreUnavailable,
    b"locked": VaultUnavailable,
    b"stops": SystemExit,
}


@dataclasses.dataclass(kw_only=True)
class ScriptedEnroller:
    """See workers.identities.enroller.Enroller."""

    orders: list[EnrollOrder] = dataclasses.field(default_factory=list)
    #: Ids of the faces that were added.
    added: set[str] = dataclasses.field(default_factory=set)
    #: How often stores that are away answer so before they are back.
    away: int = 1
    #: Called when all faces of a call were added, before it is answered.
    meanwhile: Callable[[], object] = bool

    def enroll(
        self, orders: Sequence[EnrollOrder], *, ends: Ends = ()
    ) -> list[EnrolledPhotoAnswer | Exception | None]:
        del ends
        self.orders += orders
        answers = [self._one(order) for order in orders]
        self.meanwhile()
        return answers

    def _one(self, order: EnrollOrder) -> EnrolledPhotoAnswer | Exception | None:
        if not order.is_wanted():
            return None
        content = order.read()
        is_away = content in {b"away", b"locked"}
        if content in FAULTS and not (is_away and self.away <= 0):
            self.away -= is_away
            error = FAULTS[content]()
            if isinstance(error, Exception):
                return error
            raise error
        if reason := REFUSED.get(content):
            return _answer(order, None, reason)
        is_known = order.face_id in self.added
        self.added.add(order.face_id)
        return _answer(order, "known" if is_known else "added", None)


def _answer(order: EnrollOrder, outcome: str | None, reason: str | None) -> EnrolledPhotoAnswer:
    similar = SimilarPersonAnswer(person_id="ben", similarity=0.61, threshold=0.5)
    return EnrolledPhotoAnswer.model_validate(
        {
            "index": order.index,
            "filename": order.filename,
            "outcome": outcome or "refused",
            "face_id": order.face_id if outcome else None,
            "reasons": (reason,) if reason else (),
            "warnings": (),
            "message": "It was refused." if reason else "",
            "faces_found": 1,
            "bbox": BoxAnswer(x=1, y=1, width=2, height=2),
            "quality_score": 0.8,
            "similar_to": similar if reason == "identity_similarity_conflict" else None,
        }
    )
