"""Keeps a claim's lease alive from a thread while the work goes on."""

import threading
from types import TracebackType
from typing import Self

import structlog

from workers.errors import LeaseLost, StoreUnavailable
from workers.jobs import Claim, JobStore

_log = structlog.get_logger()


class LeaseKeeper:
    """Renews a lease every `every_seconds` until left; `lost` says that another has the job."""

    def __init__(self, jobs: JobStore, claim: Claim, *, every_seconds: float) -> None:
        self._jobs = jobs
        self._claim = claim
        self._every_seconds = every_seconds
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="lease-keeper", daemon=True)
        self._ending = False
        self.lost = False

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

    def expect_end(self) -> None:
        """Tell that the job's end is being written: from then on it is no loss to find it ended."""
        self._ending = True

    def _renew(self) -> None:
        while not self._done.wait(self._every_seconds):
            try:
                self._jobs.renew(self._claim)
            except LeaseLost:
                if self._ending:
                    return
                self.lost = True
                _log.warning("lease.lost", job_id=self._claim.job.id, fence=self._claim.fence)
                return
            except StoreUnavailable as error:
                # The next try may still come in time; if not, the fence refuses our write.
                _log.warning("lease.not_renewed", job_id=self._claim.job.id, error=str(error))
