"""Jobs are submitted, sent again, claimed, ended, lost, deleted and forgotten, in any order.

After every step the store holds what `Reference` says, on the imitation and on a real server.
"""

from collections.abc import Callable, Iterator
from typing import ClassVar

import fakeredis
import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pydantic import SecretStr

from tests.job_clock import let_pass
from tests.properties.job_reference import CACHED, LEASE, NOTHING, SETTINGS, TTL, Book, Reference
from workers.connections.client import connect
from workers.contract import AnalyzeOptions, JobError, JobRoute
from workers.errors import IdempotencyConflict, JobExpired, JobNotFound, LeaseLost
from workers.jobs.redis_store import RedisJobs
from workers.jobs.scripts import EXPIRING, OWNED_PREFIX
from workers.jobs.store import Claim, NewJob, Submitted
from workers.settings.process import Settings

QUEUE = "cpu.interactive"
ROUTE = JobRoute(queue=QUEUE, reason="no_gpu_device")
#: With every change, about eight seconds on each store; the imitation runs the scripts slowly.
EXAMPLES = {"fake": 6, "real": 100}
#: Whose each job is.
OWNERS = {f"job_{name}": "ann" if name < "d" else "bob" for name in "abcdef"}
ID = st.sampled_from(sorted(OWNERS))
#: A job that the step can do something with, where there is one; now and then any other.
AIM = st.integers(0, 11)
PRINT = st.sampled_from(["", "f1", "f1", "f1", "f1", "f2"])
KEY = st.sampled_from(["", "k1", "k1", "k2"])
PICK = st.integers(0, 3)
#: Within a lease; beyond it, the cache's time, and the result's. None of them adds up to one.
SECONDS = st.sampled_from([3.3, 3.3, LEASE + 1.3, LEASE + 1.3, CACHED + 1.3, TTL + 1.3])
ERROR = JobError(code="timed_out", message="It took too long.")


