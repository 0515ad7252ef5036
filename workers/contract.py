"""The workers' public face: names of tasks and queues, states, and what a job carries.

The gateway and the workers meet here and in `workers.jobs`; nothing in this module imports the
queue, the store or the networks. Celery messages carry a job id and nothing else.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from models.spec import Task

TASK_ANALYZE = "facesocial.analyze"
TASK_DISPATCH = "facesocial.dispatch"
TASK_SWEEP_BLOBS = "facesocial.sweep_blobs"

#: What a job id looks like: "job_" and a UUIDv7.
JOB_ID = re.compile(r"job_[0-9a-f]{32}")

#: Interactive before bulk, per class of device; maintenance is short and served by every worker.
QUEUE_MAINTENANCE = "maintenance"
QUEUES = ("gpu.interactive", "gpu.bulk", "cpu.interactive", "cpu.bulk", QUEUE_MAINTENANCE)

Analysis = Literal["detection", "recognition", "demographics"]
#: The analyses this version has models for.
ANALYSES: tuple[Analysis, ...] = ("detection", "recognition", "demographics")
#: Analyses users know by name that no installed model does: refused, never invented.
ANALYSES_WITHOUT_MODEL = ("anti_spoofing", "deepfake")

#: Catalogue task of each analysis, beside detection, which every job runs.
TASKS_OF: dict[Analysis, tuple[Task, ...]] = {
    "detection": ("detection",),
    "recognition": ("recognition",),
    "demographics": ("age", "gender"),
}


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


class AnalyzeOptions(BaseModel):
    """What a user asks of an image."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Analyses to run; detection always runs.
    analyses: tuple[Analysis, ...] = Field(default=ANALYSES, min_length=1)
    #: Largest faces kept.
    max_faces: Annotated[int, Field(ge=1, le=100)] = 10
    #: Detections below this confidence are dropped.
    min_confidence: Annotated[float, Field(ge=0.05, le=1)] = 0.5
    #: Whether the answer holds the embedding itself, not only its model and size.
    return_embeddings: bool = False
    #: "batch" work waits behind "interactive" work.
    priority: Literal["interactive", "batch"] = "interactive"

    @property
    def tasks(self) -> tuple[Task, ...]:
        """Catalogue tasks this job needs, detection first, each once."""
        found: list[Task] = [
            "detection",
            *(task for name in self.analyses for task in TASKS_OF[name]),
        ]
        return tuple(dict.fromkeys(found))


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
