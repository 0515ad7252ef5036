"""Jobs that ask whether a photo shows a known person."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from models.results import DetectedFace, Embedding, Image
from models.spec import VerificationThresholds
from workers.blobs.store import BlobStore
from workers.contract import AnalyzeOptions
from workers.errors import NoFace
from workers.gates import gate_analyses
from workers.identities.answers import PersonVerificationAnswer, VerifiedFaceAnswer
from workers.identities.contracts import model_name
from workers.identities.embeddings import contract_of, matrix_of
from workers.identities.enroller import MOST_FACES
from workers.identities.errors import ContractMismatch
from workers.identities.levels import VerifyLevels
from workers.identities.opening import Identities
from workers.identities.records import Collection
from workers.identities.threshold_answers import measured_thresholds
from workers.identities.thresholds import collection_thresholds
from workers.identities.told_persons import sealed_now
from workers.identities.trace_records import AuditEvent
from workers.jobs.options import VerifyOptions
from workers.jobs.store import Claim
from workers.photos.attempts import Ends
from workers.photos.photo import Order, Photo, PhotoPipeline
from workers.stages.chosen import chosen_face
from workers.stages.face import box_answer


@dataclass(frozen=True, kw_only=True, slots=True)
class _Compared:
    """The face of a photo beside a person's."""

    #: Cosine with the most similar face and its id; None: nothing was compared.
    similarity: float | None
    face_id: str | None
    #: Faces the person has.
    faces: int


class VerifyWork:
    """See workers.work.Work; a job's blob is the photo.

    Args:
        identities: The stores of known people.
        pipeline: Finds, measures and embeds faces.
        blobs: Where photos are.
        presets: Thresholds measured for recognition models, by id.
        ends: Errors that end the whole job, such as a time limit's.
    """

    def __init__(
        self,
        identities: Identities,
        pipeline: PhotoPipeline,
        blobs: BlobStore,
        presets: Mapping[str, VerificationThresholds],
        ends: Ends = (),
    ) -> None:
        self._identities = identities
        self._pipeline = pipeline
        self._blobs = blobs
        self._presets = presets
        self._ends = ends

    def run(
        self, claim: Claim, *, is_wanted: Callable[[], bool]
    ) -> PersonVerificationAnswer | None:
        """See Work."""
        options = claim.job.options
        assert isinstance(options, VerifyOptions)  # noqa: S101 - the runner's mapping
        collection = self._identities.collections.by_uid(options.collection)
        # Before anything is done for somebody who is not there.
        leaf = self._identities.persons.get(collection.uid, options.person).leaf
        [key] = claim.job.blob_keys
        photo = self._look(key, options, collection, is_wanted)
        if photo.dropped:
            return None
        if photo.failure:
            raise photo.failure
        if not photo.found.faces:
            raise NoFace("The photo shows no face. Send one that does.")
        return self._judge(photo, options, collection, leaf=leaf, cause=claim.job.id)

    def _look(
        self,
        key: str,
        options: VerifyOptions,
        collection: Collection,
        is_wanted: Callable[[], bool],
    ) -> Photo:
        def choose(image: Image, faces: Sequence[DetectedFace]) -> Sequence[DetectedFace]:
            return [chosen_face(faces, image, options.face)] if faces else ()

        order = Order(
            read=partial(self._blobs.get, key),
            options=AnalyzeOptions(
                analyses=("recognition", *gate_analyses(options.require)),
                max_faces=MOST_FACES,
                recognition_model=model_name(collection),
            ),
            is_wanted=is_wanted,
            choose=choose,
        )
        [photo] = self._pipeline.look_many([order], ends=self._ends)
        return photo

    def _judge(
        self,
        photo: Photo,
        options: VerifyOptions,
        collection: Collection,
        *,
        leaf: int,
        cause: str,
    ) -> PersonVerificationAnswer:
        [embedding] = photo.embeddings
        contract = contract_of(embedding)
        rules = collection_thresholds(collection, contract, self._presets)
        levels = rules.verify(far=options.far, threshold=options.threshold)
        refusals = photo.refusals(0, options.require)
        compared = self._compared(embedding, options, collection, refused=bool(refusals))
        reasons = refusals or _reasons(compared, levels)
        # Last of all: somebody who was deleted meanwhile is nobody's match, and their faces are no
        # match of who was made anew under their id.
        person, told = sealed_now(self._identities, collection.uid, options.person, leaf=leaf)
        self._audit(options, person.id, is_match=not reasons, cause=cause)
        rate = None if levels.far is None else min(1.0, levels.far * max(1, compared.faces))
        return PersonVerificationAnswer(
            collection=collection.id,
            person=told,
            is_match=not reasons,
            similarity=compared.similarity,
            face_id=compared.face_id,
            compared=0 if refusals else compared.faces,
            threshold=levels.threshold,
            source=levels.source,
            far=levels.far,
            expected_far=rate,
            reasons=reasons,
            thresholds=measured_thresholds(levels.points),
            origin=levels.origin,
            face=_verified_face(photo),
            model=contract.model,
            sha256=contract.sha256,
            preprocessing_version=contract.preprocessing_version,
        )

    def _audit(self, options: VerifyOptions, person_id: str, *, is_match: bool, cause: str) -> None:
        self._identities.forgetting.audit(
            options.collection,
            AuditEvent(
                action="verified",
                by=options.by,
                credential_id=options.credential_id,
                cause=cause,
                person_ids=(person_id,),
                detail={"decision": "match" if is_match else "no_match"},
            ),
        )

    def _compared(
        self,
        embedding: Embedding,
        options: VerifyOptions,
        collection: Collection,
        *,
        refused: bool,
    ) -> _Compared:
        """The face beside all of the person's; one that was refused is compared with none."""
        contract = contract_of(embedding)
        if collection.contract not in {None, contract}:
            raise ContractMismatch
        persons = self._identities.persons
        faces = [one.id for one in persons.faces(collection.uid, options.person)]
        vectors = persons.vectors(collection.uid, faces) if faces and not refused else ()
        if not vectors:
            return _Compared(similarity=None, face_id=None, faces=len(faces))
        rows = matrix_of(vectors, dimensions=contract.dimensions)
        similarities = rows @ embedding.vector
        best = int(similarities.argmax())
        return _Compared(
            similarity=min(1.0, max(-1.0, float(similarities[best]))),
            face_id=vectors[best].face_id,
            faces=len(vectors),
        )


def _reasons(compared: _Compared, levels: VerifyLevels) -> tuple[str, ...]:
    """Why it is no match; empty when it is."""
    if compared.similarity is None:
        return ("no_faces",)
    return () if compared.similarity >= levels.threshold else ("below_threshold",)


def _verified_face(photo: Photo) -> VerifiedFaceAnswer:
    return VerifiedFaceAnswer(
        bbox=box_answer(photo.found.faces[0].box, photo.image),
        faces=photo.faces_found,
        quality_score=photo.qualities[0].score,
    )
