"""What each kind of job is asked: the options stored with it, told apart by `kind`."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from workers.contract import AnalyzeOptions, ModelName

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
    priority: Priority = "interactive"


class ChunkOptions(BaseModel):
    """Items of a batch that one worker takes together. Made by the batch store, never by users."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["chunk"] = "chunk"
    #: Id of the batch.
    batch: str
    #: Numbers of the items, ascending.
    items: tuple[int, ...]
    #: What is asked of every item.
    options: AnalyzeOptions
    priority: Literal["batch"] = "batch"


JobOptions = AnalyzeOptions | CompareOptions | LivenessOptions | VideoOptions | ChunkOptions
JobKind = Literal["analyze", "compare", "liveness", "video", "chunk"]
