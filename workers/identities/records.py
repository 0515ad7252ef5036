"""What is stored of known people: records without behaviour.

A collection has two names. Its `id` is its owner's choice, unique among that owner's; its `uid` is
made here, can't be guessed, and is what jobs, keys and workers use.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

#: What clients may call collections and persons.
CLIENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
#: "col_" and a random UUID's digits.
COLLECTION_UID = re.compile(r"col_[0-9a-f]{32}")
FACE_ID = re.compile(r"face_[0-9a-f]{32}")
#: The collection of requests that name none; made when it is first used.
DEFAULT_COLLECTION = "default"

#: How strict enrolment is about a photo; see `workers.identities.quality`.
QualityPolicy = Literal["off", "standard", "strict"]
#: Where a collection's thresholds come from: the model's measured ones, those calibrated on the
#: collection itself, or a similarity of the owner's choice.
ThresholdSource = Literal["preset", "calibrated", "fixed"]
#: JSON values a person's metadata may have.
MetadataValue = str | int | float | bool | None


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbeddingContract:
    """What made a collection's embeddings; only equal ones may be compared."""

    #: Id of the model; of an ensemble, its members' ids joined by "+".
    model: str
    #: Hash of the published weights; of an ensemble, of its members and their weights.
    sha256: str
    preprocessing_version: str
    dimensions: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ThresholdPolicy:
    """From which similarity on a collection says that two faces are one person's."""

    source: ThresholdSource = "preset"
    #: False accept rate of one comparison, for verification: one of the measured ones.
    far: float = 1e-3
    #: False positive identification rate: share of strangers who may be named, for identification.
    fpir: float = 1e-2
    #: Of source "fixed": the similarity, -1 to 1.
    similarity: float | None = None
    #: Least distance in similarity of the best person to the second, 0 to 2; nearer is "uncertain".
    margin: float = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibratedPoint:
    """A threshold measured on a collection itself."""

    #: False accept rate: share of impostor pairs that reach the similarity.
    far: float
    similarity: float
    #: 95 % confidence interval of the false accept rate that was really met.
    far_low: float
    far_high: float
    #: True accept rate there, and its 95 % confidence interval; None without genuine pairs.
    tar: float | None
    tar_low: float | None
    tar_high: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibratedSearch:
    """A threshold for searches: each person of a collection was searched for among all others."""

    #: Share of strangers who reach the similarity at most, with 97.5 % confidence, 0 to 1.
    fpir: float
    similarity: float
    #: Share of the sample's faces that did.
    measured: float
    #: Up to how many faces in the collection that holds.
    faces: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """What was measured on a collection; false accept rates it can't support are left out."""

    points: tuple[CalibratedPoint, ...]
    #: Rates that were asked for and not supported, each with its reason.
    unsupported: tuple[tuple[float, str], ...]
    genuine_pairs: int
    impostor_pairs: int
    persons: int
    #: Milliseconds since 1970, and the collection's version it was measured at.
    measured_ms: int
    at_version: int
    contract: EmbeddingContract
    searches: tuple[CalibratedSearch, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class CollectionSettings:
    """What an owner decides on a collection."""

    #: For people to read.
    title: str = ""
    quality: QualityPolicy = "standard"
    thresholds: ThresholdPolicy = field(default_factory=ThresholdPolicy)
    #: Whether photos of faces are kept, encrypted, so that they can be embedded again.
    keep_images: bool = False
    #: Whether a person must have a consent record before a face is enrolled.
    consent_required: bool = False
    #: Whether enrolment takes only photos judged live, and so fails closed without a model.
    liveness_required: bool = False
    #: Persons are deleted so long after their last face was added, seconds; None: never.
    retention_seconds: int | None = None
    most_persons: int = 1_000_000
    most_faces_per_person: int = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class NewCollection:
    """A collection that is to be made."""

    uid: str
    id: str
    owner: str
    #: Recognition model by name; None: the default one. What it means is fixed by the first face.
    model: str | None = None
    settings: CollectionSettings = field(default_factory=CollectionSettings)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reembedding:
    """A change of model under way: the same faces by another model, until all are there."""

    model: str | None
    #: None until the first face was embedded.
    contract: EmbeddingContract | None
    #: Number of the vectors that are being made; see `Collection.generation`.
    generation: int
    #: Faces that have a vector of the new generation.
    done: int
    started_ms: int
    #: The job that does it.
    job_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Collection:
    """A collection as the store knows it."""

    uid: str
    id: str
    owner: str
    model: str | None
    #: None until the first face is there.
    contract: EmbeddingContract | None
    settings: CollectionSettings
    calibration: Calibration | None
    #: Number of the vectors that count; grows when the model is changed.
    generation: int
    reembedding: Reembedding | None
    persons: int
    faces: int
    #: Grows by one with every entry of the log.
    version: int
    #: Grows with every change of settings, contract or calibration; for `If-Match`.
    revision: int
    #: Version of the key vault's file the collection's seals are opened with.
    keys_version: int
    created_ms: int
    updated_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Consent:
    """What a person agreed to."""

    #: Milliseconds since 1970.
    given_ms: int
    #: What for, in the owner's words.
    purpose: str
    #: Where it is on record: a document's number, for instance.
    evidence: str = ""
    #: None: until it is withdrawn.
    expires_ms: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewPerson:
    """A person as a client describes them."""

    id: str
    name: str = ""
    #: The client's own key in another system; unique in the collection.
    external_id: str = ""
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)
    consent: Consent | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """A person as the store knows them. All but id, times and counts is stored encrypted."""

    id: str
    #: Number of the key that seals what is told of them; see `workers.identities.seals`. No one
    #: else has it, so it tells whether somebody was deleted and made anew under their id.
    leaf: int
    name: str
    external_id: str
    metadata: Mapping[str, MetadataValue]
    consent: Consent | None
    faces: int
    #: Grows with every change; for `If-Match`.
    revision: int
    created_ms: int
    updated_ms: int
    #: When the last face was added; None without one.
    enrolled_ms: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewFace:
    """A face that is to be enrolled."""

    #: "face_" and digits made from what adds it (job and place), so that a repeated call adds none.
    id: str
    #: dimensions x float16, little endian, L2 norm 1.
    vector: bytes
    #: 0 to 1; None of imported embeddings.
    quality: float | None
    #: SHA-256 of the photo's file; "" of imported embeddings.
    source_sha256: str
    #: The job that adds it, or "import".
    origin: str
    #: Who asked for it: a user's id.
    added_by: str
    #: Key of the kept photo in the blob store, which was announced; "": none is kept.
    image_key: str = ""
    #: What opens that photo. Stored sealed, with the face.
    image_secret: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Face:
    """An enrolled face, without its vector."""

    id: str
    person_id: str
    quality: float | None
    source_sha256: str
    origin: str
    added_by: str
    added_ms: int
    #: Key of the kept photo in the blob store, and what opens it; "": none is kept.
    image_key: str
    image_secret: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FaceVector:
    """The embedding of an enrolled face."""

    face_id: str
    person_id: str
    #: dimensions x float16, little endian.
    vector: bytes


#: What became of a face: added; known: the same call had added it; duplicate: the person has a face
#: of the same photo; full: the person has as many as the collection allows.
FaceAdded = Literal["added", "known", "duplicate", "full"]


@dataclass(frozen=True, kw_only=True, slots=True)
class AddedFaces:
    """What became of faces, in their order; of those that `Compared` left."""

    outcomes: tuple[FaceAdded, ...]
    #: The collection's version afterwards: an index that has followed so far has them.
    version: int
