"""Every store keeps the same promises about changes of model whose job is no more."""

from dataclasses import replace

import pytest

from tests.contract.identities.gallery import CONTRACT, NOTED, Gallery, face_id
from workers.contract import JobError, JobRoute
from workers.errors import JobUnreadable
from workers.identities.errors import ReembeddingUnderWay
from workers.identities.lost_changes import LostChanges
from workers.jobs.memory_store import MemoryJobs
from workers.jobs.options import ReembedOptions
from workers.jobs.records import Claim, Job
from workers.jobs.store import NewJob
from workers.settings.process import Settings

JOB = "job_1"
ROUTE = JobRoute(queue="cpu.bulk", reason="no_gpu_device")


class Desk:
    """A collection whose model a job changes."""

    def __init__(self, it: Gallery) -> None:
        self.it = it
        self.now = 1_800_000_000.0
        self.settings = Settings()
        self.jobs = MemoryJobs(self.settings, clock=lambda: self.now)
        self.uid = it.collection().uid
        it.known(self.uid, "zoe")
        options = ReembedOptions(collection=self.uid, model="another")
        self.jobs.submit(NewJob(id=JOB, options=options, route=ROUTE, blob_keys=()))
        it.stores.reembedding.begin(self.uid, model="another", job_id=JOB)
        self.changes = LostChanges(it.stores, self.jobs)

    @property
    def is_under_way(self) -> bool:
        return self.it.stores.collections.by_uid(self.uid).reembedding is not None

    def claim(self) -> Claim:
        claim = self.jobs.claim(JOB, claim_id="me")
        assert isinstance(claim, Claim)
        return claim

    def poison(self) -> None:
        """Lose the job with its worker in every attempt."""
        for _ in range(self.settings.job_max_attempts):
            self.claim()
            self.now += self.settings.job_lease_seconds + 1
            self.jobs.reap(10)
        assert self.jobs.get(JOB).state == "failed"

    def reasons(self) -> list[str]:
        """What the audit says of changes that were ended."""
        page = self.it.stores.forgetting.audited(self.uid, limit=100)
        events = [one.event for one in page.items if one.event.action == "collection.model_kept"]
        assert all(one.cause == JOB for one in events)
        return [one.detail["reason"] for one in events]


@pytest.fixture
def desk(it: Gallery) -> Desk:
    return Desk(it)


def test_a_change_goes_on_as_long_as_its_job_may(desk: Desk) -> None:
    assert desk.changes.end() == 0
    claim = desk.claim()
    assert desk.changes.end() == 0
    desk.jobs.give_back(claim)
    assert desk.changes.end() == 0

    assert desk.is_under_way
    assert desk.reasons() == []


def test_a_change_whose_job_lost_every_worker_is_ended_once(desk: Desk) -> None:
    it, uid = desk.it, desk.uid
    it.add(uid, "zoe", "new")
    desk.poison()

    assert desk.changes.end() == 1
    assert desk.changes.end() == 0

    assert not desk.is_under_way
    assert desk.reasons() == ["poisoned"]
    # With all faces, those that came meanwhile too; and another job may try.
    assert it.names_of(uid, "zoe") == [face_id("zoe1"), face_id("new")]
    assert set(it.all_vectors(uid)) == {face_id("zoe1"), face_id("new")}
    assert it.stores.collections.by_uid(uid).contract == CONTRACT
    again = it.stores.reembedding.begin(uid, model="another", job_id="job_2")
    assert again.reembedding is not None
    assert again.reembedding.job_id == "job_2"


def test_a_change_whose_job_was_cancelled_while_it_waited_is_ended(desk: Desk) -> None:
    desk.jobs.cancel(JOB)

    assert desk.changes.end() == 1
    assert desk.reasons() == ["cancelled"]


def test_a_change_whose_job_nobody_knows_any_more_is_ended(desk: Desk) -> None:
    desk.jobs.fail(desk.claim(), JobError(code="internal_error", message="It broke."))
    desk.jobs.delete(JOB)

    assert desk.changes.end() == 1
    assert desk.reasons() == ["job_gone"]


def test_a_change_of_a_job_of_a_newer_version_is_left_alone(desk: Desk) -> None:
    class Unreadable(MemoryJobs):
        def get(self, job_id: str) -> Job:
            raise JobUnreadable(job_id)

    assert LostChanges(desk.it.stores, Unreadable(desk.settings)).end() == 0
    assert desk.is_under_way


def test_a_worker_that_comes_back_changes_nothing(desk: Desk) -> None:
    store = desk.it.stores.reembedding
    desk.poison()
    desk.changes.end()

    with pytest.raises(ReembeddingUnderWay):
        store.pending(desk.uid, JOB, limit=1)
    with pytest.raises(ReembeddingUnderWay):
        store.switch(desk.uid, JOB, audit=NOTED)

    # Even if it begins anew, as one may that slept since it claimed the job.
    store.begin(desk.uid, model="another", job_id=JOB)
    assert desk.changes.end() == 1
    assert not desk.is_under_way


def test_a_change_that_another_job_makes_by_then_is_not_ended(desk: Desk) -> None:
    desk.poison()

    class Overtaken(MemoryJobs):
        def get(self, job_id: str) -> Job:
            store = desk.it.stores.reembedding
            store.abandon(desk.uid, JOB)
            store.begin(desk.uid, model="another", job_id="job_2")
            return replace(desk.jobs.get(job_id))

    assert LostChanges(desk.it.stores, Overtaken(desk.settings)).end() == 0
    assert desk.is_under_way
    assert desk.reasons() == []


def test_collections_whose_model_is_not_changed_any_more_are_not_asked_about(it: Gallery) -> None:
    store = it.stores.reembedding
    ended, gone, left = (it.collection(id_).uid for id_ in ("ended", "gone", "left"))
    for uid in (ended, gone, left):
        store.begin(uid, model="another", job_id=f"job_{uid}")
    assert len(store.under_way(limit=10)) == 3
    assert len(store.under_way(limit=2)) == 2

    assert store.switch(ended, f"job_{ended}", audit=NOTED)
    it.stores.collections.delete(gone, audit=NOTED)

    assert list(store.under_way(limit=10)) == [(left, f"job_{left}")]
    assert store.abandon(left, f"job_{left}")
    assert not store.abandon(left, f"job_{left}")
    assert list(store.under_way(limit=10)) == []
