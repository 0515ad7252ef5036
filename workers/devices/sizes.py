"""How much memory models take here: what was measured, else what is expected."""

import threading
from collections.abc import Callable

from models.memory import Expected
from models.spec import ModelSpec

#: A first guess at a load's time until one was measured. The requirements' own table (R-02a-4) goes
#: from 30 ms for 2 MB to 600 ms for 249 MB.
MS_PER_MIB, LEAST_LOAD_MS = 2.3, 30.0
#: What a model takes for batches of a size, from a table.
Expect = Callable[[ModelSpec, int], Expected]


class Sizes:
    """Sizes by model and batch size, for one process and device.

    Args:
        expect: `models.memory.expected_mib` for this device.
        grown: A size with what shortages have taught.
    """

    def __init__(self, expect: Expect, grown: Callable[[str, int], int]) -> None:
        self._expect = expect
        self._grown = grown
        self._lock = threading.Lock()
        self._measured: dict[tuple[str, int], int] = {}
        self._last_ms: dict[str, float] = {}
        self._load_ms: dict[str, float] = {}
        self._vram_mib: dict[str, int] = {}

    def expected(self, spec: ModelSpec, bucket: int) -> Expected:
        """What the table says."""
        return self._expect(spec, bucket)

    def mib(self, spec: ModelSpec, bucket: int) -> int:
        """What a model takes for batches of that size, MiB."""
        measured = self._measured.get((spec.id, bucket))
        known = self._expect(spec, bucket).mib if measured is None else measured
        return self._grown(spec.id, known)

    def load_ms(self, spec: ModelSpec) -> float:
        """What a load takes: the last one, else a guess by the weights."""
        known_ms = self._last_ms.get(spec.id)
        weights_mib = self._expect(spec, 1).weights_mib
        return weights_mib * MS_PER_MIB + LEAST_LOAD_MS if known_ms is None else known_ms

    def learn(
        self, spec: ModelSpec, bucket: int, vram_mib: int, load_ms: float, *, measured: bool
    ) -> None:
        """Remember a load."""
        with self._lock:
            if measured:
                self._measured[spec.id, bucket] = vram_mib
                self._vram_mib[spec.id] = vram_mib
            self._load_ms[spec.id] = self._last_ms[spec.id] = load_ms

    def take(self) -> tuple[dict[str, float], dict[str, int]]:
        """Load times, ms, and sizes, MiB, since this was last asked, by model."""
        with self._lock:
            load_ms, self._load_ms = self._load_ms, {}
            vram_mib, self._vram_mib = self._vram_mib, {}
            return load_ms, vram_mib
