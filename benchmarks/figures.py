"""Medians, percentiles and the parts of a latency. Pure."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: Values of one quantity by sample photo: photos differ in work, so they are not thrown together.
BySample = Mapping[str, Sequence[float]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """One photo sent, and its answer received, by one client. Milliseconds, wall time.

    Five parts follow one another without gap or overlap, from sending to receipt. `accept_ms` runs
    beside them: a worker may begin before the 202 arrives.
    """

    #: Id of the sample photo.
    sample: str
    #: From sending the photo to its 202.
    accept_ms: float
    #: From sending the photo until the job is in the store.
    store_ms: float
    #: From there until a worker has claimed it: the answer's `waited_ms`.
    queue_ms: float
    #: The pipeline itself: the answer's `timings_ms.total`.
    pipeline_ms: float
    #: What else the worker did between claim and end: reading the image, writing the answer.
    worker_rest_ms: float
    #: From the job's end until the client has its answer.
    deliver_ms: float

    @property
    def latency_ms(self) -> float:
        """From sending the photo to having its answer."""
        return (
            self.store_ms + self.queue_ms + self.pipeline_ms + self.worker_rest_ms + self.deliver_ms
        )


#: Quantities of an exchange, in the order of a report.
PARTS = (
    "latency_ms",
    "accept_ms",
    "store_ms",
    "queue_ms",
    "pipeline_ms",
    "worker_rest_ms",
    "deliver_ms",
)


def percentile(values: Sequence[float], percent: float) -> float:
    """The value at a percentage of the sorted values, between two of them in proportion.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("There is no percentile of nothing.")
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def typical(values: BySample) -> float:
    """The mean over the sample photos of each one's median.

    A plain median over photos of different work would fall between two clusters and jump from one
    to the other.
    """
    return statistics.fmean(statistics.median(of_one) for of_one in values.values())


def by_sample(exchanges: Sequence[Exchange], part: str) -> dict[str, list[float]]:
    """One quantity of exchanges, by sample photo."""
    found: dict[str, list[float]] = {}
    for exchange in exchanges:
        found.setdefault(exchange.sample, []).append(getattr(exchange, part))
    return found


def parts(exchanges: Sequence[Exchange]) -> dict[str, float]:
    """The typical value of every quantity, milliseconds."""
    return {part: typical(by_sample(exchanges, part)) for part in PARTS}


def ratios(numerators: Sequence[float], denominators: Sequence[float]) -> list[float]:
    """Pairs of one repetition each: measured side by side, so that a slow spell hits both."""
    return [above / below for above, below in zip(numerators, denominators, strict=True)]
