"""A worker's device put together: what is on it, who keeps it, who gives its models out."""

from dataclasses import dataclass

from models.catalogue import Catalogue
from models.spec import Task
from models.weights.store import WeightStore
from vram.fleet import Fleet
from vram.ledger import VramLedger
from workers.devices.commands import DeviceCommands
from workers.devices.keeper import DeviceKeeper, KeeperRules
from workers.devices.models import DeviceModels
from workers.devices.preload import UsageByHour
from workers.devices.residency import Residency
from workers.devices.setup import Hardware, make_place
from workers.notes import Notes
from workers.settings.process import Settings

#: A pin outlives the task it is for by this, so that it never ends before its use.
PIN_MORE_SECONDS = 30.0
#: Tasks that a policy may forbid the CPU to.
GPU_ONLY: tuple[Task, ...] = ("anti_spoofing",)


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenedDevice:
    """A device in use; its keeper is to be closed."""

    residency: Residency
    models: DeviceModels
    keeper: DeviceKeeper


def open_device(
    settings: Settings,
    found: Hardware,
    *,
    ledger: VramLedger,
    fleet: Fleet,
    store: WeightStore,
    catalogue: Catalogue,
) -> OpenedDevice:
    """Register a device and keep it from now on; nothing is loaded yet.

    Args:
        settings: The worker's.
        found: The device, see `workers.devices.setup.find_hardware`.
        ledger: Where it is accounted.
        fleet: Where routers look.
        store: Where the weights are.
        catalogue: What they are.

    Raises:
        VramError: it can't be registered or read.
    """
    notes = Notes()
    place = make_place(
        settings, found, ledger=ledger, fleet=fleet, store=store, catalogue=catalogue, notes=notes
    )
    file = f"usage-{settings.device.replace(':', '-')}.json"
    usage = UsageByHour(settings.data_dir / "run" / file)
    models = DeviceModels(
        place, pin_seconds=settings.task_time_limit_seconds + PIN_MORE_SECONDS, used=usage.used
    )
    residency = Residency(
        store=store,
        catalogue=catalogue,
        device=settings.device,
        threads=settings.ort_threads,
        on_device=models,
        never_on_cpu=GPU_ONLY if settings.anti_spoofing_cpu == "refuse" else (),
        timings=place.timings,
        notes=notes,
    )
    keeper = _keeper(settings, models, residency, fleet, usage)
    keeper.start()
    return OpenedDevice(residency=residency, models=models, keeper=keeper)


def _keeper(
    settings: Settings,
    models: DeviceModels,
    residency: Residency,
    fleet: Fleet,
    usage: UsageByHour,
) -> DeviceKeeper:
    catalogue = residency.catalogue

    def preload() -> None:
        for name in usage.take_likely(settings.preload_probability):
            # Its entry or its weights may be gone since it was used.
            if name in residency.installed:
                models.preload_guess(catalogue.model(name))

    commands = DeviceCommands(
        models,
        catalogue,
        is_installed=lambda name: name in residency.installed,
        idle_seconds=settings.vram_idle_seconds,
    )
    overrides = settings.model_idle_overrides
    rules = KeeperRules(
        beat_seconds=settings.vram_lease_seconds / 3,
        observe_seconds=settings.vram_observe_seconds,
        live_seconds=settings.device_silent_seconds,
        idle_seconds=lambda spec: overrides.get(spec.id, settings.model_idle_seconds),
        max_rss_mb=settings.device_worker_max_rss_mb,
    )
    return DeviceKeeper(models, fleet, commands, rules, reload=residency.load, preload=preload)
