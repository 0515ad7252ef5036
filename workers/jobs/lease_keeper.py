"""Keeps the leases of claims alive from a thread while the work goes on."""

import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import structlog

from workers.errors import StoreUnavailable
from workers.jobs.store import Claim, JobStore

_log = structlog.get_logger()


class LeaseKeeper:
    """Renews leases every `every_seconds` until left, and tells what became of them meanwhile.

    Attributes:
        lost: Ids of jobs that another worker has, or that have ended.
        cancelled: Ids of jobs whose end was asked for.
    """

    def __init__(self, jobs: JobStore, claims: Sequence[Claim], *, every_seconds: float) -> None:
        self._jobs = jobs
        self._claims = {claim.job.id: claim for claim in claims}
        self._every_seconds = every_seconds
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease-keeper", daemon=True)
        self._ending: set[str] = set()
        self.lost: set[str] = set()
        self.cancelled: set[str] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()

    def is_wanted(self, job_id: str) -> bool:
        """Whether the job is ours and somebody waits for its answer, as of the latest renewal."""
        return job_id not in self.lost and job_id not in self.cancelled

    def expect_end(self, job_id: str) -> None:
        """Tell that a job's end is being written: from then on it is no loss to find it ended."""
        self._ending.add(job_id)

    def _keep(self) -> None:
        while not self._done.wait(self._every_seconds):
            held = [claim for id_, claim in self._claims.items() if id_ not in self.lost]
            if not held:
                return
            try:
                self._renew(held)
            except StoreUnavailable as error:
                # The next try may still come in time; if not, the fences refuse our writes.
                _log.warning("lease.not_renewed", job_ids=list(self._claims), error=str(error))
            except Exception:  # noqa: BLE001 - the keeper outlives its faults: so may the next try
                _log.exception("lease.keeper_fault", job_ids=list(self._claims))

    def _renew(self, held: Sequence[Claim]) -> None:
        standings = self._jobs.renew_many(held)
        for claim, standing in zip(held, standings, strict=True):
            id_ = claim.job.id
            if standing == "cancelled" and id_ not in self.cancelled:
                self.cancelled.add(id_)
                _log.info("lease.cancel_asked", job_id=id_)
            if standing == "lost" and id_ not in self._ending:
                self.lost.add(id_)
                _log.warning("lease.lost", job_id=id_, fence=claim.fence)
