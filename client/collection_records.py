"""Collections of known people as the gateway tells them, and what was forgotten and noted."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from client.records import Record

QualityPolicy = Literal["off", "standard", "strict"]
ThresholdSource = Literal["preset", "calibrated", "fixed"]


class EmbeddingContract(Record):
    """What made embeddings; only those of equal contracts may be compared."""

    #: Id of the model; of an ensemble, its members' ids joined by "+".
    model: str
    sha256: str
    preprocessing_version: str
    dimensions: int


class Thresholds(Record):
    """From which similarity on a collection says that two faces are one person's."""

    source: ThresholdSource
    #: Of verification: share of pairs of strangers taken for one person.
    far: float
    #: Of identification: share of strangers who may be named.
    fpir: float
    #: Of source "fixed": the similarity, -1 to 1.
    similarity: float | None = None
    #: Least distance in similarity of the best person to the second, 0 to 2.
    margin: float


class Limits(Record):
    """How much a collection takes."""

    persons: int
    faces_per_person: int


class CalibratedPoint(Record):
    """A threshold measured on a collection itself, with 95 % confidence intervals."""

    far: float
    similarity: float
    far_low: float
    far_high: float
    #: True accept rate there; None without pairs of one person.
    tar: float | None = None
    tar_low: float | None = None
    tar_high: float | None = None


class CalibratedSearch(Record):
    """A threshold for identification, measured on a collection itself."""

    #: Share of strangers who reach the similarity at most, with 97.5 % confidence.
    fpir: float
    similarity: float
    #: Share of the sample's faces that did.
    measured: float
    #: Up to how many faces in the collection that holds.
    faces: int


class UnsupportedRate(Record):
    """A false accept rate that a collection is too small to measure."""

    far: float
    reason: str


class Calibration(Record):
    """What was measured on a collection."""

    points: tuple[CalibratedPoint, ...]
    searches: tuple[CalibratedSearch, ...] = ()
    unsupported: tuple[UnsupportedRate, ...]
    genuine_pairs: int
    impostor_pairs: int
    persons: int
    measured_at: datetime
    #: The collection's version then.
    at_version: int
    contract: EmbeddingContract


class ModelChange(Record):
    """A change of model under way."""

    #: The new model by name; None: the default one.
    model: str | None
    #: None until the first face was embedded.
    contract: EmbeddingContract | None = None
    #: Faces that are done, of the collection's `faces`.
    done: int
    started_at: datetime
    job_id: str


class Collection(Record):
    """Persons who are known by their faces, and how strictly."""

    id: str
    title: str
    #: Recognition model by name; None: the default one.
    model: str | None
    #: None until the first face is there.
    contract: EmbeddingContract | None
    quality: QualityPolicy
    thresholds: Thresholds
    #: Whether photos of faces are kept, encrypted.
    keep_images: bool
    #: Whether a face is taken only of a person with a consent record.
    consent_required: bool
    #: Whether enrolment takes only photos judged live.
    liveness_required: bool
    #: Persons are forgotten so long after their last face was added, seconds; None: never.
    retention_seconds: int | None
    limits: Limits
    calibration: Calibration | None = None
    reembedding: ModelChange | None = None
    #: How many there are.
    persons: int
    faces: int
    #: Grows with every face that comes, goes or moves.
    version: int
    #: Grows with every change of the collection itself; see `Collections.change`.
    revision: int
    created_at: datetime
    updated_at: datetime


class Deletion(Record):
    """The certificate of what was forgotten, as far as it has got. It names nobody."""

    id: str
    collection_id: str
    #: None: the whole collection.
    person_id: str | None
    #: How many faces.
    faces: int
    #: From then on nobody is found any more.
    deleted_at: datetime
    #: From then on results, backups, old logs and snapshots can't be read; None: it is still to be
    #: done.
    keys_destroyed_at: datetime | None = None
    #: From then on no worker has the faces in memory; None: not yet.
    workers_cleared_at: datetime | None = None
    #: When the last result of a job or batch expires that may have the person's id.
    results_expire_at: datetime
    #: When the last result expires that has the person's name in the open, as those have that are
    #: from before names were sealed in results; None: there is none.
    results_named_until: datetime | None = None
    #: Whether keys are destroyed, workers have cleared their memory, and no result has the name in
    #: the open.
    complete: bool

    @property
    def is_forgotten(self) -> bool:
        """Whether no copy of a face can be read any more, in whatever store or memory."""
        return self.keys_destroyed_at is not None and self.workers_cleared_at is not None


class AuditEvent(Record):
    """Who did what with a collection; ids only."""

    id: str
    at: datetime
    action: str
    #: A user's id; "" of what time made due.
    by: str
    #: Of the API key or login; "" where there was none.
    credential_id: str
    #: The job or request that did it.
    cause: str
    person_ids: tuple[str, ...]
    detail: Mapping[str, str]
