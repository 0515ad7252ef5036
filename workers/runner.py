"""One wake-up, from claim to end: at least once delivered, at most once written."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Protocol

import structlog
from pydantic import BaseModel

from models.errors import DeviceFault
from workers.answers.analysis import AnalysisAnswer
from workers.answers.work import WorkAnswer
from workers.batching import BatchPlan
from workers.blobs.store import BlobStore
from workers.contract import AnalyzeOptions
from workers.errors import BlobStoreFailed, LeaseLost, StoreUnavailable
from workers.job_errors import job_error
from workers.jobs.claiming import Claimer
from workers.jobs.lease_keeper import LeaseKeeper
from workers.jobs.options import JobKind
from workers.jobs.store import Claim, JobStore, NotClaimed
from workers.photos.attempts import Ends
from workers.photos.photo import Order
from workers.work import TurnOver, Work

#: Pause between tries to write an end while the store is away.
RETRY_SECONDS = 0.5
#: A job's end may be asked for: it is looked for this often at least.
LOOK_SECONDS = 1.0
#: Longest time that interactive jobs are served in the middle of other work.
SERVE_SECONDS = 2.0

#: What came of a job that was claimed.
Ended = Literal["succeeded", "failed", "cancelled", "given_back", "lease_lost"]
Outcome = NotClaimed | Ended
#: What a job was answered with: its answer, why there is none, or None: nobody wants it any more.
Answered = BaseModel | Exception | None

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class _End:
    ended: Ended
    write: Callable[[], None]
    #: Logged once it is written.
    event: str
    details: Mapping[str, Any]


class Pipeline(Protocol):
    """Analyses encoded images."""

    def analyze_many(
        self, orders: Sequence[Order], *, ends: Ends = ()
    ) -> list[AnalysisAnswer | Exception | None]:
        """See workers.photos.pipeline.FacePipeline."""
        ...


class JobRunner:
    """Runs jobs in this process.

    Args:
        jobs: The authority.
        blobs: Where the images are.
        pipeline: What is done to photos.
        works: What is done for jobs of other kinds.
        lease_seconds: The store's lease; renewed three times as often at least.
        time_limit_error: What is raised in a task that ran out of time.
        plan: How batches are made; without, jobs run one by one.
    """

    def __init__(  # noqa: PLR0913 - all but four have defaults
        self,
        *,
        jobs: JobStore,
        blobs: BlobStore,
        pipeline: Pipeline,
        lease_seconds: float,
        works: Mapping[JobKind, Work] | None = None,
        time_limit_error: type[Exception] = TimeoutError,
        plan: BatchPlan | None = None,
    ) -> None:
        self._jobs = jobs
        self._blobs = blobs
        self._pipeline = pipeline
        self._works = {} if works is None else works
        self._lease_seconds = lease_seconds
        self._time_limit_error = time_limit_error
        self._claimer = Claimer(jobs, plan or BatchPlan())

    def run(self, job_id: str) -> Outcome:
        """Do what this wake-up asks, if there is still something to do.

        Waiting jobs that may share the job's batch are done with it, and now and then bulk jobs
        after it whose turn it is.

        Returns:
            What came of the named job.

        Raises:
            StoreUnavailable: the job could not be claimed, or its end could not be written
                while its lease held; it will be claimed again.
        """
        claims = self._claimer.claim(job_id)
        if isinstance(claims, str):
            _log.info("job.nothing_to_do", job_id=job_id, why=claims)
            if claims == "poisoned":
                self._forget_images(self._jobs.get(job_id).blob_keys)
            return claims
        [outcome, *_] = self._run_batch(claims)
        if bulk := self._claimer.bulk_turn(claims[0].job.route.queue):
            self._run_batch(bulk)
        return outcome

    def serve_interactive(self, longest_seconds: float = SERVE_SECONDS) -> None:
        """Do what waits in this worker's interactive queue; for work that takes long itself.

        Args:
            longest_seconds: No further job is begun after that time.
        """
        deadline = time.monotonic() + longest_seconds
        try:
            while time.monotonic() < deadline and (claims := self._claimer.interactive_turn()):
                self._run_batch(claims)
        except StoreUnavailable as error:
            # Its lease ends, and it is queued again.
            _log.warning("runner.interactive_not_served", error=str(error))

    def _run_batch(self, claims: Sequence[Claim]) -> list[Ended]:
        every_seconds = min(self._lease_seconds / 3, LOOK_SECONDS)
        started = time.monotonic()
        with LeaseKeeper(self._jobs, claims, every_seconds=every_seconds) as lease:
            try:
                outcomes = self._work(claims, lease)
            except SystemExit:
                # The worker was told to stop and this took too long: others go on with the jobs.
                self._give_back(claims, why="stopped", counted=False)
                raise
            except Exception as error:  # noqa: BLE001 - what it means is decided there
                return self._broken_off(claims, error)
            self._claimer.ran(claims, time.monotonic() - started)
            deadline = time.monotonic() + self._lease_seconds
            return [
                self._end(claim, outcome, lease, deadline)
                for claim, outcome in zip(claims, outcomes, strict=True)
            ]

    def _work(self, claims: Sequence[Claim], lease: LeaseKeeper) -> list[Answered]:
        ids = [claim.job.id for claim in claims]
        named = {"job_id": ids[0]} if len(ids) == 1 else {"job_ids": ids}
        with structlog.contextvars.bound_contextvars(**named):
            try:
                if claims[0].job.options.kind == "analyze":
                    return [*self._analyze(claims, lease)]
                return [self._do(claim, lease) for claim in claims]
            except DeviceFault:
                raise
            except Exception as error:
                if len(claims) > 1:
                    raise
                return [error]

    def _analyze(
        self, claims: Sequence[Claim], lease: LeaseKeeper
    ) -> list[AnalysisAnswer | Exception | None]:
        orders = [
            Order(
                read=partial(self._blobs.get, claim.job.blob_keys[0]),
                options=claim.job.options,
                is_wanted=partial(lease.is_wanted, claim.job.id),
                cause=claim.job.id,
            )
            for claim in claims
            if isinstance(claim.job.options, AnalyzeOptions)
        ]
        return self._pipeline.analyze_many(orders, ends=(self._time_limit_error,))

    def _do(self, claim: Claim, lease: LeaseKeeper) -> Answered:
        """Do a job that is no photo's. Such jobs are claimed alone."""
        work = self._works[claim.job.options.kind]
        return work.run(claim, is_wanted=partial(lease.is_wanted, claim.job.id))

    def _broken_off(self, claims: Sequence[Claim], error: Exception) -> list[Ended]:
        """Queue a batch again that ended without answers: each of its jobs runs alone then.

        A job that is the reason for it ends its next attempts alone; its neighbours succeed.
        """
        _log.error("batch.broken_off", jobs=len(claims), exc_info=error)
        self._give_back(claims, why=type(error).__name__, counted=True)
        return ["given_back"] * len(claims)

    def _give_back(self, claims: Sequence[Claim], *, why: str, counted: bool) -> None:
        for claim in claims:
            try:
                self._jobs.give_back(claim, counted=counted)
            except LeaseLost:
                continue  # it has ended, or another worker has it
            except StoreUnavailable as error:
                # Its lease ends, and it is queued again.
                _log.warning("job.not_given_back", job_id=claim.job.id, error=str(error))
            else:
                _log.warning("job.given_back", job_id=claim.job.id, why=why)

    def _end(
        self,
        claim: Claim,
        outcome: Answered,
        lease: LeaseKeeper,
        deadline: float,
    ) -> Ended:
        """Write a job's end, unless it is another worker's by now."""
        id_ = claim.job.id
        with structlog.contextvars.bound_contextvars(job_id=id_, attempt=claim.job.attempt):
            if id_ in lease.lost:
                return "lease_lost"
            lease.expect_end(id_)
            end = self._end_of(claim, None if id_ in lease.cancelled else outcome)
            try:
                _persist(end.write, deadline)
            except LeaseLost:
                _log.warning("job.write_refused", fence=claim.fence)
                return "lease_lost"
            _log.info(end.event, **end.details)
            if end.ended != "given_back":
                self._forget_images(claim.job.blob_keys)
            return end.ended

    def _end_of(self, claim: Claim, outcome: Answered) -> _End:
        if isinstance(outcome, TurnOver):
            write = partial(self._jobs.give_back, claim, counted=False)
            return _End(ended="given_back", write=write, event="job.turn_over", details={})
        if outcome is None:
            write = partial(self._jobs.end_cancelled, claim)
            return _End(ended="cancelled", write=write, event="job.cancelled", details={})
        if isinstance(outcome, Exception):
            error = job_error(outcome, time_limit_error=self._time_limit_error)
            write = partial(self._jobs.fail, claim, error)
            code = {"code": error.code}
            return _End(ended="failed", write=write, event="job.failed", details=code)
        result_json = outcome.model_dump_json(exclude_unset=True)
        write = partial(self._jobs.succeed, claim, result_json)
        details = {"kind": claim.job.options.kind, **_figures(outcome)}
        return _End(ended="succeeded", write=write, event="job.succeeded", details=details)

    def _forget_images(self, blob_keys: Sequence[str]) -> None:
        for blob_key in blob_keys:
            try:
                self._blobs.delete(blob_key)
            except BlobStoreFailed as error:
                _log.warning("job.image_not_deleted", error=str(error))  # the sweep deletes it


def _figures(answer: BaseModel) -> dict[str, Any]:
    """What the log tells of an answer."""
    if isinstance(answer, AnalysisAnswer):
        return {"faces": len(answer.faces), "total_ms": answer.timings_ms["total"]}
    return {"total_ms": answer.timings_ms.get("total")} if isinstance(answer, WorkAnswer) else {}


def _persist(write: Callable[[], None], deadline: float) -> None:
    """Write while the lease may hold, through a short absence of the store."""
    while True:
        try:
            return write()
        except StoreUnavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(RETRY_SECONDS)
