"""How fast graphs are: several things timed in turn, so that a slow spell hits all alike."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from models.contract import InferenceSession
from models.graphs.fuse import noise
from models.spec import ModelSpec, Variant
from models.weights.tuning_file import Speed

Name = TypeVar("Name")
#: Fewer rounds have no median to speak of.
MIN_ROUNDS = 3
#: Side of the image a detector is timed on, pixels.
DETECTOR_SIDE = 640


def clock_for(threads: int) -> Callable[[], float]:
    """The clock to time a session by, seconds.

    With one thread a run happens in the thread that asks for it. Its CPU time is the wall time of
    an idle machine; wall time proper would count whoever else had the core, and longer runs more
    often. With more threads there is only wall time.
    """
    return time.thread_time if threads == 1 else time.perf_counter


def time_in_turn(
    runs: Mapping[Name, Callable[[], object]], *, seconds: float, clock: Callable[[], float]
) -> dict[Name, list[float]]:
    """Run each once to warm up, then all in turn, again and again.

    Args:
        runs: What to time.
        seconds: No further round is begun after, wall time; at least MIN_ROUNDS are made.
        clock: What a run's time is read from, see clock_for.

    Returns:
        Seconds of each run by name, as many for each, those of one round at one place.
    """
    for run in runs.values():
        run()
    taken: dict[Name, list[float]] = {name: [] for name in runs}
    end = time.perf_counter() + seconds
    rounds = 0
    while rounds < MIN_ROUNDS or time.perf_counter() < end:
        rounds += 1
        for name, run in runs.items():
            start = clock()
            run()
            taken[name].append(clock() - start)
    return taken


def measure(
    sessions: Mapping[Variant, InferenceSession],
    spec: ModelSpec,
    *,
    buckets: Sequence[int],
    threads: int,
    seconds: float,
) -> list[Speed]:
    """Time every variant of a model with every batch size, on noise.

    Args:
        sessions: By variant.
        spec: The model.
        buckets: Batch sizes.
        threads: The sessions' threads.
        seconds: About how long this takes.
    """
    runs = {
        (variant, batch): _run(session, spec, batch)
        for variant, session in sessions.items()
        for batch in buckets
    }
    taken = time_in_turn(runs, seconds=seconds, clock=clock_for(threads))
    return [
        Speed(variant=variant, batch=batch, per_second=batch / undisturbed(times))
        for (variant, batch), times in taken.items()
    ]


def undisturbed(seconds: Sequence[float]) -> float:
    """The first quartile: on a machine that does other work, slow runs measure that work."""
    return statistics.quantiles(seconds, n=4, method="inclusive")[0]


def _run(session: InferenceSession, spec: ModelSpec, batch: int) -> Callable[[], object]:
    feeds = noise(spec, batch=batch, seed=0, height=DETECTOR_SIDE, width=DETECTOR_SIDE)
    return lambda: session.run(feeds)
