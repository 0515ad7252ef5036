"""Keeps a device's account true while jobs run: signs of life, readings, unloads, commands.

Two threads, because an unload waits for memory to come back and a load takes seconds, while the
ledger counts a device whose sign of life does not come in time as lost.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import psutil
import structlog

from models.spec import ModelSpec
from vram.answers import Orders
from vram.errors import LedgerUnavailable, ProbeFailed, UnknownDevice, VramError
from vram.fleet import Fleet
from vram.summary import summarise
from workers.devices.commands import DeviceCommands
from workers.devices.models import DeviceModels
from workers.devices.readings import observe

#: How long the worker thread sleeps when nobody wakes it.
ROUND_SECONDS = 1.0
#: How often it is looked for models that will probably be needed.
PRELOAD_SECONDS = 60.0
#: How long a load may go on after it was given up.
HUNG_SECONDS = 1.0
#: How long the end of the process waits for what the threads are at.
CLOSE_SECONDS = 10.0
MEBIBYTE = 1024 * 1024

_log = structlog.get_logger()


def _nothing() -> None:
    """There is nothing to be done."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeeperRules:
    """How often what is done."""

    #: A third of the ledger's lease.
    beat_seconds: float
    observe_seconds: float
    #: How long others believe what was published.
    live_seconds: float
    #: A model idle for longer is unloaded; 0: it stays. By model.
    idle_seconds: Callable[[ModelSpec], float]
    #: The process asks for an end of itself when it takes more; 0: never.
    max_rss_mb: int = 0


