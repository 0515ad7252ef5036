"""One load of a model onto a device, from the room that is kept for it to the measured size."""

import gc
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog

from models.contract import InferenceSession, Opener
from models.errors import DeviceFault, ModelsError, OutOfMemory
from models.loading import Opening
from models.memory import arena_limit_bytes
from models.network import Network
from models.providers import TensorRt
from models.spec import ModelSpec
from vram.answers import Reservation, Victim
from vram.errors import LedgerUnavailable, ProbeFailed, UnknownDevice, VramError
from workers.devices.account import DeviceAccount
from workers.devices.ladder import LadderSession
from workers.devices.loaded import LoadedModel, NotOnDevice
from workers.devices.memory import DeviceMemory
from workers.devices.readings import observe
from workers.devices.refusals import RETRY_MS, refused
from workers.devices.shortages import ModelShortages, Shortages, Unloads
from workers.devices.simulated_card import SimulatedCard
from workers.devices.sizes import Sizes
from workers.devices.timings import Timings

#: How long a load waits for those to leave whose room it gets; shorter than a reservation holds.
BEGIN_SECONDS = 20.0
#: And how long where nobody is to leave, but the device has less free than the book says: drivers
#: give memory back up to 1.5 s late.
DEVICE_SECONDS = 2.0
POLL_SECONDS = 0.1

#: Opens a model on a device: `models.loading.open_network` with its store.
OpenModel = Callable[[ModelSpec, str, Opening], Network]

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A model on the device."""

    gen: int
    spec: ModelSpec
    model: LoadedModel
    #: Largest batch size it was charged for.
    bucket: int
    #: What it takes, MiB.
    vram_mib: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A device, and what is known of it in this process."""

    #: "cuda:0", "sim:6144".
    device: str
    account: DeviceAccount
    memory: DeviceMemory
    sizes: Sizes
    shortages: Shortages
    timings: Timings
    open_model: OpenModel
    #: Only of a simulated device.
    card: SimulatedCard | None = None
    tensorrt: TensorRt | None = None
    #: Held while memory is measured: two loads at a time would be measured as one. Who holds it may
    #: take it again: a load that takes more than its room has others leave before it ends.
    measuring: AbstractContextManager[Any] = field(default_factory=threading.RLock)


