"""Collections of known people as clients see them."""

from typing import Annotated

from pydantic import Field

from api.answers import Answer
from api.answers.jobs import Time
from workers.identities.records import QualityPolicy, ThresholdSource

Rate = Annotated[float, Field(ge=0, le=1)]
Similarity = Annotated[float, Field(ge=-1, le=1)]
Count = Annotated[int, Field(ge=0)]


class ContractAnswer(Answer):
    """What made embeddings; only equal ones may be compared."""

    #: Of an ensemble, its members' ids joined by "+".
    model: str
    sha256: str
    preprocessing_version: str
    dimensions: int


class ThresholdPolicyAnswer(Answer):
    """From which similarity on two faces are one person's."""

    source: ThresholdSource
    #: False accept rate of one comparison, for verification.
    far: Rate
    #: Share of strangers who may be named, for identification.
    fpir: Rate
    #: Of source "fixed".
    similarity: Similarity | None
    #: Least distance of the best person to the second, in similarity.
    margin: float


class LevelAnswer(Answer):
    """A threshold that was measured."""

    far: Rate
    similarity: Similarity
    #: Share of pairs of one person that reach it; null where there were none.
    tar: Rate | None
    #: Highest the false accept rate may really be.
    far_limit: Rate


class LevelsAnswer(Answer):
    """The thresholds a collection decides by."""

    points: tuple[LevelAnswer, ...]
    #: What they were measured on; null without any.
    origin: str | None


class LimitsAnswer(Answer):
    """How much a collection may hold."""

    persons: Count
    faces_per_person: Count


class CalibratedPointAnswer(Answer):
    """A threshold measured on the collection itself, with 95 % confidence intervals."""

    far: Rate
    similarity: float
    far_low: Rate
    far_high: Rate
    tar: Rate | None
    tar_low: Rate | None
    tar_high: Rate | None


class UnsupportedAnswer(Answer):
    """A rate the collection is too small for."""

    far: Rate
    reason: str


class CalibratedSearchAnswer(Answer):
    """A threshold for searches: each person was searched for among all others."""

    #: Share of strangers who reach the similarity at most, with 97.5 % confidence.
    fpir: Rate
    similarity: float
    #: Share of the sample's faces that did.
    measured: Rate
    #: Up to how many faces in the collection that holds.
    faces: Count


class CalibrationAnswer(Answer):
    """What was measured on the collection itself."""

    points: tuple[CalibratedPointAnswer, ...]
    unsupported: tuple[UnsupportedAnswer, ...]
    genuine_pairs: Count
    impostor_pairs: Count
    persons: Count
    measured_at: Time
    #: The collection's version then.
    at_version: Count
    contract: ContractAnswer
    searches: tuple[CalibratedSearchAnswer, ...]


class ReembeddingAnswer(Answer):
    """A change of model under way."""

    model: str | None
    contract: ContractAnswer | None
    #: Faces that have an embedding of the new model.
    done: Count
    started_at: Time
    job_id: str


class CollectionLinks(Answer):
    """Where to go on."""

    self: str
    persons: str
    identify: str
    export: str
    audit: str


class CollectionAnswer(Answer):
    """A collection of known people."""

    id: str
    title: str
    #: As it was asked for; null: the default one.
    model: str | None
    #: Null until the first face is there.
    contract: ContractAnswer | None
    quality: QualityPolicy
    thresholds: ThresholdPolicyAnswer
    #: The thresholds that this means; null until the first face is there.
    levels: LevelsAnswer | None
    keep_images: bool
    consent_required: bool
    liveness_required: bool
    #: Persons are deleted so long after their last face; null: never.
    retention_seconds: int | None
    limits: LimitsAnswer
    calibration: CalibrationAnswer | None
    reembedding: ReembeddingAnswer | None
    persons: Count
    faces: Count
    #: Grows with every face that comes or goes.
    version: Count
    #: Grows with every other change; the `ETag` is made of it.
    revision: Count
    created_at: Time
    updated_at: Time
    links: CollectionLinks


class CollectionList(Answer):
    """One's collections, by id."""

    items: tuple[CollectionAnswer, ...]
    next_cursor: str | None
