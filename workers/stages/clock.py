"""How long stages took."""

import time
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager

#: Milliseconds by stage.
Timings = MutableMapping[str, float]


@contextmanager
def shared(stage: str, timings: Sequence[Timings]) -> Iterator[None]:
    """Time what is done inside, and give each of those it is done for an even share."""
    started = time.perf_counter()
    yield
    share_ms = milliseconds_since(started) / max(1, len(timings))
    for each in timings:
        each[stage] = round(share_ms, 2)


def milliseconds_since(started: float) -> float:
    """Since a reading of `time.perf_counter`, to the hundredth."""
    return round((time.perf_counter() - started) * 1000, 2)
