"""The answers of enrolment and verification as users see them, documented field by field."""

from typing import Literal

from workers.answers.analysis import BoxAnswer
from workers.answers.identity import (
    IdentificationAnswer,
    IdentityAnswer,
    MeasuredThresholdAnswer,
)
from workers.answers.part import Answer
from workers.answers.sealed_person import SealedPersonAnswer
from workers.answers.work import WorkAnswer

#: What became of a photo. added: its face is enrolled. known: the same call had enrolled it before
#: it was repeated. duplicate: the person has a face of the same photo. refused: see its reasons.
PhotoOutcome = Literal["added", "known", "duplicate", "refused"]


class SimilarPersonAnswer(Answer):
    """Another person whom a face resembles."""

    person_id: str
    #: Cosine with the most similar face of that person, -1 to 1, and the threshold it reaches.
    similarity: float
    threshold: float


class EnrolledPhotoAnswer(Answer):
    """What became of one photo of an enrolment."""

    #: Its place in the call, from 0.
    index: int
    #: As it was called when it was sent; "" without a name.
    filename: str
    outcome: PhotoOutcome
    #: Id of the enrolled face; null when it was refused.
    face_id: str | None
    #: Why it was refused, the first reason first; empty when it was not. face_not_found,
    #: multiple_faces, face_too_small, low_quality, blurred, too_dark, too_bright, extreme_pose,
    #: at_edge, not_upright, spoof_suspected, liveness_uncertain, liveness_not_judged,
    #: manipulated_suspected, authenticity_uncertain, authenticity_not_judged, another_person (than
    #: the call's other photos show), identity_similarity_conflict, similarity_not_checked,
    #: person_full, image_undecodable, image_truncated, image_too_large, animated_image, image_lost,
    #: inference_failed.
    reasons: tuple[str, ...]
    #: What to know of a photo that was enrolled all the same: the same words.
    warnings: tuple[str, ...]
    #: What happened and what to do; "" when it was enrolled without warnings.
    message: str
    #: Faces in the photo; null when it could not be read.
    faces_found: int | None
    #: The face that was taken, and how well it can be recognised, 0 to 1; null without one.
    bbox: BoxAnswer | None
    quality_score: float | None
    #: Another person whom the face resembles; null when there is none.
    similar_to: SimilarPersonAnswer | None


class EnrollmentAnswer(WorkAnswer):
    """What became of the photos of one person."""

    #: The collection by its owner's name.
    collection: str
    person: SealedPersonAnswer
    #: Faces of the person afterwards.
    person_faces: int
    #: Photos whose face was added by this job, and photos that were refused.
    accepted: int
    refused: int
    #: Every photo, in order.
    photos: tuple[EnrolledPhotoAnswer, ...]
    #: Version of the collection: an index that has followed so far has the faces.
    version: int
    #: What made the embeddings; null when none was made.
    model: str | None
    sha256: str | None
    preprocessing_version: str | None


class VerifiedFaceAnswer(Answer):
    """The face of the photo that was compared."""

    bbox: BoxAnswer
    #: Faces in the photo, this one included.
    faces: int
    #: How well it can be compared, 0 to 1; see docs/explanation/quality.md.
    quality_score: float


class PersonVerificationAnswer(WorkAnswer):
    """Whether a photo shows a known person."""

    #: The collection by its owner's name.
    collection: str
    person: SealedPersonAnswer
    #: Whether the similarity reaches the threshold and the face is what `require` asks for.
    is_match: bool
    #: Cosine with the most similar of the person's faces, -1 to 1; no probability and no
    #: percentage. Null when nothing was compared: see reasons.
    similarity: float | None
    #: The enrolled face it is most similar to; null when nothing was compared.
    face_id: str | None
    #: Faces of the person that were compared.
    compared: int
    #: Similarity from which on it is a match, where it comes from ("preset", "calibrated",
    #: "fixed", "request"), and the false accept rate of one comparison; null when it was chosen.
    threshold: float
    source: str
    far: float | None
    #: Share of strangers who are taken for the person at most, among so many faces; null when the
    #: rate is unknown.
    expected_far: float | None
    #: Why it is no match: below_threshold, no_faces (the person has none), or what `require` found
    #: (see IdentityAnswer). Empty when it is.
    reasons: tuple[str, ...]
    #: Everything that was measured, by falling false accept rate; and on what.
    thresholds: tuple[MeasuredThresholdAnswer, ...]
    origin: str | None
    face: VerifiedFaceAnswer
    model: str
    sha256: str
    preprocessing_version: str


class SearchAnswer(WorkAnswer):
    """Whose embeddings are."""

    identification: IdentificationAnswer
    #: One for each embedding, in their order.
    identities: tuple[IdentityAnswer, ...]
