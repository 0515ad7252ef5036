"""A lease lives as long as the work, and its loss is noticed."""

import threading
import time

from workers.contract import AnalyzeOptions, JobRoute
from workers.errors import LeaseLost, StoreUnavailable
from workers.jobs import Claim, NewJob
from workers.lease_keeper import LeaseKeeper
from workers.memory_jobs import MemoryJobs
from workers.settings import Settings


class CountingJobs(MemoryJobs):
    """Counts renewals and can be told to refuse them."""

    def __init__(self, refuse: type[Exception] | None = None) -> None:
        super().__init__(Settings())
        self.renewals = 0
        self.enough = threading.Event()
        self._refuse = refuse

    def renew(self, claim: Claim) -> None:
        self.renewals += 1
        if self.renewals >= 3 or self._refuse is LeaseLost:
            self.enough.set()
        if self._refuse:
            raise self._refuse
        super().renew(claim)

    def claimed(self) -> Claim:
        route = JobRoute(queue="cpu.interactive", reason="no_gpu_device")
        self.submit(NewJob(id="job", options=AnalyzeOptions(), route=route, blob_key="job"))
        claim = self.claim("job", claim_id="c")
        assert isinstance(claim, Claim)
        return claim


def test_a_lease_is_renewed_until_the_work_is_done() -> None:
    jobs = CountingJobs()

    with LeaseKeeper(jobs, jobs.claimed(), every_seconds=0.01) as lease:
        assert jobs.enough.wait(10)

    renewals = jobs.renewals
    time.sleep(0.05)
    assert jobs.renewals == renewals
    assert not lease.lost


def test_a_lost_lease_is_told_and_not_asked_for_again() -> None:
    jobs = CountingJobs(refuse=LeaseLost)

    with LeaseKeeper(jobs, jobs.claimed(), every_seconds=0.01) as lease:
        assert jobs.enough.wait(10)
        time.sleep(0.05)

    assert lease.lost
    assert jobs.renewals == 1


def test_an_absent_store_is_asked_again() -> None:
    jobs = CountingJobs(refuse=StoreUnavailable)

    with LeaseKeeper(jobs, jobs.claimed(), every_seconds=0.01) as lease:
        assert jobs.enough.wait(10)

    assert not lease.lost
