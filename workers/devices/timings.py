"""How long models take here, on the device and on the CPU: what decides who is worth its room."""

import threading
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

from numpy.typing import NDArray

from models.contract import InferenceSession, Opener, TensorInfo, Tensors, close
from vram.fleet import Where

#: Weight of a new value in the exponential means: about the last ten runs count.
NEW_SHARE = 0.2
#: Told how many rows a run had and how long it took, ms.
Ran = Callable[[int, float], None]


class Timings:
    """Exponential means of this process.

    Args:
        cpu_ratio: Speed of the CPU relative to the device, as long as one of both is unknown.
        simulated: Whether the device computes on the CPU: what it measures says nothing of a card.
    """

    def __init__(self, *, cpu_ratio: float, simulated: bool = False) -> None:
        self._cpu_ratio = cpu_ratio
        self._simulated = simulated
        self._lock = threading.Lock()
        self._row_ms: dict[tuple[Where, str], float] = {}
        self._rows: dict[str, float] = {}
        self._rows_now: dict[str, int] = {}
        self._changed: set[tuple[Where, str]] = set()

    def seed(self, service_ms: Mapping[tuple[Where, str], float]) -> None:
        """Take over what others have learned, where nothing was measured here."""
        with self._lock:
            self._row_ms = {**service_ms, **self._row_ms}

    def ran(self, where: Where, model: str, rows: int, ms: float) -> None:
        """Take a run into account."""
        with self._lock:
            key = (where, model)
            self._row_ms[key] = _mean(self._row_ms.get(key), ms / max(1, rows))
            self._rows_now[model] = self._rows_now.get(model, 0) + rows
            self._changed.add(key)

    def used(self, model: str) -> None:
        """Count the rows since the last use as one use's."""
        with self._lock:
            rows = self._rows_now.pop(model, 0)
            if rows:
                self._rows[model] = _mean(self._rows.get(model), rows)

    def penalty_ms(self, model: str) -> float:
        """What one use on the CPU costs more than on the device; 0 where nothing is known yet."""
        with self._lock:
            cpu_ms = self._row_ms.get(("cpu", model))
            device_ms = self._row_ms.get(("gpu", model))
            rows = self._rows.get(model, 1.0)
        if cpu_ms is None or self._simulated or device_ms is None:
            # On the CPU the simulated device's own runs are as good a measure as any.
            known_ms = cpu_ms if cpu_ms is not None else device_ms if self._simulated else None
            return 0.0 if known_ms is None else known_ms * (1 - self._cpu_ratio) * rows
        return max(0.0, cpu_ms - device_ms) * rows

    def take(self) -> dict[tuple[Where, str], float]:
        """What has changed since this was last asked: mean ms of a row, by place and model."""
        with self._lock:
            changed, self._changed = self._changed, set()
            return {key: self._row_ms[key] for key in changed}


def _mean(old: float | None, new: float) -> float:
    return new if old is None else old + NEW_SHARE * (new - old)


class TimedSession:
    """A session whose runs are timed, but for the first: it pays for lazy initialisation."""

    def __init__(self, session: InferenceSession, ran: Ran) -> None:
        self._session = session
        self._ran = ran
        self._warm = False
        self.inputs: tuple[TensorInfo, ...] = session.inputs
        self.outputs: tuple[TensorInfo, ...] = session.outputs
        self.provider = session.provider

    def run(self, feeds: Tensors) -> dict[str, NDArray[Any]]:
        """See InferenceSession.run."""
        started = perf_counter()
        answers = self._session.run(feeds)
        if self._warm:
            rows = max((len(value) for value in feeds.values() if value.ndim), default=1)
            self._ran(rows, (perf_counter() - started) * 1000)
        self._warm = True
        return answers

    def close(self) -> None:
        """See ClosableSession.close."""
        close(self._session)


def on_cpu(opener: Opener, ran: Ran) -> TimedSession:
    """A graph's session on the CPU, timed."""
    return TimedSession(opener("cpu"), ran)