class Loader:
    """Loads models onto a device.

    Args:
        place: The device.
        unload: Has those leave whose room is needed.
        settle: What is to be done between two questions whether a load may begin.
        clock: Seconds, monotonic.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        place: Place,
        *,
        unload: Unloads,
        settle: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._place = place
        self._unload = unload
        self._settle = settle
        self._clock = clock
        self._sleep = sleep

    def load(self, spec: ModelSpec, room: Reservation, bucket: int, *, may_use_cpu: bool) -> Held:
        """Load a model into the room that is kept for it.

        Args:
            spec: The model.
            room: What the ledger answered.
            bucket: Largest batch size it is charged for.
            may_use_cpu: Whether its runs may end on the CPU.

        Raises:
            NotOnDevice: it could not be loaded; the ledger knows.
        """
        assert room.gen is not None  # noqa: S101 - a load has one
        gen = room.gen
        try:
            self._begin(spec.id, gen, room)
            with self._place.measuring:
                held, is_measured, load_ms = self._measured(spec, gen, room, bucket, may_use_cpu)
            return self._committed(held, measured=is_measured, load_ms=load_ms)
        except LedgerUnavailable:
            raise refused("ledger_unavailable", retry_ms=RETRY_MS) from None
        except UnknownDevice:
            raise refused("device_lost", retry_ms=RETRY_MS) from None
        except NotOnDevice:
            raise
        except BaseException:
            # A time limit, or a fault of ours: nobody is to wait for it any longer.
            self._place.account.give_up(gen)
            raise

    def _begin(self, model: str, gen: int, room: Reservation) -> None:
        account, started = self._place.account, self._clock()
        self._unload(room.victims)
        while (verdict := account.begin(gen, free_mib=self._place.memory.free_mib())) != "ok":
            if verdict == "stale":
                raise refused("load_stale", model, retry_ms=RETRY_MS)
            limit_seconds = DEVICE_SECONDS if verdict == "nvml" else BEGIN_SECONDS
            if self._clock() - started >= limit_seconds:
                account.fail(gen, why=f"begin_{verdict}")
                raise refused("device_full", model, retry_ms=RETRY_MS)
            self._settle()
            self._unload([*room.victims, *self._observed()])
            self._sleep(POLL_SECONDS)

    def _measured(
        self, spec: ModelSpec, gen: int, room: Reservation, bucket: int, may_use_cpu: bool
    ) -> tuple[Held, bool, float]:
        """The model, whether its size was measured, and its load time, ms."""
        place, started = self._place, self._clock()
        before_mib = place.memory.steady_mib()
        network, reason = self._opened(spec, gen, room.vram_mib, bucket, may_use_cpu)
        if network is None:
            self._give_back(spec, gen, room.vram_mib, before_mib, reason)
            raise refused(reason, spec.id, retry_ms=RETRY_MS)
        load_ms = (self._clock() - started) * 1000
        expected = place.sizes.expected(spec, bucket)
        vram_mib = place.memory.grown_mib(
            before_mib, least_mib=expected.weights_mib / 2, most_mib=room.vram_mib * 3 + 256
        )
        held = Held(
            gen=gen,
            spec=spec,
            model=LoadedModel(network=network, device=place.device),
            bucket=bucket,
            vram_mib=room.vram_mib if vram_mib is None else vram_mib,
        )
        return held, vram_mib is not None, load_ms

    def _opened(
        self, spec: ModelSpec, gen: int, vram_mib: int, bucket: int, may_use_cpu: bool
    ) -> tuple[Network | None, str]:
        """The network, or why there is none; the error and what it held on to are gone."""
        place = self._place
        try:
            with self._laddered(spec, gen, vram_mib, may_use_cpu) as wrap:
                opening = Opening(
                    memory_limit_bytes=arena_limit_bytes(place.sizes.expected(spec, bucket)),
                    tensorrt=place.tensorrt,
                    largest_bucket=bucket,
                    warm_all=True,
                    wrap=wrap,
                )
                return place.open_model(spec, place.device, opening), ""
        except OutOfMemory as error:
            place.shortages.ran_out(spec.id)
            place.shortages.count(gen, "load")
            reason, text = "out_of_memory", str(error)
        except DeviceFault as error:
            place.shortages.broke(spec.id, str(error))
            reason, text = "device_fault", str(error)
        except ModelsError as error:
            reason, text = "load_failed", str(error)
        _log.warning("residency.load_failed", model=spec.id, reason=reason, error=text)
        return None, reason

    @contextmanager
    def _laddered(
        self, spec: ModelSpec, gen: int, vram_mib: int, may_use_cpu: bool
    ) -> Iterator[Any]:
        """What puts a ladder around each graph; at the end their warm-up is over."""
        place = self._place
        surroundings = ModelShortages(
            place.shortages,
            model=spec.id,
            gen=gen,
            vram_mib=vram_mib,
            may_use_cpu=may_use_cpu,
            unload=self._unload,
        )
        ladders: list[LadderSession] = []

        def wrap(opener: Opener, graph: ModelSpec) -> InferenceSession:
            ladder = LadderSession(
                self._on_card(opener, graph),
                device=place.device,
                surroundings=surroundings,
                # Parts see windows, not faces: only the model's own graph tells of a face's time.
                ran=lambda rows, ms: (
                    place.timings.ran("gpu", spec.id, rows, ms) if graph.id == spec.id else None
                ),
            )
            ladders.append(ladder)
            return ladder

        yield wrap
        for ladder in ladders:
            ladder.seal()

    def _on_card(self, opener: Opener, graph: ModelSpec) -> Opener:
        card = self._place.card
        if card is None:
            return opener

        def simulated(device: str) -> InferenceSession:
            session = opener("cpu")
            if device == "cpu":
                return session
            return card.load(session, graph, lambda rows: self._place.sizes.expected(graph, rows))

        return simulated

    def _committed(self, held: Held, *, measured: bool, load_ms: float) -> Held:
        """The model, once the ledger has it; what the ledger does not count must not stay."""
        try:
            self._commit(held, measured=measured, load_ms=load_ms)
        except BaseException:
            held.model.network.close()
            gc.collect()
            # What came back is not measured: it counts as foreign until the device is read.
            self._place.account.tell_unloaded(held.gen, returned_mib=0)
            raise
        return held

    def _commit(self, held: Held, *, measured: bool, load_ms: float) -> None:
        """Tell the ledger."""
        answer = self._place.account.loaded(held.gen, vram_mib=held.vram_mib, load_ms=load_ms)
        if answer.verdict == "stale":
            raise refused("load_stale", held.spec.id, retry_ms=RETRY_MS)
        self._place.sizes.learn(held.spec, held.bucket, held.vram_mib, load_ms, measured=measured)
        _log.info(
            "residency.loaded",
            model=held.spec.id,
            device=self._place.device,
            vram_mib=held.vram_mib,
            measured=measured,
            bucket=held.bucket,
            load_ms=round(load_ms),
            provider=held.model.network.session.provider,
        )
        # What was reserved too much counts as foreign until the device is read.
        leaving = [*answer.victims, *self._observed()]
        self._unload([victim for victim in leaving if victim.gen != held.gen])

    def _observed(self) -> Sequence[Victim]:
        try:
            return observe(self._place.account, self._place.memory)
        except VramError as error:
            _log.warning("device.not_observed", error=str(error))
            return ()

    def _give_back(
        self, spec: ModelSpec, gen: int, vram_mib: int, before_mib: int | None, reason: str
    ) -> None:
        """After a failed load: nothing of it stays, and the ledger knows how much came back."""
        gc.collect()
        account = self._place.account
        account.fail(gen, why=reason)
        try:
            left_mib = None if before_mib is None else self._place.memory.used_mib() - before_mib
        except ProbeFailed:
            left_mib = None
        returned_mib = None if left_mib is None else max(0, vram_mib - max(0, left_mib))
        account.unloaded(gen, returned_mib=returned_mib)
        _log.info("residency.given_back", model=spec.id, returned_mib=returned_mib)
