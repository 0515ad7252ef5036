"""A simulated device with tiny models, its ledger on the imitation of a store, and its keeper."""

import time
from collections.abc import Callable
from typing import Any, Protocol

import fakeredis
import numpy as np

from models.catalogue import Catalogue
from models.loading import Opening, open_network
from models.memory import Expected
from models.network import Network
from models.spec import ModelSpec, PinnedSpec, Priority, Task
from models.testing import tiny_embedder
from models.weights.sources.memory import pinned
from models.weights.store import WeightStore
from vram.errors import LedgerUnavailable
from vram.probe import SimulatedProbe
from vram.records import Device, DeviceState, Limits
from vram.redis_fleet import RedisFleet
from vram.redis_ledger import RedisLedger
from workers.devices.account import DeviceAccount
from workers.devices.commands import DeviceCommands
from workers.devices.keeper import DeviceKeeper, KeeperRules
from workers.devices.loads import Place
from workers.devices.memory import DeviceMemory
from workers.devices.models import DeviceModels
from workers.devices.residency import Residency
from workers.devices.shortages import Shortages
from workers.devices.simulated_card import Faults, SimulatedCard
from workers.devices.sizes import Sizes
from workers.devices.timings import Timings
from workers.notes import Notes

MEBIBYTE = 1024 * 1024
ID = "host/sim:1000"
GRAPH = tiny_embedder(side=8)
#: Each takes 40 MiB of weights and 10 for each member of a batch.
WEIGHTS_MIB, RUN_MIB = 40, 10
FACES = np.random.default_rng(0).uniform(0, 255, (4, 3, 8, 8)).astype(np.float32)


def _spec(name: str, task: Task, priority: Priority) -> PinnedSpec:
    return PinnedSpec.model_validate(
        {
            "id": name,
            "title": name.title(),
            "task": task,
            "family": "embedder",
            "profile": "lite",
            "licence": "MIT",
            "commercial_use": True,
            "priority": priority,
            "file": pinned(GRAPH),
            "inputs": {"data": {"dtype": "float32", "dims": ["batch", 3, 8, 8]}},
            "outputs": {"fc1": {"dtype": "float32", "dims": ["batch", 4]}},
            "batch_buckets": [1, 2, 4],
        }
    )


SPECS = [
    _spec("finder", "detection", "critical"),
    _spec("live", "anti_spoofing", "high"),
    _spec("face", "recognition", "high"),
    _spec("age", "age", "medium"),
    _spec("gender", "gender", "medium"),
    _spec("fake", "deepfake", "low"),
]


def _expected(_: ModelSpec, bucket: int) -> Expected:
    run_mib = RUN_MIB * bucket
    return Expected(
        mib=WEIGHTS_MIB + run_mib,
        basis="measured_cpu_arena",
        weights_mib=WEIGHTS_MIB,
        run_mib=run_mib,
    )


def _device(incarnation: int, total_mib: int, limits: Limits | None) -> Device:
    return Device(
        id=ID,
        kind="simulated",
        name="simulated device",
        host="host",
        total_mib=total_mib,
        reserved_mib=0,
        context_mib=0,
        headroom_mib=0,
        verified=True,
        incarnation=incarnation,
        limits=limits or Limits(policy="lru", floor_loads=0.0, pressure_free_mib=0),
    )


def _rules(idle_seconds: float, max_rss_mb: int) -> KeeperRules:
    return KeeperRules(
        beat_seconds=0.05,
        observe_seconds=0.1,
        live_seconds=15,
        idle_seconds=lambda _: idle_seconds,
        max_rss_mb=max_rss_mb,
    )


class Store:
    """The ledger of a server that can be away, and its clock; see Fleet for the other half."""

    def __init__(self) -> None:
        self.client = fakeredis.FakeRedis(server=fakeredis.FakeServer(version=(7, 2)))
        self.is_away = False
        self.later_ms = 0
        #: The call that is carried out next without its answer being heard.
        self.loses_answer_of: str | None = None
        self._ledger = RedisLedger(self.client, silent_seconds=15, clock_ms=self.now_ms)
        self._fleet = RedisFleet(self.client, clock_ms=self.now_ms)

    def now_ms(self) -> int:
        return int(time.time() * 1000) + self.later_ms

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*args: object, **kwargs: object) -> object:
            if self.is_away:
                raise LedgerUnavailable
            answer = getattr(self._ledger, name)(*args, **kwargs)
            if self.loses_answer_of == name:
                self.loses_answer_of = None
                raise LedgerUnavailable
            return answer

        return call


