"""How long each stage took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class StageClock:
    """Milliseconds per stage."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what is done inside."""
        started = time.perf_counter()
        yield
        self._stages[name] = _milliseconds_since(started)

    def finish(self) -> dict[str, float]:
        """Milliseconds of each stage, and `total` since the clock was made."""
        return {**self._stages, "total": _milliseconds_since(self._started)}


def _milliseconds_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 2)
