"""Jobs that change a collection's model: in turns, resumable, and counting only when complete."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from models.errors import DeviceFault
from workers.errors import BlobStoreFailed, StoreUnavailable
from workers.identities.embeddings import contract_of, stored_vector
from workers.identities.errors import ContractMismatch, VaultUnavailable
from workers.identities.opening import Identities
from workers.identities.records import Collection, FaceVector
from workers.identities.reembed_answer import FaceToEnrollAnswer, ReembedAnswer
from workers.identities.reembed_photos import ReembeddedPhotos
from workers.identities.trace_records import AuditAction, AuditEvent
from workers.jobs.options import ReembedOptions
from workers.jobs.store import Claim, JobStore
from workers.work import TurnOver

#: Faces embedded together; what is done is stored after each such step.
STEP_FACES = 16
#: Faces forgotten in one call of the store.
FORGOTTEN_FACES = 100
#: Most faces an answer names.
MOST_TOLD = 1000
#: A turn lasts so long at most.
TURN_SECONDS = 60.0
#: Before a turn ends because something is away.
PAUSE_SECONDS = 2.0

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Turns:
    """How work that takes long is done a part at a time."""

    #: A turn ends after this time.
    seconds: float
    #: Does what waits in this worker's interactive queue; called between steps.
    serve_interactive: Callable[[], None]
    #: Seconds that only grow.
    clock: Callable[[], float] = time.monotonic
    #: Waits so many seconds.
    pause: Callable[[float], None] = time.sleep


@dataclass(frozen=True, kw_only=True, slots=True)
class _Change:
    claim: Claim
    options: ReembedOptions
    collection: Collection

    @property
    def uid(self) -> str:
        return self.collection.uid

    @property
    def job_id(self) -> str:
        return self.claim.job.id

    def event(self, action: AuditAction, **detail: str) -> AuditEvent:
        """Something that is noted."""
        return AuditEvent(
            action=action,
            by=self.options.by,
            credential_id=self.options.credential_id,
            cause=self.job_id,
            detail=detail,
        )


class ReembedWork:
    """See workers.work.Work; a job has no blob.

    A turn ends after a while, and the job is queued again: interactive jobs don't wait for it, and
    no time limit strikes it. Every step is stored, so whoever goes on embeds nothing twice.

    Args:
        identities: The stores of known people.
        photos: Embeds faces again.
        jobs: Whether the job's end was asked for.
        turns: How long one lasts.
    """

    def __init__(
        self,
        identities: Identities,
        photos: ReembeddedPhotos,
        jobs: JobStore,
        turns: Turns,
    ) -> None:
        self._identities = identities
        self._store = identities.reembedding
        self._photos = photos
        self._jobs = jobs
        self._turns = turns

    def run(self, claim: Claim, *, is_wanted: Callable[[], bool]) -> ReembedAnswer | None:
        """See Work."""
        options = claim.job.options
        assert isinstance(options, ReembedOptions)  # noqa: S101 - the runner's mapping
        collection = self._store.begin(options.collection, model=options.model, job_id=claim.job.id)
        change = _Change(claim=claim, options=options, collection=collection)
        if collection.reembedding is None:
            # It was done by a worker that died before it could say so.
            return self._answer(change, switched=True)
        # Hours of work are not begun for what is known to fail.
        if not options.drop_without_image and self._store.without_image(change.uid):
            return self._given_up(change)
        try:
            return self._turn(change, is_wanted)
        except (TurnOver, DeviceFault):
            raise
        except (StoreUnavailable, VaultUnavailable, BlobStoreFailed) as error:
            _log.warning("reembedding.interrupted", job_id=change.job_id, error=str(error))
            self._turns.pause(PAUSE_SECONDS)
            raise TurnOver("Something it needs is away.") from error
        except Exception:
            if is_wanted():
                self._store.abandon(change.uid, change.job_id)
            raise

    def _turn(self, change: _Change, is_wanted: Callable[[], bool]) -> ReembedAnswer | None:
        deadline = self._turns.clock() + self._turns.seconds
        while is_wanted():
            if answer := self._step(change, is_wanted):
                return answer
            if self._turns.clock() > deadline:
                raise TurnOver("The change of model goes on later.")
            self._turns.serve_interactive()
        # Its end was asked for; or it is another worker's by now, which goes on with it.
        if self._jobs.get(change.job_id).cancel_asked:
            self._store.abandon(change.uid, change.job_id)
        return None

    def _step(self, change: _Change, is_wanted: Callable[[], bool]) -> ReembedAnswer | None:
        """Embed some faces; when none is left, the end."""
        faces = self._store.pending(change.uid, change.job_id, limit=STEP_FACES)
        if not faces:
            return self._end(change)
        found = self._photos.look(
            change.collection, faces, model=change.options.model, is_wanted=is_wanted
        )
        if found.dropped:
            return None
        contracts = {contract_of(one) for one in found.embeddings.values()}
        vectors = [
            FaceVector(
                face_id=face.id,
                person_id=face.person_id,
                vector=stored_vector(found.embeddings[face.id]),
            )
            for face in faces
            if face.id in found.embeddings
        ]
        if len(contracts) > 1:
            raise ContractMismatch
        for contract in contracts:
            self._store.add_vectors(change.uid, change.job_id, vectors, contract=contract)
        if found.reasons:
            self._store.skip(change.uid, change.job_id, found.reasons)
        return None

    def _end(self, change: _Change) -> ReembedAnswer | None:
        """Switch, once those that can't be embedded are gone; None: more have come meanwhile."""
        count, _ = self._store.skipped(change.uid, change.job_id, limit=1)
        if count and not change.options.drop_without_image:
            return self._given_up(change)
        left = count
        while left:
            left = self._store.forget_skipped(
                change.uid,
                change.job_id,
                limit=FORGOTTEN_FACES,
                audit=change.event("face.deleted", reason="not_embeddable"),
            )
        event = change.event("collection.model_changed", dropped=str(count))
        if not self._store.switch(change.uid, change.job_id, audit=event):
            return None
        return self._answer(change, switched=True, dropped=count)

    def _given_up(self, change: _Change) -> ReembedAnswer:
        """Leave everything as it was, and tell which faces stand in the way."""
        uid, job_id = change.uid, change.job_id
        if not self._store.skipped(uid, job_id, limit=1)[0]:
            lacking = self._store.pending(uid, job_id, limit=MOST_TOLD)
            self._store.skip(
                uid, job_id, {face.id: "no_image" for face in lacking if not face.image_key}
            )
        count, some = self._store.skipped(uid, job_id, limit=MOST_TOLD)
        count = max(count, self._store.without_image(uid))
        self._store.abandon(uid, job_id)
        told = [
            FaceToEnrollAnswer(face_id=one.face_id, person_id=one.person_id, reason=one.reason)
            for one in some
        ]
        return self._answer(change, switched=False, unembeddable=count, to_enroll=tuple(told))

    def _answer(
        self,
        change: _Change,
        *,
        switched: bool,
        dropped: int = 0,
        unembeddable: int = 0,
        to_enroll: tuple[FaceToEnrollAnswer, ...] = (),
    ) -> ReembedAnswer:
        after = self._identities.collections.by_uid(change.uid)
        made_by = after.contract
        return ReembedAnswer(
            collection=after.id,
            switched=switched,
            model=made_by.model if made_by else None,
            sha256=made_by.sha256 if made_by else None,
            preprocessing_version=made_by.preprocessing_version if made_by else None,
            faces=after.faces,
            dropped=dropped,
            unembeddable=unembeddable,
            to_enroll=to_enroll,
            version=after.version,
        )
