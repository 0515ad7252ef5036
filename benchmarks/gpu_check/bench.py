"""What every step works with: a device, how to read it, and models to put on it."""

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import redis

from benchmarks.errors import BenchmarkFailed
from benchmarks.gpu_check.inventory import Inventory
from models.contract import InferenceSession, Tensors, close
from models.graphs.fuse import noise
from models.memory import Expected, arena_limit_bytes, expected_mib
from models.session import open_session
from models.spec import ModelSpec
from vram.ledger import VramLedger
from vram.probe import MIB, Identity, MemoryProbe, Reading, SimulatedProbe, median_used_mib
from vram.probe import reading as reading_of
from vram.records import DeviceState, Event
from workers.connections.client import open_fleet, open_ledger
from workers.devices.device import OpenedDevice, open_device
from workers.devices.setup import Hardware
from workers.devices.simulated_card import SimulatedCard
from workers.settings.process import Settings

#: An unload is waited for until so much is back, or for so long; as the worker does.
BACK_SHARE, BACK_SECONDS = 0.75, 5.0
#: Sides of images whose size may vary, pixels: what detectors run.
SIDE = 640
UNREADABLE = "The device's memory can't be read, so nothing can be checked."


@dataclass(frozen=True, kw_only=True, slots=True)
class Smaller:
    """A probe of a device that is treated as a smaller one."""

    inner: MemoryProbe
    total_bytes: int

    @property
    def name(self) -> str:
        """See MemoryProbe."""
        return self.inner.name

    @property
    def identity(self) -> Identity:
        """See MemoryProbe."""
        return self.inner.identity

    def used_bytes(self) -> int:
        """See MemoryProbe."""
        return self.inner.used_bytes()

    def read(self) -> Reading:
        """See MemoryProbe."""
        return reading_of(self.total_bytes, self.used_bytes())


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    """A worker's device in use."""

    device: OpenedDevice
    hardware: Hardware
    #: What reads it.
    probe: MemoryProbe
    ledger: VramLedger

    @property
    def id(self) -> str:
        """The device's, in the ledger."""
        return self.device.models.place.account.device.id

    @property
    def state(self) -> DeviceState:
        """What the ledger knows of it."""
        return self.ledger.state(self.id)

    @property
    def events(self) -> Sequence[Event]:
        """What the ledger decided, oldest first."""
        return tuple(self.ledger.follow(self.id))


@dataclass(kw_only=True)
class Bench:
    """One check's surroundings."""

    settings: Settings
    hardware: Hardware
    #: The size for evictions, MiB.
    small_mib: int
    inventory: Inventory
    #: Where the ledger is.
    client: redis.Redis
    #: Uses under the small cap, and inferences of the long run.
    uses: int
    inferences: int
    #: `time.monotonic()` at which the long run must have ended.
    deadline: float
    progress: Callable[[str], None]
    #: How long memory is waited for.
    back_seconds: float = BACK_SECONDS

    @property
    def device(self) -> str:
        """What the runtime calls it: "cuda:0" or "sim:<MB>"."""
        return self.settings.device

    @property
    def card(self) -> SimulatedCard | None:
        """The simulated card; None on a real one."""
        return self.hardware.card

    @property
    def probe(self) -> MemoryProbe:
        """What reads the device.

        Raises:
            BenchmarkFailed: nothing does.
        """
        if self.hardware.probe is None:
            raise BenchmarkFailed(UNREADABLE)
        return self.hardware.probe

    def used_mib(self) -> int:
        """What is taken on the device, median of three readings."""
        return median_used_mib(self.probe, pause_seconds=0.0 if self.card else 0.05)

    def expected(self, spec: ModelSpec, bucket: int) -> Expected:
        """What a model is expected to take here."""
        return expected_mib(
            spec, bucket, catalogue=self.inventory.catalogue, cuda=self.card is None
        )

    def open(self, spec: ModelSpec, *, capped: bool = True) -> InferenceSession:
        """A model's graph on the device, not warmed up.

        Args:
            spec: The model.
            capped: Whether its arena has the limit that a worker gives it.

        Raises:
            ModelsError: see `models.session.open_session`.
        """
        limit = arena_limit_bytes(self.expected(spec, max(spec.batch_buckets)))
        session = open_session(
            self.inventory.store.prepared(spec),
            device=self.device,
            threads=self.settings.ort_threads,
            memory_limit_bytes=limit if capped else None,
        )
        if self.card is None:
            return session
        return self.card.load(session, spec, lambda bucket: self.expected(spec, bucket))

    @contextmanager
    def opened(self, spec: ModelSpec, *, capped: bool = True) -> Iterator[InferenceSession]:
        """The same, closed at the end."""
        session = self.open(spec, capped=capped)
        try:
            yield session
        finally:
            close(session)

    def wait_for_return(self, before_mib: int, taken_mib: int) -> tuple[int, float]:
        """Wait until most of what was taken is back: how much is, MiB, and after how long, s."""
        gc.collect()
        started = time.monotonic()
        while True:
            back_mib = before_mib - -(-self.probe.used_bytes() // MIB)
            waited = time.monotonic() - started
            if back_mib >= taken_mib * BACK_SHARE or waited >= self.back_seconds:
                return back_mib, waited
            time.sleep(0.05)

    @contextmanager
    def worker(self, total_mib: int | None = None, **changes: object) -> Iterator[Worker]:
        """The device as a worker has it: registered, kept, loaded on demand; emptied at the end.

        Args:
            total_mib: Treat it as one of that size; its own when not given.
            changes: Of settings.
        """
        settings = self.settings.model_copy(update=changes)
        hardware = self.hardware if total_mib is None else self._sized(total_mib)
        if hardware.probe is None:
            raise BenchmarkFailed(UNREADABLE)
        ledger = open_ledger(self.client, settings)
        opened = open_device(
            settings,
            hardware,
            ledger=ledger,
            fleet=open_fleet(self.client, settings),
            store=self.inventory.store,
            catalogue=self.inventory.catalogue,
        )
        try:
            yield Worker(device=opened, hardware=hardware, probe=hardware.probe, ledger=ledger)
        finally:
            opened.keeper.close()
            opened.models.destroy_all()

    def _sized(self, total_mib: int) -> Hardware:
        if self.card is None:
            probe: MemoryProbe = Smaller(inner=self.probe, total_bytes=total_mib * MIB)
            return replace(self.hardware, probe=probe, total_mib=total_mib)
        card = SimulatedCard(total_mib=total_mib)
        probe = SimulatedProbe(total_bytes=total_mib * MIB, used=card.used_bytes)
        return replace(self.hardware, probe=probe, total_mib=total_mib, card=card)


def images(spec: ModelSpec, batch: int, *, seed: int = 0) -> Mapping[str, Any]:
    """Reproducible inputs of the size the model really runs."""
    return noise(spec, batch=batch, seed=seed, height=SIDE, width=SIDE)


def run_once(session: InferenceSession, feeds: Tensors) -> float:
    """How long one run takes, ms."""
    started = time.perf_counter()
    session.run(feeds)
    return (time.perf_counter() - started) * 1000
