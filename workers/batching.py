"""When a worker waits for more jobs of a batch, and when bulk work gets its turn. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from workers.contract import Lane, device_of, queue_of

#: A worker waits at most for this share of the time that such batches take: what waiting costs
#: those that are there must stay small against what it may save.
WAIT_SHARE = 0.25
#: Weight of a new value in the exponential means: about the last ten count.
NEW_SHARE = 0.2
#: A longer gap between two jobs tells no more than that they are rare.
LONGEST_GAP_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchPlan:
    """How a worker makes batches of jobs."""

    #: Most jobs of a batch.
    jobs: int = 1
    #: Most pixels of all its images together, as long as there are several.
    pixels: int = 0
    #: The queues the worker serves; None: any.
    queues: tuple[str, ...] | None = None
    #: Longest wait for more interactive jobs, and for more bulk jobs; 0: never.
    interactive_wait_seconds: float = 0.0
    bulk_wait_seconds: float = 0.0
    #: A bulk job that has waited for longer gets its turn after so many interactive batches.
    bulk_patience_seconds: float = 30.0
    interactive_batches: int = 8

    def longest_wait_seconds(self, lane: Lane) -> float:
        """The longest wait for more jobs of a lane."""
        return self.bulk_wait_seconds if lane == "bulk" else self.interactive_wait_seconds


def lane_of(queue: str) -> Lane:
    """The lane a job queue belongs to."""
    return "bulk" if queue.endswith(".bulk") else "interactive"


def fill_wait_seconds(
    *, room: int, longest_seconds: float, batch_seconds: float, arrivals_per_second: float
) -> float:
    """How long to wait for more jobs before a batch is run; 0: run it now.

    It pays only if at least one more is to be expected within the longest wait that is allowed:
    `longest_seconds`, and WAIT_SHARE of what such a batch takes. Nobody waits for longer than it
    takes to fill the batch.

    Args:
        room: How many more the batch may hold.
        longest_seconds: Of its lane.
        batch_seconds: Mean time such batches took; 0: none was run yet.
        arrivals_per_second: Of jobs that may share it.
    """
    allowed = min(longest_seconds, WAIT_SHARE * batch_seconds)
    if room < 1 or arrivals_per_second * allowed < 1:
        return 0.0
    return min(allowed, room / arrivals_per_second)


@dataclass(kw_only=True, slots=True)
class GroupHistory:
    """What was seen of jobs of one queue and batch key."""

    #: Mean time between two submissions; None: fewer than two were seen.
    gap_seconds: float | None = None
    #: The latest submission, ms by the store's clock.
    latest_ms: int | None = None
    #: Mean time a batch took.
    batch_seconds: float = 0.0

    def saw(self, created_ms: Iterable[int]) -> None:
        """Take jobs into account that were claimed, by when they were submitted."""
        for at_ms in sorted(created_ms):
            if self.latest_ms is not None:
                gap = max(0.0, min((at_ms - self.latest_ms) / 1000, LONGEST_GAP_SECONDS))
                self.gap_seconds = _mean(self.gap_seconds, gap)
            self.latest_ms = max(at_ms, self.latest_ms or 0)

    def ran(self, seconds: float) -> None:
        """Take a batch's time into account."""
        self.batch_seconds = _mean(self.batch_seconds or None, seconds)

    def arrivals_per_second(self, now_ms: int) -> float:
        """How many come; that none came for a while counts too."""
        if self.gap_seconds is None or self.latest_ms is None:
            return 0.0
        silence = (now_ms - self.latest_ms) / 1000
        return 1 / max(self.gap_seconds, silence, 1e-3)


class BulkTurns:
    """Gives bulk work its turn while interactive work never ends.

    Celery serves the interactive queue as long as it holds a message. So a worker that has run
    `batches` interactive batches in a row looks for a bulk job itself.
    """

    def __init__(self, batches: int) -> None:
        self._batches = batches
        self._in_a_row = 0

    def after(self, queue: str) -> str | None:
        """Count a batch of a queue; the bulk queue that is to be looked at now, if any is."""
        if lane_of(queue) == "bulk":
            self._in_a_row = 0
            return None
        self._in_a_row += 1
        if self._in_a_row < self._batches:
            return None
        self._in_a_row = 0
        return queue_of("bulk", device=device_of(queue))


def _mean(old: float | None, new: float) -> float:
    return new if old is None else old + NEW_SHARE * (new - old)
