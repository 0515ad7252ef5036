"""A worker's device at its start: proven, measured, described; and what keeps it, put together."""

from dataclasses import dataclass, replace
from functools import partial

import structlog

from models.catalogue import Catalogue
from models.errors import ModelsError, ProviderUnavailable
from models.loading import open_network
from models.memory import expected_mib
from models.proof import prove
from models.providers import TensorRt
from models.weights.store import WeightStore
from vram.cuda import card_uuid
from vram.errors import ProbeFailed
from vram.fleet import Fleet
from vram.ledger import VramLedger
from vram.nvml import NvmlProbe
from vram.probe import MemoryProbe, SimulatedProbe
from vram.records import Device, Limits
from workers.contract import local_device
from workers.devices.account import DeviceAccount
from workers.devices.loads import Place
from workers.devices.memory import DeviceMemory
from workers.devices.shortages import Shortages
from workers.devices.simulated_card import Faults, SimulatedCard
from workers.devices.sizes import Sizes
from workers.devices.timings import Timings
from workers.notes import Notes
from workers.settings.devices import limits_of
from workers.settings.process import Settings

MEBIBYTE = 1024 * 1024
#: Headroom, and the room below which memory counts as short, are at most this part of a device.
HEADROOM_SHARE, PRESSURE_SHARE = 24, 30
#: A device whose memory can't be read keeps so many times its headroom free.
UNREAD_HEADROOM = 2

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Hardware:
    """What a device is found to be."""

    #: None: its memory can't be read.
    probe: MemoryProbe | None
    name: str
    total_mib: int
    reserved_mib: int
    context_mib: int
    #: Whether the context was read, and is not what the settings say.
    context_measured: bool = False
    card: SimulatedCard | None = None
    tensorrt: TensorRt | None = None


def find_hardware(settings: Settings) -> Hardware | None:
    """Look at the worker's device and prove that it computes; None: it has none that does.

    Raises:
        ProviderUnavailable: a GPU is required, and there is none that computes.
        ProbeFailed: its memory can't be read, and no setting says how large it is.
    """
    kind, *numbers = settings.device.split(":")
    if settings.require_gpu and kind != "cuda":
        raise ProviderUnavailable(
            f"FACESOCIAL_REQUIRE_GPU is set, but this worker's device is {settings.device}."
        )
    if kind == "cpu":
        return None
    if kind == "sim":
        return _simulated(settings, int(numbers[0]))
    try:
        return _cuda(settings, int(numbers[0]))
    except (ModelsError, ProbeFailed) as error:
        if settings.require_gpu:
            raise
        # It serves nobody: what is not registered gets no jobs.
        _log.error("device.not_proven", device=settings.device, error=str(error))
        return None


def _simulated(settings: Settings, total_mib: int) -> Hardware:
    card = SimulatedCard(
        total_mib=total_mib,
        load_ms=settings.simulated_load_ms,
        run_ms=settings.simulated_latency_ms,
        faults=Faults(settings.simulated_faults),
    )
    probe = SimulatedProbe(total_bytes=total_mib * MEBIBYTE, used=card.used_bytes)
    return Hardware(
        probe=probe,
        name=probe.name,
        total_mib=total_mib,
        reserved_mib=0,
        context_mib=0,
        context_measured=True,
        card=card,
    )


def _cuda(settings: Settings, index: int) -> Hardware:
    tensorrt = None
    if settings.cuda_provider == "tensorrt":
        tensorrt = TensorRt(cache=settings.data_dir / "tensorrt")
    # A probe with a cap leaves out what was taken before it was made, so it comes first.
    probe = _probe(settings, index)
    before = None if probe is None else probe.read()
    proof = prove(settings.device, tensorrt=tensorrt)
    _log.info(
        "device.proven",
        device=settings.device,
        provider=proof.provider,
        kernels=dict(proof.kernels),
        how=proof.how,
        seconds=round(proof.seconds, 2),
    )
    context_mib = settings.vram_context_mb
    reserved_mib = settings.vram_driver_mb
    total_mib = settings.vram_total_mb or 0
    grown_mib = 0
    if probe is not None and before is not None:
        grown_mib = probe.read().used_mib - before.used_mib
        context_mib = grown_mib if grown_mib > 0 else context_mib
        reserved_mib = before.reserved_mib or reserved_mib
        total_mib = before.total_mib
    return Hardware(
        probe=probe,
        name="unknown card" if probe is None else probe.name,
        total_mib=total_mib,
        reserved_mib=reserved_mib,
        context_mib=context_mib,
        context_measured=grown_mib > 0,
        tensorrt=tensorrt,
    )


def _probe(settings: Settings, index: int) -> MemoryProbe | None:
    try:
        return NvmlProbe(index, uuid=card_uuid(index), cap_mib=settings.vram_total_mb)
    except ProbeFailed as error:
        if settings.vram_total_mb is None:
            raise
        _log.warning("device.not_readable", device=settings.device, error=str(error))
        return None


def describe(settings: Settings, found: Hardware, *, incarnation: int) -> Device:
    """The device as the ledger gets it."""
    device_id = local_device(settings.device) or settings.device
    headroom_mib, limits = margins(found.total_mib, settings.vram_headroom_mb, limits_of(settings))
    return Device(
        id=device_id,
        kind="gpu" if found.card is None else "simulated",
        name=found.name,
        host=device_id.partition("/")[0],
        total_mib=found.total_mib,
        reserved_mib=found.reserved_mib,
        context_mib=found.context_mib,
        headroom_mib=headroom_mib * (1 if found.probe else UNREAD_HEADROOM),
        verified=found.probe is not None,
        incarnation=incarnation,
        limits=limits,
    )


def margins(total_mib: int, headroom_mib: int, limits: Limits) -> tuple[int, Limits]:
    """What is kept free, and when memory counts as short, on a device of a certain size.

    The usual figures, 256 and 200 MiB, are meant for 6144: a 24th and a 30th. On a small device
    they would be most of it.
    """
    short_mib = min(limits.pressure_free_mib, total_mib // PRESSURE_SHARE)
    return min(headroom_mib, total_mib // HEADROOM_SHARE), replace(
        limits, pressure_free_mib=short_mib
    )


def make_place(  # noqa: PLR0913 - what a worker is made of
    settings: Settings,
    found: Hardware,
    *,
    ledger: VramLedger,
    fleet: Fleet,
    store: WeightStore,
    catalogue: Catalogue,
    notes: Notes,
) -> Place:
    """The device and all that is known of it in this process.

    Raises:
        LedgerUnavailable: the store does not answer.
    """
    device_id = local_device(settings.device) or settings.device
    incarnation = ledger.next_incarnation(device_id)
    account = DeviceAccount(ledger, describe(settings, found, incarnation=incarnation))
    shortages = Shortages(account, notes)
    timings = Timings(cpu_ratio=settings.cpu_performance_ratio, simulated=found.card is not None)
    timings.seed(fleet.outlook(tuple(catalogue.models)).service_ms)
    expect = partial(expected_mib, catalogue=catalogue, cuda=found.card is None)
    return Place(
        device=settings.device,
        account=account,
        memory=DeviceMemory(found.probe),
        sizes=Sizes(expect, shortages.grown),
        shortages=shortages,
        timings=timings,
        open_model=lambda spec, device, opening: open_network(
            store, catalogue, spec, device=device, threads=settings.ort_threads, opening=opening
        ),
        card=found.card,
        tensorrt=found.tensorrt,
    )
