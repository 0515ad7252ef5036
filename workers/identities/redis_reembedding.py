"""Changes of model on Redis or Valkey: two generations of vectors, and one switch."""

from collections.abc import Mapping, Sequence
from typing import Any

from workers.identities.collection_hashes import collection_of, contract_text, event_text
from workers.identities.errors import ContractMismatch, KeyDestroyed, ReembeddingUnderWay
from workers.identities.face_records import (
    NO_DETAILS,
    face_ids_of,
    face_of,
    face_record,
    id_bytes,
    with_vector,
)
from workers.identities.records import Collection, EmbeddingContract, Face, FaceVector
from workers.identities.reembedding_store import SkippedFace
from workers.identities.refusals import ATTEMPTS, busy
from workers.identities.scripts import IdentityScripts
from workers.identities.sealing import Sealing
from workers.identities.trace_records import AuditEvent

#: Values of a pending face in a script's answer: id, record, image key.
_PENDING_WIDTH = 3


class RedisReembedding:
    """ReembeddingStore.

    Args:
        scripts: With the keys of collections.
    """

    def __init__(self, scripts: IdentityScripts) -> None:
        self._scripts = scripts
        self._sealing = Sealing(scripts)

    def without_image(self, uid: str) -> int:
        """See ReembeddingStore."""
        _, [count] = self._scripts.about("images_missing", uid)
        return int(count)

    def begin(self, uid: str, *, model: str | None, job_id: str) -> Collection:
        """See ReembeddingStore."""
        return collection_of(uid, self._asked("reembed_begin", uid, model or "", job_id)[0])

    def pending(self, uid: str, job_id: str, *, limit: int) -> Sequence[Face]:
        """See ReembeddingStore."""
        outcome = "more"
        while outcome == "more":
            outcome, told = self._scripts.about("reembed_pending", uid, job_id, limit)
        if outcome == "other":
            raise ReembeddingUnderWay
        generation, *rest = told
        found = []
        for place in range(0, len(rest), _PENDING_WIDTH):
            [face_id], record = face_ids_of(rest[place]), face_record(rest[place + 1])
            plain = self._sealing.open_face(uid, face_id, record, int(generation))
            image = rest[place + 2].decode()
            # One that can't be opened counts as well: it must be deleted before all can be there.
            found.append(face_of(face_id, record, plain or NO_DETAILS, image))
        return tuple(found)

    def add_vectors(
        self,
        uid: str,
        job_id: str,
        vectors: Sequence[FaceVector],
        *,
        contract: EmbeddingContract,
    ) -> Collection:
        """See ReembeddingStore."""
        left = {face.face_id: face.vector for face in vectors}
        for _ in range(ATTEMPTS):
            rows = self._rows(uid, job_id, left)
            view, *moved = self._asked("reembed_add", uid, job_id, contract_text(contract), *rows)
            again = {face_ids_of(face)[0] for face in moved}
            left = {face_id: vector for face_id, vector in left.items() if face_id in again}
            if not left:
                return collection_of(uid, view)
        raise busy()

    def _rows(self, uid: str, job_id: str, vectors: dict[str, bytes]) -> list[bytes | int]:
        """What `reembed_add` takes of each face that is (still) there."""
        _, [view] = self._scripts.about("collection_read", uid)
        change = collection_of(uid, view).reembedding
        if change is None or change.job_id != job_id:
            raise ReembeddingUnderWay
        ids = [id_ for id_ in map(id_bytes, vectors) if id_]
        _, [generation, *rest] = self._scripts.about("faces_read", uid, *ids)
        rows: list[bytes | int] = []
        for id_, row in zip(ids, rest[::2], strict=True):
            if not row:
                continue
            [face_id], record = face_ids_of(id_), face_record(row)
            plain = self._sealing.open_face(uid, face_id, record, int(generation))
            if plain is None:
                continue
            anew = with_vector(plain, vectors[face_id])
            try:
                sealed = self._sealing.seal_face(uid, record.leaf, face_id, change.generation, anew)
            except KeyDestroyed:
                continue
            rows += [id_, record.leaf, sealed]
        return rows

    def skip(self, uid: str, job_id: str, faces: Mapping[str, str]) -> None:
        """See ReembeddingStore."""
        known = [(id_bytes(face_id), reason) for face_id, reason in faces.items()]
        rows = [part for id_, reason in known if id_ for part in (id_, reason)]
        self._asked("reembed_skip", uid, job_id, *rows)

    def skipped(self, uid: str, job_id: str, *, limit: int) -> tuple[int, Sequence[SkippedFace]]:
        """See ReembeddingStore."""
        count, *rest = self._asked("reembed_skipped", uid, job_id, limit)
        faces = [
            SkippedFace(
                face_id=face_ids_of(face)[0], person_id=person.decode(), reason=reason.decode()
            )
            for face, person, reason in zip(rest[::3], rest[1::3], rest[2::3], strict=True)
        ]
        return int(count), faces

    def forget_skipped(self, uid: str, job_id: str, *, limit: int, audit: AuditEvent) -> int:
        """See ReembeddingStore."""
        [left] = self._asked("reembed_forget", uid, job_id, limit, event_text(audit))
        return int(left)

    def switch(self, uid: str, job_id: str, *, audit: AuditEvent) -> bool:
        """See ReembeddingStore."""
        outcome, _ = self._scripts.about("reembed_switch", uid, job_id, event_text(audit))
        if outcome == "other":
            raise ReembeddingUnderWay
        return outcome == "done"

    def abandon(self, uid: str, job_id: str, *, audit: AuditEvent | None = None) -> bool:
        """See ReembeddingStore."""
        event = event_text(audit) if audit else ""
        _, [was_there] = self._scripts.about("reembed_abandon", uid, job_id, event)
        return bool(was_there)

    def under_way(self, *, limit: int) -> Sequence[tuple[str, str]]:
        """See ReembeddingStore."""
        flat = [part.decode() for part in self._scripts.call("reembed_under_way", limit)]
        return tuple(zip(flat[::2], flat[1::2], strict=True))

    def _asked(self, name: str, uid: str, *args: str | bytes | int) -> Sequence[Any]:
        """What a script answers, unless the change of model is another job's."""
        outcome, told = self._scripts.about(name, uid, *args)
        if outcome == "other":
            raise ReembeddingUnderWay
        if outcome == "mismatch":
            raise ContractMismatch
        return told
