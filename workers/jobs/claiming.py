"""Which jobs a worker takes at once: the named one, those that share its batch, bulk's turn."""

import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Sequence

import structlog

from workers.batching import BatchPlan, BulkTurns, GroupHistory, fill_wait_seconds, lane_of
from workers.errors import StoreUnavailable
from workers.jobs.store import Claim, ClaimLimits, Job, JobStore, NotClaimed

#: Queues and batch keys whose history is kept, the latest ones.
HISTORIES_KEPT = 64

_log = structlog.get_logger()


class Claimer:
    """Claims jobs in batches.

    Args:
        jobs: The authority.
        plan: How large batches are, and what is waited for.
        sleep: Waits so many seconds.
    """

    def __init__(
        self, jobs: JobStore, plan: BatchPlan, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._jobs = jobs
        self._plan = plan
        self._sleep = sleep
        self._turns = BulkTurns(plan.interactive_batches)
        self._histories: OrderedDict[tuple[str, str], GroupHistory] = OrderedDict()

    def claim(self, job_id: str) -> Sequence[Claim] | NotClaimed:
        """The named job and those that may share its batch; or why there is none.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        plan = self._plan
        limits = ClaimLimits(jobs=plan.jobs, pixels=plan.pixels, queues=plan.queues)
        claims = self._jobs.claim_batch(job_id, claim_id=_new_id(), limits=limits)
        if isinstance(claims, str):
            return claims
        return self._filled(claims)

    def bulk_turn(self, queue: str) -> Sequence[Claim]:
        """Bulk jobs whose turn it is now that a batch of this queue has ended; mostly none."""
        bulk = self._turns.after(queue)
        if bulk is None:
            return ()
        try:
            claims = self._jobs.claim_oldest(
                bulk,
                claim_id=_new_id(),
                limits=ClaimLimits(jobs=self._plan.jobs, pixels=self._plan.pixels),
                waited_seconds=self._plan.bulk_patience_seconds,
            )
        except StoreUnavailable as error:
            _log.warning("claim.no_bulk_turn", queue=bulk, error=str(error))
            return ()
        if claims:
            _log.info("claim.bulk_turn", queue=bulk, jobs=len(claims))
            self._turns.after(bulk)
        return claims

    def interactive_turn(self) -> Sequence[Claim]:
        """The oldest interactive jobs of this worker's queues; mostly none."""
        queues = [name for name in self._plan.queues or () if name.endswith(".interactive")]
        if not queues:
            return ()
        try:
            return self._jobs.claim_oldest(
                queues[0],
                claim_id=_new_id(),
                limits=ClaimLimits(jobs=self._plan.jobs, pixels=self._plan.pixels),
                waited_seconds=0,
            )
        except StoreUnavailable as error:
            _log.warning("claim.no_interactive_turn", queue=queues[0], error=str(error))
            return ()

    def ran(self, claims: Sequence[Claim], seconds: float) -> None:
        """Learn how long a batch took."""
        self._history(claims[0].job).ran(seconds)

    def _filled(self, claims: Sequence[Claim]) -> Sequence[Claim]:
        """A batch, and what came while it was waited for more, if that paid."""
        first = claims[0].job
        # A job that has lost a worker runs alone.
        if self._plan.jobs == 1 or first.attempt > 1:
            return claims
        history = self._history(first)
        history.saw(claim.job.created_ms for claim in claims)
        room = self._plan.jobs - len(claims)
        seconds = fill_wait_seconds(
            room=room,
            longest_seconds=self._plan.longest_wait_seconds(lane_of(first.route.queue)),
            batch_seconds=history.batch_seconds,
            arrivals_per_second=history.arrivals_per_second(first.started_ms or 0),
        )
        if not seconds:
            return claims
        self._sleep(seconds)
        return (*claims, *self._more(first, claims, room))

    def _more(self, first: Job, claims: Sequence[Claim], room: int) -> Sequence[Claim]:
        left = self._plan.pixels - sum(claim.job.pixels for claim in claims)
        limits = ClaimLimits(jobs=room, pixels=max(0, left))
        try:
            more = self._jobs.claim_more(first, claim_id=_new_id(), limits=limits)
        except StoreUnavailable as error:
            _log.warning("claim.not_filled", error=str(error))
            return ()
        if more:
            self._history(first).saw(claim.job.created_ms for claim in more)
        return more

    def _history(self, job: Job) -> GroupHistory:
        key = (job.route.queue, job.batch_key)
        history = self._histories.setdefault(key, GroupHistory())
        self._histories.move_to_end(key)
        if len(self._histories) > HISTORIES_KEPT:
            self._histories.popitem(last=False)
        return history


def _new_id() -> str:
    return uuid.uuid4().hex
