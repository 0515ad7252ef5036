"""A fleet in a store of its own, filled to a size, for the ledger's benchmark."""

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import redis

from benchmarks.errors import BenchmarkFailed
from cli.launcher.data_dir import DataDir
from cli.launcher.embedded_store import EmbeddedStore
from cli.launcher.store_binary import find_store_binary
from vram.answers import Ask
from vram.fleet import DeviceSummary
from vram.records import Device, Limits
from vram.redis_fleet import RedisFleet
from vram.redis_ledger import RedisLedger

#: Models on each device: what a face analysis loads, two tasks in two variants.
RESIDENT: Final = 8
#: A job's models.
JOB_MODELS: Final = 5
_MODEL_MIB: Final = 100
_SILENT_SECONDS: Final = 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """How large a fleet is."""

    devices: int
    models: int

    @property
    def name(self) -> str:
        """For a report."""
        return f"{self.devices} devices, {self.models} models"


@dataclass(frozen=True, kw_only=True, slots=True)
class FilledFleet:
    """A fleet of a size, on a database of its own."""

    size: Size
    ledger: RedisLedger
    fleet: RedisFleet
    incarnations: dict[str, int]
    dice: random.Random

    def pick(self) -> tuple[str, int]:
        """One device, and who holds it."""
        return self.dice.choice(list(self.incarnations.items()))

    def job_models(self) -> list[str]:
        """What a job uses: half of it is what all devices have."""
        known = [model_name(number) for number in range(self.size.models)]
        return [*known[: JOB_MODELS // 2], *self.dice.sample(known, JOB_MODELS - JOB_MODELS // 2)]


def model_name(number: int) -> str:
    """The lower, the more popular."""
    return f"model-{number}"


@contextmanager
def running_store() -> Iterator[redis.Redis]:
    """A store with nothing in it, ended afterwards.

    Raises:
        CliError: it is not installed, or does not start.
    """
    with tempfile.TemporaryDirectory() as folder:
        data = DataDir(root=Path(folder))
        data.create()
        store = EmbeddedStore(data, find_store_binary(), memory_bytes=2 * 1024**3)
        store.start()
        try:
            with redis.Redis.from_url(store.url, socket_timeout=30) as client:
                yield client
        finally:
            store.stop()


def fill(client: redis.Redis, size: Size) -> FilledFleet:
    """Register the devices, load what each holds, let each remember every model, publish all."""
    filled = FilledFleet(
        size=size,
        ledger=RedisLedger(client, silent_seconds=_SILENT_SECONDS),
        fleet=RedisFleet(client),
        incarnations={},
        dice=random.Random(f"{size.name}"),  # noqa: S311 - no secret
    )
    for number in range(size.devices):
        device_id = f"host-{number}/sim:6144"
        filled.incarnations[device_id] = _fill_device(filled, device_id)
    for number in range(size.models):
        filled.fleet.learn(
            service_ms={("gpu", model_name(number)): 5.0, ("cpu", model_name(number)): 40.0},
            load_ms={model_name(number): 300.0},
            vram_mib={model_name(number): _MODEL_MIB},
        )
    return filled


def _fill_device(filled: FilledFleet, device_id: str) -> int:
    ledger = filled.ledger
    mine = ledger.next_incarnation(device_id)
    ledger.register(_device(device_id, mine))
    resident = [model_name(number) for number in range(RESIDENT)]
    for model in resident:
        answer = ledger.reserve(device_id, mine, ask(model))
        if answer.gen is None:
            raise BenchmarkFailed(f"{model} was not admitted: {answer.reason}.")
        ledger.begin(device_id, mine, answer.gen, free_mib=None)
        ledger.loaded(device_id, mine, answer.gen, vram_mib=_MODEL_MIB, load_ms=300.0)
    # One device remembers them all; a thousand times a thousand would measure the store's memory.
    if filled.size.devices == 1:
        for number in range(RESIDENT, filled.size.models):
            ledger.reserve(device_id, mine, ask(model_name(number), vram_mib=100_000))
    filled.fleet.publish(_summary(filled, device_id, mine, resident), live_seconds=_SILENT_SECONDS)
    return mine


def ask(model: str, *, vram_mib: int = _MODEL_MIB) -> Ask:
    """A request that may be served on the CPU."""
    return Ask(model=model, vram_mib=vram_mib, priority="medium", token="benchmark")  # noqa: S106 - names a pin


def _device(device_id: str, incarnation: int) -> Device:
    return Device(
        id=device_id,
        kind="simulated",
        name="benchmark",
        host=device_id.partition("/")[0],
        total_mib=6144,
        reserved_mib=0,
        context_mib=0,
        headroom_mib=256,
        verified=False,
        incarnation=incarnation,
        limits=Limits(lease_seconds=_SILENT_SECONDS, events_kept=1000),
    )


def _summary(
    filled: FilledFleet, device_id: str, incarnation: int, resident: list[str]
) -> DeviceSummary:
    state = filled.ledger.state(device_id)
    return DeviceSummary(
        id=device_id,
        kind="simulated",
        incarnation=incarnation,
        version=state.version,
        resident=tuple(resident),
        coming=(),
        free_mib=state.free_mib,
        evictable_mib={"critical": 800, "high": 800, "medium": 800, "low": 0},
        usable_mib=state.usable_mib,
        pressure=False,
    )
