"""The models on this process's device: asked for, pinned, loaded, let go, unloaded.

The ledger decides; this carries it out. Job and keeper share it: a lock guards the tables, and
nothing is run, loaded or asked of the ledger while it is held.
"""

import gc
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from models.loading import runs_on
from models.spec import ModelSpec
from vram.answers import Reservation, Victim
from vram.errors import UnknownDevice, VramError
from workers.devices.asks import Asks, Wish
from workers.devices.loaded import Grip, NotOnDevice
from workers.devices.loads import Held, Loader, Place
from workers.devices.refusals import refusal

#: How long an asker waits for a load under way or for room: with the CPU to turn to, and without.
JOIN_SECONDS, WAIT_SECONDS = 5.0, 20.0
LONGEST_PAUSE_SECONDS = 0.25

_log = structlog.get_logger()


class DeviceModels:
    """See the module.

    Args:
        place: The device.
        pin_seconds: How long a use may last at most.
        used: Told of every use, by model.
        clock: Seconds, monotonic.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        place: Place,
        *,
        pin_seconds: float,
        used: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._place = place
        #: Set when there is something to do for the keeper.
        self.wake = threading.Event()
        self._asks = Asks(place, pin_seconds=pin_seconds, lost=self.wake.set)
        self._used = used
        self._clock = clock
        self._loader = Loader(
            place, unload=self.unload_all, settle=self._settle, clock=clock, sleep=sleep
        )
        self._changed = threading.Condition()
        self._held: dict[int, Held] = {}
        #: Reserved or being loaded.
        self._coming: set[int] = set()
        self._tokens: dict[int, set[str]] = {}
        #: To be unloaded when the last use ends.
        self._leaving: set[int] = set()
        #: Being unloaded.
        self._closing: set[int] = set()
        self._used_at: dict[int, float] = {}

    @property
    def place(self) -> Place:
        """The device."""
        return self._place

    @property
    def loaded(self) -> frozenset[str]:
        """See ModelsOnDevice."""
        with self._changed:
            return frozenset(held.spec.id for held in self._held.values())

    @property
    def recycle_wanted(self) -> str | None:
        """See ModelsOnDevice."""
        return self._place.shortages.recycle_wanted

    @property
    def coming(self) -> frozenset[int]:
        """What is reserved or being loaded."""
        with self._changed:
            return frozenset(self._coming)

    @property
    def gens(self) -> tuple[int, ...]:
        """Everything that is reserved, being loaded or loaded here."""
        with self._changed:
            return tuple(sorted({*self._held, *self._coming}))

    def of(self, model: str) -> Held | None:
        """A model that is loaded; None: it is not."""
        with self._changed:
            return next((one for one in self._held.values() if one.spec.id == model), None)

    def idle(self) -> list[tuple[Held, float]]:
        """Models nobody uses now, and for how many seconds that has been so; longest first."""
        now = self._clock()
        with self._changed:
            found = [
                (held, now - self._used_at[gen])
                for gen, held in self._held.items()
                if not self._tokens.get(gen)
            ]
        return sorted(found, key=lambda pair: -pair[1])

    def acquire(self, spec: ModelSpec, token: str, *, may_use_cpu: bool) -> Grip:
        """See ModelsOnDevice."""
        self._used(spec.id)
        self._place.timings.used(spec.id)
        return self.grasp(Wish(spec=spec, token=token, may_use_cpu=may_use_cpu))

    def grasp(self, wish: Wish) -> Grip:
        """Get hold of a model.

        Raises:
            NotOnDevice: it can't be had.
        """
        deadline = self._clock() + (JOIN_SECONDS if wish.may_use_cpu else WAIT_SECONDS)
        while True:
            answer, bucket = self._asks.reserve(wish, self.of(wish.spec.id))
            if answer.outcome in {"cpu", "refuse"}:
                raise refusal(wish.spec.id, answer)
            grip = None
            if answer.outcome == "gpu" and answer.gen is not None:
                grip = self._enter(answer.gen, wish.token)
            elif answer.outcome == "load":
                grip = self._load(wish, answer, bucket)
            if grip is not None:
                return grip
            if self._clock() >= deadline:
                is_no = answer.outcome in {"join", "wait"}
                raise refusal(wish.spec.id, answer if is_no else replace(answer, reason="loading"))
            with self._changed:
                pause_seconds = min(LONGEST_PAUSE_SECONDS, max(0.02, answer.retry_ms / 1000))
                self._changed.wait(pause_seconds)

    def release(self, grip: Grip) -> None:
        """See ModelsOnDevice."""
        with self._changed:
            self._tokens.get(grip.gen, set()).discard(grip.token)
            if grip.gen in self._held:
                self._used_at[grip.gen] = self._clock()
            is_leaving = grip.gen in self._leaving and not self._tokens.get(grip.gen)
            self._changed.notify_all()
        try:
            self._place.account.unpin(grip.gen, grip.token)
        except UnknownDevice:
            self.wake.set()
        if is_leaving:
            self.wake.set()

    def preload(self, specs: Sequence[ModelSpec]) -> None:
        """See ModelsOnDevice."""
        for spec in sorted(specs, key=lambda one: one.priority != "critical"):
            self._preload(spec, only_free=spec.priority != "critical")

    def preload_guess(self, spec: ModelSpec) -> None:
        """Load a model that will probably be needed, into free room only."""
        if runs_on(spec, self._place.device) != "cpu" and spec.id not in self.loaded:
            self._preload(spec, only_free=True)

    def _preload(self, spec: ModelSpec, *, only_free: bool) -> None:
        wish = Wish(spec=spec, token=f"preload-{spec.id}", only_free=only_free)
        try:
            self.release(self.grasp(wish))
        except NotOnDevice as error:
            _log.warning("residency.not_preloaded", model=spec.id, reason=error.reason)

    def unload_all(self, victims: Sequence[Victim]) -> int:
        """Unload draining entries; how many nobody used."""
        return sum(self.unload(victim.gen) for victim in victims)

    def unload(self, gen: int) -> bool:
        """Unload a draining entry if nobody uses it; whether it is gone."""
        if self._is_busy(gen):
            return False
        try:
            verdict = self._place.account.unloading(gen)
        except VramError as error:
            _log.warning("residency.unload_postponed", gen=gen, error=str(error))
            return False
        if verdict == "pinned" or (verdict == "stale" and gen not in self._leaving):
            return False
        return self._end(gen, told=verdict == "ok")

    def destroy(self, gen: int) -> bool:
        """Unload what the ledger does not know any more; whether it is gone."""
        return not self._is_busy(gen) and self._end(gen, told=False)

    def finish_leaving(self) -> None:
        """Unload what was to leave and is not in use any more."""
        with self._changed:
            gens = [gen for gen in self._leaving if not self._tokens.get(gen)]
        for gen in gens:
            self.unload(gen)

    def destroy_all(self) -> None:
        """Unload everything that nobody uses, without telling: the device is not ours any more."""
        for gen in self.gens:
            self.destroy(gen)

    def _load(self, wish: Wish, answer: Reservation, bucket: int) -> Grip | None:
        gen = answer.gen or 0
        with self._changed:
            self._coming.add(gen)
        try:
            held = self._loader.load(wish.spec, answer, bucket, may_use_cpu=wish.may_use_cpu)
            with self._changed:
                self._held[gen] = held
                self._used_at[gen] = self._clock()
        finally:
            with self._changed:
                self._coming.discard(gen)
                self._changed.notify_all()
            # Routers are to hear of it, and of who had to leave.
            self.wake.set()
        return self._enter(gen, wish.token) if self._asks.pin(gen, wish.token) else None

    def _enter(self, gen: int, token: str) -> Grip | None:
        """Take a pinned entry into use; None: it is not here, so it is asked for anew."""
        with self._changed:
            held, is_coming = self._held.get(gen), gen in self._coming
            if held is not None:
                self._tokens.setdefault(gen, set()).add(token)
                self._used_at[gen] = self._clock()
                return Grip(gen=gen, token=token, model=held.model)
        try:
            self._place.account.unpin(gen, token)
            if is_coming:
                # Another thread has told the ledger of it and is about to put it here.
                return None
            # The ledger has an entry that this process has not: it must not serve anybody.
            _log.error("residency.entry_without_model", gen=gen)
            self._place.account.drain(gen, why="not_held")
        except VramError:
            return None
        self.unload(gen)
        return None

    def _is_busy(self, gen: int) -> bool:
        """Whether it is in use, which is to end, or another thread loads or unloads it."""
        with self._changed:
            busy = bool(self._tokens.get(gen)) or gen in self._coming or gen in self._closing
            if busy and gen in self._held:
                self._leaving.add(gen)
            return busy

    def _end(self, gen: int, *, told: bool) -> bool:
        with self._changed:
            if gen in self._closing:
                return False
            if self._tokens.get(gen):
                # Its pin ran out, but not its use.
                self._leaving.add(gen)
                return False
            held = self._held.pop(gen, None)
            self._closing.add(gen)
            self._leaving.discard(gen)
            self._tokens.pop(gen, None)
            self._used_at.pop(gen, None)
        try:
            returned_mib = 0 if held is None else self._close(held)
            if told:
                self._place.account.tell_unloaded(gen, returned_mib=returned_mib)
        finally:
            with self._changed:
                self._closing.discard(gen)
                self._changed.notify_all()
        return held is not None

    def _close(self, held: Held) -> int | None:
        """Give a model's memory back; how much of it the device has, None where it can't say."""
        memory = self._place.memory
        with self._place.measuring:
            before_mib = memory.steady_mib()
            held.model.network.close()
            gc.collect()
            returned_mib = memory.returned_mib(before_mib, held.vram_mib)
        _log.info(
            "residency.unloaded",
            model=held.spec.id,
            device=self._place.device,
            vram_mib=held.vram_mib,
            returned_mib=returned_mib,
        )
        return returned_mib

    def _settle(self) -> None:
        """While a load waits for room: have leave who was in use, and the device be read."""
        self.finish_leaving()
        self.wake.set()