class JobMachine(RuleBasedStateMachine):
    """One store and its reference."""

    client: ClassVar[redis.Redis]

    @initialize()
    def start(self) -> None:
        self.client.flushdb()
        self.jobs = RedisJobs(self.client, SETTINGS)
        self.reference = Reference()
        self.claims: list[Claim] = []
        self.asked = 0
        for id_, key in zip(sorted(OWNERS)[:4], ["k1", "k1", "k2", ""], strict=True):
            self.submit(id_, "f1", key)

    @rule(id_=ID, fingerprint=PRINT, key=KEY)
    def submit(self, id_: str, fingerprint: str, key: str) -> None:
        new = NewJob(
            id=id_,
            options=AnalyzeOptions(),
            route=ROUTE,
            blob_keys=(id_,),
            owner=OWNERS[id_],
            fingerprint=fingerprint,
            cache_key=key,
        )
        book = Book(id=id_, owner=OWNERS[id_], fingerprint=fingerprint, key=key)
        expected = self.reference.submit(book)
        met = self._met(lambda: self.jobs.submit(new, durable=False))
        assert met == (expected if expected != NOTHING else ("new", id_))

    @rule(id_=ID, fingerprint=PRINT, key=KEY)
    def recall(self, id_: str, fingerprint: str, key: str) -> None:
        expected = self.reference.recall(id_, fingerprint, key)
        ask = self.jobs.recall
        assert self._met(lambda: ask(id_, fingerprint=fingerprint, cache_key=key)) == expected

    @rule(aim=AIM)
    def claim(self, aim: int) -> None:
        self._claim(self._aimed(aim, "queued", "late"))

    def _claim(self, id_: str) -> None:
        expected = self.reference.claim(id_)
        self.asked += 1
        claimed = self.jobs.claim(id_, claim_id=f"claim-{self.asked}")
        if expected is not None:
            assert claimed == expected
            return
        assert isinstance(claimed, Claim)
        assert claimed.fence == self.reference.jobs[id_].fence
        self.claims.append(claimed)

    @precondition(lambda self: self.claims)
    @rule(pick=PICK, state=st.sampled_from(["succeeded", "succeeded", "failed", "cancelled"]))
    def finish(self, pick: int, state: str) -> None:
        claim = self.claims[-1 - pick % len(self.claims)]
        is_taken = self.reference.finish(claim.job.id, claim.fence, state)
        end: dict[str, Callable[[], None]] = {
            "succeeded": lambda: self.jobs.succeed(claim, f'{{"fence": {claim.fence}}}'),
            "failed": lambda: self.jobs.fail(claim, ERROR),
            "cancelled": lambda: self.jobs.end_cancelled(claim),
        }
        assert self._taken(end[state]) == is_taken

    @rule(id_=ID, fingerprint=PRINT, key=KEY)
    def submit_and_succeed(self, id_: str, fingerprint: str, key: str) -> None:
        """The usual course, so that short histories get beyond it."""
        self.submit(id_, fingerprint, key)
        held = len(self.claims)
        self._claim(id_)
        if len(self.claims) > held:
            self.finish(0, "succeeded")

    @rule(aim=AIM)
    def lose(self, aim: int) -> None:
        """A worker takes a job and is never heard of again, or only late."""
        self.claim(aim)
        self.wait(LEASE + 1.3)

    @precondition(lambda self: self.claims)
    @rule(pick=PICK, counted=st.booleans())
    def give_back(self, pick: int, counted: bool) -> None:
        claim = self.claims[-1 - pick % len(self.claims)]
        is_taken = self.reference.give_back(claim.job.id, claim.fence, counted=counted)
        assert self._taken(lambda: self.jobs.give_back(claim, counted=counted)) == is_taken

    @precondition(lambda self: self.claims)
    @rule(pick=PICK)
    def renew(self, pick: int) -> None:
        claim = self.claims[-1 - pick % len(self.claims)]
        expected = self.reference.renew(claim.job.id, claim.fence)
        assert list(self.jobs.renew_many([claim])) == [expected]

    @rule(aim=AIM)
    def cancel(self, aim: int) -> None:
        id_ = self._aimed(aim, "queued", "running", "late")
        assert self.jobs.cancel(id_) == self.reference.cancel(id_)

    @rule()
    def reap(self) -> None:
        expected = self.reference.reap()
        assert {one.id: str(one.state) for one in self.jobs.reap(10)} == expected

    @rule(aim=AIM)
    def delete(self, aim: int) -> None:
        id_ = self._aimed(aim, "running", "succeeded")
        expected = self.reference.delete(id_)
        try:
            told = ("deleted", *self.jobs.delete(id_).blob_keys)
        except JobExpired as error:
            told = ("gone", error.owner)
        except JobNotFound:
            told = ("missing",)
        assert (
            told
            == {
                "deleted": ("deleted", id_),
                "gone": ("gone", OWNERS[id_]),
                "missing": ("missing",),
            }[expected]
        )

    @rule(seconds=SECONDS)
    def wait(self, seconds: float) -> None:
        let_pass(self.client, seconds)
        self.reference.let_pass(seconds)

    @invariant()
    def every_job_is_what_it_should_be(self) -> None:
        for id_, owner in OWNERS.items():
            book = self.reference.jobs.get(id_)
            if book is None:
                kind = JobExpired if id_ in self.reference.gone else JobNotFound
                with pytest.raises(JobNotFound) as told:
                    self.jobs.get(id_)
                assert type(told.value) is kind
                continue
            job = self.jobs.get(id_)
            assert (job.state, job.owner, job.attempt) == (book.state, owner, book.attempts)
            assert job.cancel_asked == book.cancel
            # Only the end that was written under the last fence is told.
            expected = f'{{"fence": {book.fence}}}' if book.state == "succeeded" else None
            assert job.result_json == expected

    @invariant()
    def every_list_is_what_it_should_be(self) -> None:
        books = self.reference.jobs.values()
        queued = sum(book.state == "queued" for book in books)
        assert self.jobs.waiting() == queued
        assert self.jobs.backlog([QUEUE]) == {QUEUE: queued}
        for owner in ("ann", "bob"):
            listed = self.jobs.list(owner, limit=10).jobs
            assert {job.id for job in listed} == {b.id for b in books if b.owner == owner}
            places = [(job.created_ms, job.id) for job in listed]
            assert places == sorted(places, reverse=True)

    @invariant()
    def no_index_grows(self) -> None:
        # A list drops what it finds expired; nobody is kept twice.
        kept = sum(self.client.zcard(OWNED_PREFIX + owner) for owner in ("ann", "bob"))
        assert kept == len(self.reference.jobs)
        assert self.client.zcard(EXPIRING) <= len(OWNERS)

    def _aimed(self, aim: int, *states: str) -> str:
        books = self.reference.jobs.values()
        fitting = sorted(book.id for book in books if self.reference.state_of(book) in states)
        ids = sorted(OWNERS) if aim > 8 or not fitting else fitting
        return ids[aim % len(ids)]

    def _met(self, ask: Callable[[], Submitted | None]) -> tuple[str, str | None]:
        try:
            submitted = ask()
        except IdempotencyConflict:
            return ("conflict", None)
        except JobExpired:
            return ("expired", None)
        if submitted is None:
            return NOTHING
        word = "new" if submitted.is_new else "cached" if submitted.is_cached else "known"
        return (word, submitted.job.id)

    def _taken(self, write: Callable[[], None]) -> bool:
        try:
            write()
        except LeaseLost:
            return False
        return True


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.redis)])
def client(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    if request.param == "fake":
        server = fakeredis.FakeServer(version=(7, 2))
        with fakeredis.FakeRedis(server=server, decode_responses=True) as imitation:
            yield imitation
        return
    port = request.getfixturevalue("valkey_port")
    url = SecretStr(f"redis://127.0.0.1:{port}/0")
    with connect(Settings(redis_url=url), role="test") as real:
        yield real


@pytest.mark.timeout(6 * 3600)
def test_jobs_are_what_the_reference_says_whatever_happens(
    client: redis.Redis, request: pytest.FixtureRequest
) -> None:
    machine = type("Machine", (JobMachine,), {"client": client})
    nightly = settings.get_current_profile_name() == "nightly"
    brief = settings(
        max_examples=EXAMPLES[str(request.node.callspec.params["client"])],
        stateful_step_count=50,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=settings() if nightly else brief)
