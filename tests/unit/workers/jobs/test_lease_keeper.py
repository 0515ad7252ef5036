"""A lease lives as long as the work, and its loss is noticed."""

import threading
import time
from collections.abc import Sequence

from workers.contract import AnalyzeOptions, JobRoute
from workers.errors import StoreUnavailable
from workers.jobs.lease_keeper import LeaseKeeper
from workers.jobs.memory_store import MemoryJobs
from workers.jobs.store import Claim, NewJob, Standing
from workers.settings.process import Settings


class CountingJobs(MemoryJobs):
    """Counts renewals and answers them as it is told."""

    def __init__(self, standing: Standing = "held", *, is_away: bool = False) -> None:
        super().__init__(Settings())
        self.renewals = 0
        self.enough = threading.Event()
        self._standing = standing
        self._is_away = is_away

    def renew_many(self, claims: Sequence[Claim]) -> Sequence[Standing]:
        self.renewals += 1
        if self.renewals >= 3 or self._standing == "lost":
            self.enough.set()
        if self._is_away:
            raise StoreUnavailable
        return [self._standing] * len(claims)

    def claimed(self, name: str = "job") -> Claim:
        route = JobRoute(queue="cpu.interactive", reason="no_gpu_device")
        self.submit(NewJob(id=name, options=AnalyzeOptions(), route=route, blob_keys=(name,)))
        claim = self.claim(name, claim_id="c")
        assert isinstance(claim, Claim)
        return claim


def test_a_lease_is_renewed_until_the_work_is_done() -> None:
    jobs = CountingJobs()

    with LeaseKeeper(jobs, [jobs.claimed()], every_seconds=0.01) as lease:
        assert jobs.enough.wait(60)

    renewals = jobs.renewals
    time.sleep(0.05)
    assert jobs.renewals == renewals
    assert not lease.lost


def test_a_lost_lease_is_told_and_not_asked_for_again() -> None:
    jobs = CountingJobs("lost")

    with LeaseKeeper(jobs, [jobs.claimed()], every_seconds=0.01) as lease:
        assert jobs.enough.wait(60)
        time.sleep(0.05)

    assert lease.lost == {"job"}
    assert not lease.is_wanted("job")
    assert jobs.renewals == 1


def test_an_absent_store_is_asked_again() -> None:
    jobs = CountingJobs(is_away=True)

    with LeaseKeeper(jobs, [jobs.claimed()], every_seconds=0.01) as lease:
        assert jobs.enough.wait(60)

    assert not lease.lost


def test_a_job_whose_end_was_asked_for_is_wanted_no_more_and_kept_all_the_same() -> None:
    jobs = CountingJobs("cancelled")

    with LeaseKeeper(jobs, [jobs.claimed()], every_seconds=0.01) as lease:
        assert jobs.enough.wait(60)

    assert lease.cancelled == {"job"}
    assert not lease.is_wanted("job")
    assert not lease.lost
    assert jobs.renewals >= 3


def test_one_renewal_serves_all_claims_and_goes_on_without_those_that_are_lost() -> None:
    asked: list[set[str]] = []
    enough = threading.Event()

    class Sorting(CountingJobs):
        def renew_many(self, claims: Sequence[Claim]) -> Sequence[Standing]:
            asked.append({claim.job.id for claim in claims})
            if len(asked) == 2:
                enough.set()
            return ["lost" if claim.job.id == "first" else "held" for claim in claims]

    jobs = Sorting()
    claims = [jobs.claimed(name) for name in ("first", "second")]
    with LeaseKeeper(jobs, claims, every_seconds=0.01) as lease:
        assert enough.wait(60)

    assert asked[:2] == [{"first", "second"}, {"second"}]
    assert lease.lost == {"first"}
    assert lease.is_wanted("second")


def test_a_fault_while_renewing_does_not_end_the_renewals() -> None:
    class Faulty(CountingJobs):
        def renew_many(self, claims: Sequence[Claim]) -> Sequence[Standing]:
            standings = super().renew_many(claims)
            if self.renewals == 1:
                raise RuntimeError("a fault of ours")
            return standings

    jobs = Faulty()

    with LeaseKeeper(jobs, [jobs.claimed()], every_seconds=0.01) as lease:
        assert jobs.enough.wait(10)

    assert lease.is_wanted("job")


def test_a_job_that_is_being_ended_is_not_lost() -> None:
    jobs = CountingJobs("lost")

    with LeaseKeeper(jobs, [jobs.claimed()], every_seconds=0.01) as lease:
        lease.expect_end("job")
        assert jobs.enough.wait(60)

    assert not lease.lost
