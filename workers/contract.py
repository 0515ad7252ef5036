"""The workers' public face: names of tasks and queues, states, and what a job carries.

The gateway and the workers meet here and in `workers.jobs`; nothing in this module imports the
queue, the store or the networks. Celery messages carry a job id and nothing else.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

TASK_ANALYZE = "facesocial.analyze"
TASK_DISPATCH = "facesocial.dispatch"
TASK_SWEEP_BLOBS = "facesocial.sweep_blobs"

#: What a job id looks like: "job_" and a UUIDv7.
JOB_ID = re.compile(r"job_[0-9a-f]{32}")

#: Interactive before bulk, per class of device; maintenance is short and served by every worker.
QUEUE_MAINTENANCE = "maintenance"
QUEUES = ("gpu.interactive", "gpu.bulk", "cpu.interactive", "cpu.bulk", QUEUE_MAINTENANCE)

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
    """queued → running → succeeded | failed; running → queued when a worker is lost."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether the job will not change any more."""
        return self in {JobState.SUCCEEDED, JobState.FAILED}


#: A name from the catalogue: an id, an alias or a name of several models.
ModelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class AnalyzeOptions(BaseModel):
    """What a user asks of an image."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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
    #: Models other than the defaults, by name; "ensemble" where several models vote.
    recognition_model: ModelName | None = None
    anti_spoofing_model: ModelName | None = None
    deepfake_model: ModelName | None = None
    demographics_model: ModelName | None = None
    #: Whether the answer holds the embedding itself, not only its model and size.
    return_embeddings: bool = False
    #: "batch" work waits behind "interactive" work.
    priority: Literal["interactive", "batch"] = "interactive"


@dataclass(frozen=True, kw_only=True, slots=True)
class JobRoute:
    """Where a job was sent, and why; shown in every answer."""

    queue: str
    reason: str
    #: Device the ledger chose; None when the CPU takes the job.
    device: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class JobError:
    """Why a job failed."""

    #: Stable; listed in docs/reference/errors.md.
    code: str
    #: What happened and what to do.
    message: str
    #: Whether the same request may succeed later.
    retryable: bool = False
