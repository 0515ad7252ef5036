"""Whether the gateway lives and serves, and how the fleet behind it does."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from api.answers import Answer
from api.answers.devices import WaitingJobs

Count = Annotated[int, Field(ge=0)]


class Liveness(Answer):
    """The process answers."""

    status: Literal["ok"]


class Readiness(Answer):
    """Whether jobs are accepted, and by whom they would be done."""

    #: `degraded`: the ledger does not answer, so that the CPU does all work.
    status: Literal["ok", "degraded"]
    waiting_jobs: Count
    #: Null while the ledger does not answer.
    live_devices: Count | None


class SystemStatus(Answer):
    """The gateway process and the fleet in a few figures, at most a second old."""

    #: `draining`: this process is about to leave; `degraded` as in the health answer.
    status: Literal["ok", "degraded", "draining"]
    #: Of FaceSocial.
    version: str
    #: When this process started.
    started_at: datetime
    uptime_seconds: Annotated[float, Field(ge=0)]
    waiting_jobs: WaitingJobs
    #: Null while the ledger does not answer.
    live_devices: Count | None
    #: Of CPU workers, that gave a sign of life; null likewise.
    cpu_processes: Count | None