class DeviceKeeper:
    """Keeps one device for the life of this process.

    Args:
        models: The device's models.
        fleet: Where routers look.
        commands: Carries out what operators want.
        rules: How often what is done.
        reload: Loads what is always loaded; called when the store was away or lost its data.
        preload: Loads what will probably be needed.
    """

    def __init__(
        self,
        models: DeviceModels,
        fleet: Fleet,
        commands: DeviceCommands,
        rules: KeeperRules,
        *,
        reload: Callable[[], None] = _nothing,
        preload: Callable[[], None] = _nothing,
    ) -> None:
        self._models = models
        self._account = models.place.account
        self._fleet = fleet
        self._commands = commands
        self._rules = rules
        self._reload = reload
        self._preload = preload
        self._data: Callable[[], Sequence[str]] = tuple
        self._orders = Orders()
        self._reload_wanted = threading.Event()
        self._done = threading.Event()
        self._away = False
        #: Ids of the models that routers were last told of.
        self._published: frozenset[str] = frozenset()
        self._observe_at = self._preload_at = 0.0
        #: Loads that the ledger has given up and that go on, by gen: since when, s.
        self._suspect_since: dict[int, float] = {}
        self._threads = [
            threading.Thread(target=self._beat_on, name="device-beat", daemon=True),
            threading.Thread(target=self._work_on, name="device-work", daemon=True),
        ]

    def start(self) -> None:
        """Register the device and begin to keep it.

        Raises:
            LedgerUnavailable: the store does not answer.
            UnknownDevice: a newer worker holds the device.
            ProbeFailed: the device can't be read.
        """
        self._account.register()
        self.observe()
        self._publish()
        for thread in self._threads:
            thread.start()

    def tell_of(self, data: Callable[[], Sequence[str]]) -> None:
        """Tell routers from now on of data too that this process holds in its own memory.

        Args:
            data: Its names, as `vram.route_costs.Need` has them.
        """
        self._data = data

    def close(self) -> None:
        """Withdraw the device: the process ends and its memory with it.

        Not when another process is about to take its place: its events stay then.
        """
        self._done.set()
        self._models.wake.set()
        deadline = time.monotonic() + CLOSE_SECONDS
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))
        if hanging := [thread.name for thread in self._threads if thread.is_alive()]:
            # It may hold what an unload needs. The process's end gives everything back.
            _log.error("device.keeper_hangs", threads=hanging)
            return
        self._models.destroy_all()
        if self._models.recycle_wanted:
            return
        try:
            self._account.withdraw()
            self._fleet.withdraw(self._account.device.id, self._account.device.incarnation)
        except VramError as error:
            _log.warning("device.not_withdrawn", error=str(error))  # silence ends it

    def beat(self) -> None:
        """Give a sign of life, and take orders."""
        try:
            self._orders = self._account.beat(self._models.gens)
            self._publish()
        except UnknownDevice:
            self._register_again()
        except LedgerUnavailable as error:
            if not self._away:
                _log.warning("device.store_away", error=str(error))
            self._away = True
        else:
            if self._away:
                _log.info("device.store_back", device=self._account.device.id)
                # After more than a lease everything has to leave, critical models as well.
                self._reload_wanted.set()
            self._away = False
        # Here, not where orders are carried out: that thread may be the one that hangs.
        self._watch_loads({*self._orders.unload, *self._orders.orphans})
        if self._orders != Orders() or self._reload_wanted.is_set():
            self._models.wake.set()

    def work(self) -> None:
        """Carry out what is due.

        Raises:
            VramError: the ledger or the device could not be asked.
        """
        if self._account.closed:
            self._models.destroy_all()
            return
        unloaded = self._carry_out(self._orders)
        if self._models.loaded != self._published:
            self._publish()
        now = time.monotonic()
        is_reload_wanted = self._reload_wanted.is_set()
        if unloaded or is_reload_wanted or now >= self._observe_at:
            self.observe()
        if is_reload_wanted and not self._orders.orphans:
            self._reload_wanted.clear()
            self._reload()
        if now >= self._observe_at:
            self._observe_at = now + self._rules.observe_seconds
            self._unload_idle()
            self._learn()
            self._watch_host_memory()
        if now >= self._preload_at:
            self._preload_at = now + PRELOAD_SECONDS
            self._preload()

    def observe(self) -> None:
        """Have the ledger compare its book with the device.

        Raises:
            VramError: the ledger or the device could not be asked.
        """
        self._models.unload_all(observe(self._account, self._models.place.memory))

    def _carry_out(self, orders: Orders) -> bool:
        """Whether anything was unloaded."""
        before = self._models.gens
        self._models.finish_leaving()
        for gen in orders.unload:
            self._models.unload(gen)
        for gen in orders.orphans:
            self._models.destroy(gen)
        for command in orders.commands:
            self._commands.carry_out(command)
        return not set(before) <= set(self._models.gens)

    def _watch_loads(self, given_up: set[int]) -> None:
        """A load that goes on though the ledger has given it up hangs; a failing one ends soon."""
        now = time.monotonic()
        suspects = self._models.coming & given_up
        self._suspect_since = {gen: self._suspect_since.get(gen, now) for gen in suspects}
        if any(now - since >= HUNG_SECONDS for since in self._suspect_since.values()):
            self._models.place.shortages.want_recycle("load_hung")

    def _unload_idle(self) -> None:
        for held, idle_seconds in self._models.idle():
            limit_seconds = self._rules.idle_seconds(held.spec)
            is_kept = held.spec.priority == "critical" or self._commands.is_kept(held.spec.id)
            if 0 < limit_seconds < idle_seconds and not is_kept:
                self._account.drain(held.gen, why="idle")
                self._models.unload(held.gen)

    def _learn(self) -> None:
        load_ms, vram_mib = self._models.place.sizes.take()
        service_ms = self._models.place.timings.take()
        if service_ms or load_ms or vram_mib:
            self._fleet.learn(service_ms=service_ms, load_ms=load_ms, vram_mib=vram_mib)

    def _watch_host_memory(self) -> None:
        most_mb = self._rules.max_rss_mb
        rss_mb = psutil.Process().memory_info().rss // MEBIBYTE
        if 0 < most_mb < rss_mb and self._models.recycle_wanted is None:
            _log.warning("device.host_memory", rss_mb=rss_mb, max_rss_mb=most_mb)
            self._models.place.shortages.want_recycle("host_memory")

    def _publish(self) -> None:
        self._published = self._models.loaded
        summary = summarise(self._account.state())
        summary = replace(summary, resident=(*summary.resident, *self._data()))
        self._fleet.publish(summary, live_seconds=self._rules.live_seconds)

    def _register_again(self) -> None:
        """The store has lost its data, or a newer worker has the device."""
        device = self._account.device.id
        try:
            self._account.register()
            self._orders = self._account.beat(self._models.gens)
        except UnknownDevice:
            _log.error("device.superseded", device=device)
            self._account.close("superseded")
            self._models.wake.set()
        except LedgerUnavailable as error:
            _log.warning("device.store_away", error=str(error))
        else:
            _log.warning("device.registered_again", device=device)
            self._reload_wanted.set()

    def _beat_on(self) -> None:
        while not self._done.wait(self._rules.beat_seconds):
            if self._account.closed == "superseded":
                return
            try:
                self.beat()
            except Exception:  # noqa: BLE001 - as below: without a beat all that is here is lost
                _log.exception("device.keeper_fault")

    def _work_on(self) -> None:
        while not self._done.is_set():
            self._models.wake.wait(ROUND_SECONDS)
            self._models.wake.clear()
            try:
                self.work()
            except (LedgerUnavailable, UnknownDevice):
                continue  # the beat says so, and mends it
            except ProbeFailed as error:
                _log.warning("device.not_readable", error=str(error))
            except Exception:  # noqa: BLE001 - the keeper outlives its faults
                _log.exception("device.keeper_fault")
