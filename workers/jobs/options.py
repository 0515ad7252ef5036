"""What each kind of job is asked: the options stored with it, told apart by `kind`."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from workers.contract import AnalyzeOptions, CollectionUid, Gate, IdentifyOptions, ModelName, Noted

Priority = Literal["interactive", "batch"]

#: Photos of a liveness job: motion is between two, and the vote is over the newest five
#: (`models.anti_spoofing.sequence.LAST_FRAMES`); more would be passed over in silence.
FEWEST_FRAMES, MOST_FRAMES = 2, 5


class CompareOptions(BaseModel):
    """Two photos: one person or two? The job has two blobs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["compare"] = "compare"
    #: Another recognition model than the default, by name.
    model: ModelName | None = None
    #: The false accept rate whose measured threshold decides, unless `threshold` is given.
    far: Annotated[float, Field(gt=0, lt=1)] = 1e-3
    #: A similarity of the caller's own choice, -1 to 1.
    threshold: Annotated[float, Field(ge=-1, le=1)] | None = None
    #: Which face of a photo counts: the largest, or the one nearest its middle.
    face: Literal["largest", "center"] = "largest"
    priority: Priority = "interactive"


class LivenessOptions(BaseModel):
    """Several photos of one face: live or not? One blob each, oldest first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["liveness"] = "liveness"
    model: ModelName | None = None
    priority: Priority = "interactive"


class VideoOptions(BaseModel):
    """One video: who appears when, and is it manipulated?"""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["video"] = "video"
    #: Deepfake model, by name.
    model: ModelName | None = None
    #: Look only at the beginning.
    until_seconds: Annotated[float, Field(gt=0, le=3600)] | None = None
    #: Frames that are looked at, spread over its time; the first ones of scenes come on top. A
    #: verdict needs five usable ones.
    max_frames: Annotated[int, Field(ge=5, le=64)] = 64
    #: Who the people are: one vote of all frames of each.
    identify: IdentifyOptions | None = None
    priority: Priority = "interactive"


class EnrollOptions(BaseModel):
    """Photos of one person, to be known by from now on. One blob each."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["enroll"] = "enroll"
    collection: CollectionUid
    #: The collection, as its owner calls it.
    collection_id: str = ""
    #: Id of the person in that collection. Of items of a batch "": each item names its own.
    person: str
    #: What the photos are called in answers, in their order; may be none.
    names: tuple[str, ...] = ()
    #: SHA-256 of the photos' files, in their order; of items of a batch none.
    digests: tuple[str, ...] = ()
    #: Which face of a photo with several is the person's: none ("only": it is refused), the
    #: largest, or the one nearest the middle.
    face: Literal["only", "largest", "center"] = "only"
    require: tuple[Gate, ...] = ()
    #: Who asks, for the record: user and credential.
    by: Noted = ""
    credential_id: Noted = ""
    priority: Priority = "interactive"


class VerifyOptions(BaseModel):
    """Is the face of a photo that of a known person? The job has one blob."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["verify"] = "verify"
    collection: CollectionUid
    #: The collection, as its owner calls it.
    collection_id: str = ""
    #: Id of the person in that collection.
    person: str
    #: The false accept rate whose threshold decides; the collection's own when not given.
    far: Annotated[float, Field(gt=0, lt=1)] | None = None
    threshold: Annotated[float, Field(ge=-1, le=1)] | None = None
    face: Literal["largest", "center"] = "largest"
    require: tuple[Gate, ...] = ()
    by: Noted = ""
    credential_id: Noted = ""
    priority: Priority = "interactive"


class SearchOptions(BaseModel):
    """Name embeddings by a collection of known people.

    The job has one blob: the embeddings one after another, each `dimensions` x float32, little
    endian, L2 norm 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["search"] = "search"
    collection: CollectionUid
    #: The collection, as its owner calls it.
    collection_id: str = ""
    #: What made the embeddings, as their analysis told it.
    model: str
    sha256: str
    preprocessing_version: str
    dimensions: Annotated[int, Field(ge=2, le=8192)]
    #: Persons told of each embedding at most.
    candidates: Annotated[int, Field(ge=1, le=50)] = 5
    #: Share of strangers who may be named; the collection's own when not given.
    fpir: Annotated[float, Field(gt=0, lt=1)] | None = None
    #: A similarity of the caller's own choice instead, -1 to 1.
    threshold: Annotated[float, Field(ge=-1, le=1)] | None = None
    by: Noted = ""
    credential_id: Noted = ""
    priority: Priority = "interactive"


class CalibrateOptions(BaseModel):
    """Measure thresholds on a collection's own faces. The job has no blob."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["calibrate"] = "calibrate"
    collection: CollectionUid
    #: The collection, as its owner calls it.
    collection_id: str = ""
    by: Noted = ""
    credential_id: Noted = ""
    priority: Priority = "batch"


class ReembedOptions(BaseModel):
    """Change a collection's model: embed its kept photos again. The job has no blob."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["reembed"] = "reembed"
    collection: CollectionUid
    #: The collection, as its owner calls it.
    collection_id: str = ""
    #: The new model by name; None: the default one.
    model: ModelName | None = None
    #: Whether faces that can't be embedded anew may be forgotten; else they leave all as it was.
    drop_without_image: bool = False
    by: Noted = ""
    credential_id: Noted = ""
    priority: Priority = "batch"


class ChunkOptions(BaseModel):
    """Items of a batch that one worker takes together. Made by the batch store, never by users."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["chunk"] = "chunk"
    #: Id of the batch.
    batch: str
    #: Numbers of the items, ascending.
    items: tuple[int, ...]
    #: What is asked of every item.
    options: AnalyzeOptions | EnrollOptions
    priority: Literal["batch"] = "batch"


JobOptions = (
    AnalyzeOptions
    | CompareOptions
    | LivenessOptions
    | VideoOptions
    | EnrollOptions
    | VerifyOptions
    | SearchOptions
    | CalibrateOptions
    | ReembedOptions
    | ChunkOptions
)
JobKind = Literal[
    "analyze",
    "compare",
    "liveness",
    "video",
    "enroll",
    "verify",
    "search",
    "calibrate",
    "reembed",
    "chunk",
]
