"""A card that exists only as numbers, so that the whole path of a device runs without one.

Models compute on the CPU. What they would take is accounted: weights at the load, the arena at
the first run of a batch size, and given back when the session is closed. The card refuses what
does not fit with the runtime's own words, and what `simulated_faults` says goes wrong.
"""

import math
import re
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

from numpy.typing import NDArray

from models.contract import InferenceSession, TensorInfo, Tensors, close
from models.errors import DeviceFault, OutOfMemory
from models.memory import Expected
from models.spec import ModelSpec

MEBIBYTE = 1024 * 1024
#: How long a hung load hangs; longer than any lease.
HANG_SECONDS = 30.0

When = Literal["load", "first_run", "run"]
#: What a model takes for batches of a size.
Cost = Callable[[int], Expected]

_FAULT = re.compile(
    r"(?P<kind>out_of_memory|device_fault|hang)@(?P<when>load|first_run|run)"
    r"(?::(?P<model>[\w.-]+))?(?:\*(?P<times>\d+))?"
)


class Faults:
    """What goes wrong, and how often still.

    Args:
        texts: `<out_of_memory|device_fault|hang>@<load|first_run|run>[:<model>][*<times>]`; every
            model where none is named, once where no number is.
        hang_seconds: How long a hang lasts.

    Raises:
        ValueError: a text is none of these.
    """

    def __init__(self, texts: Sequence[str] = (), *, hang_seconds: float = HANG_SECONDS) -> None:
        self._lock = threading.Lock()
        self._hang_seconds = hang_seconds
        self._left: dict[tuple[str, str, str | None], int] = {}
        for text in texts:
            found = _FAULT.fullmatch(text)
            if found is None:
                raise ValueError(f"'{text}' is no fault of a simulated device.")
            key = (found["kind"], found["when"], found["model"])
            self._left[key] = self._left.get(key, 0) + int(found["times"] or 1)

    def strike(self, when: When, model: str) -> None:
        """Go wrong here, if it is time.

        Raises:
            OutOfMemory: that was asked for.
            DeviceFault: that was asked for.
        """
        kind = self._due(when, model)
        if kind == "hang":
            time.sleep(self._hang_seconds)
        elif kind == "out_of_memory":
            raise OutOfMemory("Failed to allocate memory for requested buffer of size 1 (injected)")
        elif kind == "device_fault":
            raise DeviceFault("CUDA failure 700: an illegal memory access was met (injected)")

    def _due(self, when: When, model: str) -> str | None:
        with self._lock:
            for (kind, at, whose), left in self._left.items():
                if at == when and whose in {None, model} and left > 0:
                    self._left[kind, at, whose] = left - 1
                    return kind
        return None


class SimulatedCard:
    """Accounts what models would take.

    Args:
        total_mib: Its size.
        foreign_mib: What others have on it.
        load_ms: Added to every load.
        run_ms: Added to every run.
        faults: What goes wrong.
    """

    def __init__(
        self,
        *,
        total_mib: int,
        foreign_mib: int = 0,
        load_ms: float = 0.0,
        run_ms: float = 0.0,
        faults: Faults | None = None,
    ) -> None:
        self._lock = threading.Lock()
        self._taken: dict[int, int] = {}
        self._next = 0
        self.total_mib = total_mib
        self.foreign_mib = foreign_mib
        self.load_ms = load_ms
        self.run_ms = run_ms
        self.faults = faults or Faults()

    @property
    def models_mib(self) -> int:
        """What our models have taken."""
        with self._lock:
            return sum(self._taken.values())

    @property
    def used_mib(self) -> int:
        """What is taken, by anybody."""
        return self.models_mib + self.foreign_mib

    def used_bytes(self) -> int:
        """The same for a `SimulatedProbe`."""
        return self.used_mib * MEBIBYTE

    def load(self, session: InferenceSession, spec: ModelSpec, cost: Cost) -> "SimulatedSession":
        """Put a graph's session on the card.

        Args:
            session: What computes.
            spec: The graph's entry. A part takes nothing of its own: its model's cost has it.
            cost: What the model takes.

        Raises:
            OutOfMemory: the card has not got that much free.
            DeviceFault: it was asked for.
        """
        time.sleep(self.load_ms / 1000)
        self.faults.strike("load", spec.id)
        with self._lock:
            self._next += 1
            number = self._next
        own_cost = None if spec.task == "part" else cost
        loaded = SimulatedSession(self, number, session, model=spec.id, cost=own_cost)
        if own_cost is not None:
            self.take(number, math.ceil(own_cost(1).weights_mib))
        return loaded

    def take(self, number: int, vram_mib: int) -> None:
        """Make a session take at least so much in all.

        Raises:
            OutOfMemory: the card has not got that much free; what the session has stays.
        """
        with self._lock:
            more = vram_mib - self._taken.get(number, 0)
            free = self.total_mib - self.foreign_mib - sum(self._taken.values())
            if more > free:
                raise OutOfMemory(
                    f"Available memory of {max(0, free) * MEBIBYTE} is smaller than requested"
                    f" bytes of {more * MEBIBYTE} (simulated)"
                )
            if more > 0:
                self._taken[number] = vram_mib

    def free(self, number: int, *, down_to_mib: int = 0) -> None:
        """Take memory of a session back, all or all but so much."""
        with self._lock:
            left = min(self._taken.pop(number, 0), down_to_mib)
            if left > 0:
                self._taken[number] = left


class SimulatedSession:
    """A session whose memory is accounted on a simulated card."""

    def __init__(
        self,
        card: SimulatedCard,
        number: int,
        session: InferenceSession,
        *,
        model: str,
        cost: Cost | None,
    ) -> None:
        self._card = card
        self._number = number
        self._session = session
        self._model = model
        self._cost = cost
        self._has_run = self._warm = self._closed = False
        self.inputs: tuple[TensorInfo, ...] = session.inputs
        self.outputs: tuple[TensorInfo, ...] = session.outputs
        self.provider = session.provider

    def run(self, feeds: Tensors) -> dict[str, NDArray[Any]]:
        """See InferenceSession.run."""
        if not self._has_run:
            self._has_run = True
            self._card.faults.strike("first_run", self._model)
        elif self._warm:
            self._card.faults.strike("run", self._model)
        if self._cost is not None and not self._closed:
            rows = max((len(value) for value in feeds.values() if value.ndim), default=1)
            self._card.take(self._number, self._cost(rows).mib)
        time.sleep(self._card.run_ms / 1000)
        return self._session.run(feeds)

    def warmed(self) -> None:
        """See workers.devices.ladder.WarmedSession: faults `@run` strike from now on."""
        self._warm = True

    def run_and_shrink(self, feeds: Tensors) -> dict[str, NDArray[Any]]:
        """See ShrinkableSession.run_and_shrink: afterwards only the weights stay."""
        answers = self.run(feeds)
        if self._cost is not None:
            self._card.free(self._number, down_to_mib=math.ceil(self._cost(1).weights_mib))
        return answers

    def close(self) -> None:
        """See ClosableSession.close."""
        self._closed = True
        self._card.free(self._number)
        close(self._session)
