"""Who a face is, as users see it: of photos, videos and live frames alike.

Similarities are raw cosines, -1 to 1: no probabilities and no percentages. Nobody is named below
the similarity from which on a face is "uncertain". Persons are sealed where workers answer them;
who asks is told a KnownPersonAnswer in their place.
"""

from typing import Literal

from workers.answers.part import Answer
from workers.answers.sealed_person import SealedPersonAnswer

#: match: the person is named. uncertain: persons are listed, none is named. unknown: neither.
DecisionName = Literal["match", "uncertain", "unknown"]


#: Why a person can't be told of. forgotten: they were deleted since. keys_unavailable: the key
#: vault can't be read now. damaged: what is stored of them is not what was written.
UnreadableReason = Literal["forgotten", "keys_unavailable", "damaged"]


class KnownPersonAnswer(Answer):
    """A known person, as the collection's owner described them when the answer was found."""

    #: The client's id of the person.
    id: str
    #: Null where `unreadable` says why; so are the next two.
    name: str | None
    #: The client's own key in another system; "" without one.
    external_id: str | None
    metadata: dict[str, str | int | float | bool | None] | None
    #: forgotten (the person was deleted since), keys_unavailable (the key vault can't be read now:
    #: ask again) or damaged. Left out of persons who can be told of.
    unreadable: UnreadableReason | None = None


class CandidateAnswer(Answer):
    """A known person a face resembles, by the most similar of the person's faces."""

    person: SealedPersonAnswer
    #: The enrolled face.
    face_id: str
    #: Cosine with it, -1 to 1.
    similarity: float


class IdentityAnswer(Answer):
    """Who a face is."""

    #: "match", "uncertain" or "unknown".
    decision: DecisionName
    #: Who it is; null unless the decision is "match".
    person: SealedPersonAnswer | None
    #: Persons at or above the uncertain threshold, the most similar first; empty of "unknown".
    candidates: tuple[CandidateAnswer, ...]
    #: Cosine with the most similar face of the collection, of "unknown" too; null where nothing
    #: was compared.
    similarity: float | None
    #: Distance in similarity of the best person to the second, 0 to 2; null with fewer than two.
    margin: float | None
    #: Why: above_threshold; near_threshold, too_close (the second person is nearer than the
    #: margin), fpir_unsupported (it reaches what was measured, not what so many
    #: faces need);
    #: below_threshold, no_faces. Or what `require` found: spoof_suspected, liveness_uncertain,
    #: liveness_not_judged, manipulated_suspected, authenticity_uncertain, authenticity_not_judged.
    #: Of people in videos also low_quality: no frame shows the face well enough.
    reasons: tuple[str, ...]


class MatchAnswer(Answer):
    """A known person a face resembles, in short; the face's `identity` has the whole."""

    person_id: str
    similarity: float


class MeasuredThresholdAnswer(Answer):
    """A measured similarity, and what it lets through in one comparison of two faces."""

    #: False accept rate: share of pairs of strangers that reach the similarity.
    far: float
    similarity: float
    #: True accept rate: share of pairs of one person that reach it; null where not measured.
    tar: float | None
    #: The highest the false accept rate may really be: of a calibration the upper end of its 95 %
    #: interval, of a preset the rate itself.
    far_limit: float


class IdentificationAnswer(Answer):
    """How the faces of an image, a video or a frame were named."""

    #: The collection by its owner's name.
    collection: str
    #: Version of the collection that was searched, and how much there was in it.
    version: int
    persons: int
    faces: int
    #: "exact", "codes" (short codes first, then exactly) or "pgvector"; "none" where no face had to
    #: be searched for.
    index: str
    #: Similarity from which on a face is a person's, and from which on persons are listed.
    #: Null where neither the image nor the collection has a face.
    threshold: float | None
    uncertain_threshold: float | None
    #: Least distance of the best person to the second.
    min_margin: float
    #: Where the threshold comes from: "preset", "calibrated", "fixed", or "request".
    source: str
    #: False accept rate of one comparison at the threshold; null when it was not measured.
    far: float | None
    #: Share of strangers who may be named, as it was asked for; null when a threshold was chosen.
    fpir: float | None
    #: Share of strangers who reach the threshold at most; null when nothing was measured for it.
    fpir_expected: float | None
    #: False when no measured threshold keeps `fpir` among so many faces. Null when a threshold was
    #: chosen.
    fpir_supported: bool | None
    #: Whether the threshold was extrapolated beyond what was measured.
    threshold_extrapolated: bool
    #: Everything that was measured, by falling false accept rate.
    thresholds: tuple[MeasuredThresholdAnswer, ...]
    #: What they were measured on; null when nothing was.
    origin: str | None