class Fleet:
    """The fleet directory on the same server."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*args: object, **kwargs: object) -> object:
            if self._store.is_away:
                raise LedgerUnavailable
            return getattr(self._store._fleet, name)(*args, **kwargs)

        return call


class Bench:
    """One worker's device."""

    def __init__(
        self,
        store: Store,
        weights: WeightStore,
        *,
        total_mib: int = 1000,
        faults: tuple[str, ...] = (),
        load_ms: float = 0.0,
        limits: Limits | None = None,
        idle_seconds: float = 0.0,
        never_on_cpu: tuple[Task, ...] = (),
        hang_seconds: float = 0.5,
        max_rss_mb: int = 0,
    ) -> None:
        self.store = store
        self.loads: list[tuple[str, str]] = []
        self.late_seconds = 0.0
        self.reloads = 0
        self.while_loading: Callable[[], None] = lambda: None
        self.card = SimulatedCard(
            total_mib=total_mib, load_ms=load_ms, faults=Faults(faults, hang_seconds=hang_seconds)
        )
        self.catalogue = Catalogue(
            models={spec.id: spec for spec in SPECS},
            defaults={spec.task: (spec.id,) for spec in SPECS},
        )
        self._weights = weights
        device = _device(store.next_incarnation(ID), total_mib, limits)
        self.account = DeviceAccount(store, device, clock=self.clock)
        self.notes = Notes()
        self.timings = Timings(cpu_ratio=0.3, simulated=True)
        self.place = self._place(total_mib)
        self.models = DeviceModels(self.place, pin_seconds=60, clock=self.clock, sleep=self._sleep)
        self.residency = Residency(
            store=weights,
            catalogue=self.catalogue,
            device="sim:1000",
            on_device=self.models,
            never_on_cpu=never_on_cpu,
            timings=self.timings,
            notes=self.notes,
        )
        self.commands = DeviceCommands(
            self.models, self.catalogue, is_installed=lambda _: True, idle_seconds=300
        )
        self.fleet = Fleet(store)
        self.keeper = DeviceKeeper(
            self.models,
            self.fleet,
            self.commands,
            _rules(idle_seconds, max_rss_mb),
            reload=self._reload,
        )

    def clock(self) -> float:
        return time.monotonic() + self.late_seconds

    def _sleep(self, seconds: float) -> None:
        """Waits are a tenth as long, and seem as long as they should be."""
        time.sleep(seconds / 10)
        self.late_seconds += seconds * 0.9

    def later(self, seconds: float) -> None:
        """Let time pass for the worker and the store."""
        self.late_seconds += seconds
        self.store.later_ms += int(seconds * 1000)

    def live(self, seconds: float) -> None:
        """Let time pass with signs of life, but without work."""
        # Well within a lease, of which a busy machine takes its share.
        for _ in range(int(seconds // 4)):
            self.later(4)
            self.account.beat(self.models.gens)
        self.later(seconds % 4)

    def state(self) -> DeviceState:
        return self.store._ledger.state(ID)

    def run(self, name: str, rows: int = 4) -> tuple[str, str | None]:
        """Use a model once, as a job does; where it ran and why there."""
        with self.residency.use([name]) as (model,):
            answers = model.network.session.run({"data": FACES[:rows]})
            wanted = FACES[:rows].mean(axis=(2, 3))
            np.testing.assert_allclose(answers["fc1"][:, :3], wanted, rtol=1e-4)
            return model.device, model.reason

    def settle(self) -> None:
        """What keeper threads would do in the next seconds."""
        for _ in range(3):
            self.keeper.beat()
            self.keeper._observe_at = 0.0
            self.keeper.work()

    def check_book(self) -> None:
        """The ledger's sums are what the card says, and nothing is foreign or on its way."""
        state = self.state()
        assert state.physical_mib == self.card.models_mib
        assert state.foreign_mib == self.card.foreign_mib
        assert {entry.state for entry in state.entries} <= {"ready"}
        assert {entry.model for entry in state.entries} == set(self.models.loaded)

    def _place(self, total_mib: int) -> Place:
        shortages = Shortages(self.account, self.notes, clock=self.clock)
        probe = SimulatedProbe(total_bytes=total_mib * MEBIBYTE, used=self.card.used_bytes)
        return Place(
            device="sim:1000",
            account=self.account,
            memory=DeviceMemory(probe, clock=self.clock, sleep=self._sleep),
            sizes=Sizes(_expected, shortages.grown),
            shortages=shortages,
            timings=self.timings,
            open_model=self._open,
            card=self.card,
        )

    def _open(self, spec: ModelSpec, device: str, opening: Opening) -> Network:
        self.loads.append((spec.id, device))
        network = open_network(self._weights, self.catalogue, spec, device=device, opening=opening)
        self.while_loading()
        return network

    def _reload(self) -> None:
        self.reloads += 1
        self.models.preload([spec for spec in SPECS if spec.id == "finder"])


class MakeBench(Protocol):
    """Builds a registered device without threads; `total_mib`, `faults`, ... as Bench has them."""

    def __call__(self, **changes: object) -> Bench: ...
