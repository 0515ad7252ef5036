"""A collection's change of model: the port. See `workers.identities.store`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from workers.identities.records import Collection, EmbeddingContract, Face, FaceVector
from workers.identities.trace_records import AuditEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class SkippedFace:
    """A face that has to be enrolled anew if it is to be known by the next model."""

    face_id: str
    person_id: str
    #: Why, in one word.
    reason: str


class ReembeddingStore(Protocol):
    """A collection's change of model: old vectors count until all new ones are there."""

    def without_image(self, uid: str) -> int:
        """How many faces have no kept photo that could be embedded again."""
        ...

    def begin(self, uid: str, *, model: str | None, job_id: str) -> Collection:
        """Begin a change of model; the same job's is given back.

        Raises:
            ReembeddingUnderWay: another job's is under way.
        """
        ...

    def pending(self, uid: str, job_id: str, *, limit: int) -> Sequence[Face]:
        """Faces that have no vector of the new generation; those enrolled meanwhile too.

        Raises:
            ReembeddingUnderWay: it is not this job's.
        """
        ...

    def add_vectors(
        self,
        uid: str,
        job_id: str,
        vectors: Sequence[FaceVector],
        *,
        contract: EmbeddingContract,
    ) -> Collection:
        """Add vectors of the new generation; faces that are gone are passed over.

        Raises:
            ContractMismatch: the new generation is another model's.
            ReembeddingUnderWay: it is not this job's.
        """
        ...

    def skip(self, uid: str, job_id: str, faces: Mapping[str, str]) -> None:
        """Give faces up, by id with the reason: they are pending no more, and not complete either.

        Raises:
            ReembeddingUnderWay: it is not this job's.
        """
        ...

    def skipped(self, uid: str, job_id: str, *, limit: int) -> tuple[int, Sequence[SkippedFace]]:
        """How many faces were given up, and some of them.

        Raises:
            ReembeddingUnderWay: it is not this job's.
        """
        ...

    def forget_skipped(self, uid: str, job_id: str, *, limit: int, audit: AuditEvent) -> int:
        """Delete some of the faces that were given up; how many are left.

        Args:
            uid: Of the collection.
            job_id: Whose change of model it is.
            limit: Most faces.
            audit: Noted for each of them.

        Raises:
            ReembeddingUnderWay: it is not this job's.
        """
        ...

    def switch(self, uid: str, job_id: str, *, audit: AuditEvent) -> bool:
        """Let the new vectors count from now on, in one step, and forget the old ones.

        Returns:
            False: faces without a new vector are there; nothing was changed.
        """
        ...

    def abandon(self, uid: str, job_id: str, *, audit: AuditEvent | None = None) -> bool:
        """Forget the new vectors; the old ones go on counting.

        Args:
            uid: Of the collection.
            job_id: Whose change of model it is.
            audit: Noted, if any.

        Returns:
            False: there is no change of that job's; nothing was done.
        """
        ...

    def under_way(self, *, limit: int) -> Sequence[tuple[str, str]]:
        """Collections whose model is being changed, by uid, with the job; any of them."""
        ...
