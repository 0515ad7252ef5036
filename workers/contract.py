"""The workers' public face: names of tasks and queues, states, and what a job carries.

The gateway and the workers meet here and in `workers.jobs.store`; nothing in this module imports
the queue, the store or the networks. Celery messages carry a job id and nothing else.
"""

import re
import socket
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

TASK_ANALYZE = "facesocial.analyze"
TASK_DISPATCH = "facesocial.dispatch"
TASK_SWEEP_BLOBS = "facesocial.sweep_blobs"
TASK_FORGET = "facesocial.forget"

#: What a job id looks like: "job_" and a UUIDv7.
JOB_ID = re.compile(r"job_[0-9a-f]{32}")

#: Interactive is served before bulk.
Lane = Literal["interactive", "bulk"]
LANES: tuple[Lane, ...] = ("interactive", "bulk")
#: Short periodic tasks, served by every worker.
QUEUE_MAINTENANCE = "maintenance"
#: Of job queues: those of the CPU workers, and two for each device.
_JOB_QUEUE = re.compile(r"(cpu|gpu\.(?P<device>[^\s,]{1,200}))\.(?P<lane>interactive|bulk)")

Analysis = Literal["detection", "recognition", "anti_spoofing", "deepfake", "demographics"]
#: Every analysis there is; `all` asks for them by one name.
ANALYSES: tuple[Analysis, ...] = (
    "detection",
    "recognition",
    "anti_spoofing",
    "deepfake",
    "demographics",
)
ALL_ANALYSES = "all"
#: What is analysed unless something else is asked for: what costs little.
DEFAULT_ANALYSES: tuple[Analysis, ...] = ("detection", "recognition", "demographics")
#: The detection engine that is chosen for the request's needs.
AUTO_ENGINE = "auto"


class JobState(StrEnum):
    """queued → running → succeeded | failed; running → queued when a worker is lost or stopped.

    Both may become cancelled.
    """

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether the job will not change any more."""
        return self not in {JobState.QUEUED, JobState.RUNNING}


#: A name from the catalogue: an id, an alias or a name of several models.
ModelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


#: A collection's uid, put in by the gateway; users send their own name for it and never see this.
CollectionUid = Annotated[SkipJsonSchema[str], Field(pattern=r"^col_[0-9a-f]{32}$")]
#: What the gateway notes in options for the workers and shows to nobody.
Noted = SkipJsonSchema[str]
#: What a face must be to be named or enrolled: a person before the camera; not manipulated.
Gate = Literal["live", "authentic"]


class IdentifyOptions(BaseModel):
    """Name the faces of an image by a collection of known people."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    collection: CollectionUid
    #: The collection, as its owner calls it.
    collection_id: str = ""
    #: Persons told of each face at most.
    candidates: Annotated[int, Field(ge=1, le=50)] = 5
    #: Share of strangers who may be named; the collection's own when not given.
    fpir: Annotated[float, Field(gt=0, lt=1)] | None = None
    #: A similarity of the caller's own choice instead, -1 to 1.
    threshold: Annotated[float, Field(ge=-1, le=1)] | None = None
    #: A face that is not, or can't be judged, is not named. Its analysis is done as well.
    require: tuple[Gate, ...] = ()
    #: Who asks, for the audit: user and credential.
    by: Noted = ""
    credential_id: Noted = ""


class AnalyzeOptions(BaseModel):
    """What a user asks of an image."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Tells the kinds of jobs apart where options are stored; users never send it.
    kind: Literal["analyze"] = "analyze"
    #: Analyses to run; detection always runs.
    analyses: tuple[Analysis, ...] = Field(default=DEFAULT_ANALYSES, min_length=1)
    #: Largest faces kept.
    max_faces: Annotated[int, Field(ge=1, le=100)] = 10
    #: Detections below this confidence are dropped; the engine's own threshold when not given.
    min_confidence: Annotated[float, Field(ge=0.05, le=1)] | None = None
    #: Faces whose box has a shorter longer side are dropped, pixels.
    min_face_pixels: Annotated[int, Field(ge=0, le=10_000)] = 0
    #: What finds faces: "auto", or the name of an engine or model.
    engine: ModelName = AUTO_ENGINE
    #: What "auto" prefers.
    detection_priority: Literal["speed", "accuracy"] = "speed"
    #: Look at parts of the image too: finds tiny faces, takes several times as long.
    tiles: bool = False
    #: Another recognition model than the default, by name; "ensemble" where several vote.
    recognition_model: ModelName | None = None
    #: One anti-spoofing model, by name, instead of all that are installed.
    anti_spoofing_model: ModelName | None = None
    #: Another deepfake model than the default, by name.
    deepfake_model: ModelName | None = None
    #: Another model of age and gender than the default, by name.
    demographics_model: ModelName | None = None
    #: Whether the answer holds the embedding itself, not only its model and size.
    return_embeddings: bool = False
    #: Who the faces are; the analyses it takes are among `analyses`.
    identify: IdentifyOptions | None = None
    #: "batch" work waits behind "interactive" work.
    priority: Literal["interactive", "batch"] = "interactive"


@dataclass(frozen=True, kw_only=True, slots=True)
class JobRoute:
    """Where a job was sent, and why; shown in every answer."""

    queue: str
    #: A code of `vram.routing`.
    reason: str
    #: Device the router chose; None when the CPU takes the job.
    device: str | None = None
    #: The reason as a sentence, with its figures.
    message: str = ""
    #: From then to the job's end, by what was measured of such jobs; None: nothing was.
    expected_ms: int | None = None


def queue_of(lane: Lane, *, device: str | None) -> str:
    """The queue of a device ("box1/cuda:0"), or of the CPU workers."""
    return f"cpu.{lane}" if device is None else f"gpu.{device}.{lane}"


def device_of(queue: str) -> str | None:
    """The device a job queue belongs to; None: to the CPU workers.

    Raises:
        ValueError: it is no job queue's name.
    """
    found = _JOB_QUEUE.fullmatch(queue)
    if found is None:
        raise ValueError(f"'{queue}' is no queue of jobs.")
    return found["device"]


def served_queues(device: str | None) -> tuple[str, ...]:
    """The queues of a device's worker, or of a CPU worker, in the order it serves them."""
    return (QUEUE_MAINTENANCE, *(queue_of(lane, device=device) for lane in LANES))


def local_device(device: str) -> str | None:
    """The fleet's id of a device of this host: "cuda:0" gives "box1/cuda:0"; None for "cpu"."""
    return None if device == "cpu" else f"{socket.gethostname()}/{device}"


@dataclass(frozen=True, kw_only=True, slots=True)
class JobError:
    """Why a job failed."""

    #: Stable; listed in docs/reference/errors.md.
    code: str
    #: What happened and what to do.
    message: str
    #: Whether the same request may succeed later.
    retryable: bool = False
