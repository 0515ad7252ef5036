"""The whole check: a device, steps one after another, a report."""

import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import redis
from rich.console import Console

from benchmarks.errors import BenchmarkFailed
from benchmarks.gpu_check import batcher, card_steps, exhaustion, fleet_steps, session_steps
from benchmarks.gpu_check.bench import Bench
from benchmarks.gpu_check.inventory import Inventory, make_inventory
from benchmarks.gpu_check.report import Check, Figure, Report
from benchmarks.ledger_fleet import running_store
from models.errors import DeviceFault
from models.faults import fault_of
from models.machine import runtime
from models.weights.store import WeightStore
from workers.devices.setup import Hardware, find_hardware
from workers.settings.process import Settings

Step = Callable[[Bench], Check]
#: In this order; the long run comes last and gets the time that is left.
STEPS: Mapping[str, Step] = {
    "context": session_steps.context,
    "loads": session_steps.loads,
    "graphs": session_steps.graphs,
    "batches": session_steps.batches,
    "options": card_steps.options,
    "killed": card_steps.killed,
    "ledger": fleet_steps.ledger,
    "eviction": fleet_steps.eviction,
    "overhead": fleet_steps.overhead,
    "batcher": batcher.batcher,
    "out_of_memory": exhaustion.out_of_memory,
    "soak": fleet_steps.soak,
}
#: The size a larger card is treated as, and the one for evictions, MiB.
CAP_MIB, SMALL_MIB = 6144, 1500
#: Uses under the latter.
USES = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What is to be checked."""

    #: "cuda:<index>"; ignored with `simulated_mib`.
    device: str = "cuda:0"
    cap_mib: int = CAP_MIB
    #: Check a simulated device of that size instead; everything else is made smaller with it.
    simulated_mib: int | None = None
    steps: Sequence[str] = tuple(STEPS)
    #: Of the long run.
    inferences: int = 50_000
    #: For all of it.
    minutes: float = 9.0

    @property
    def scale(self) -> float:
        """How much smaller than the nominal card the device is."""
        return 1.0 if self.simulated_mib is None else min(1.0, self.simulated_mib / CAP_MIB)


def check_device(
    settings: Settings,
    plan: Plan,
    console: Console,
    tell: Callable[[Report], None] = lambda _: None,
) -> Report:
    """Check a device.

    Args:
        settings: Where weights are; the rest is the plan's.
        plan: What is to be checked.
        console: For progress.
        tell: Told after each step how the report stands, for a run that is ended from outside.

    Raises:
        BenchmarkFailed: there is no step of a name, or the device's memory can't be read.
        ProviderUnavailable: there is no CUDA device whose kernels run.
        ProbeFailed: there is no driver.
    """
    unknown = sorted(set(plan.steps) - set(STEPS))
    if unknown:
        raise BenchmarkFailed(f"No step '{unknown[0]}'. There are: {', '.join(STEPS)}.")
    started = time.monotonic()
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        ours = _settings(settings, plan, folder)
        # First of all: what a capped card leaves out is what was taken before.
        hardware = find_hardware(ours)
        if hardware is None or hardware.probe is None:
            raise BenchmarkFailed(f"{ours.device} can't be read, so nothing can be checked.")
        console.print("Making models ...")
        installed = WeightStore(settings.weights_path) if plan.scale >= 1 else None
        bench = Bench(
            settings=ours,
            hardware=hardware,
            small_mib=round(SMALL_MIB * plan.scale),
            inventory=make_inventory(folder / "models", installed, scale=plan.scale),
            client=opened.enter_context(_ledger_store(console)),
            uses=USES,
            inferences=plan.inferences,
            deadline=started + plan.minutes * 60,
            progress=console.print,
        )
        report = Report(
            checked_at=datetime.now(UTC).isoformat(timespec="seconds"),
            simulated=plan.simulated_mib is not None,
            device=_device_facts(hardware, ours),
            setup=_setup_facts(bench.inventory, plan),
            checks=(),
        )
        for checks in in_turn([name for name in STEPS if name in plan.steps], bench):
            report = replace(report, checks=checks)
            tell(report)
        return report


def in_turn(
    names: Sequence[str], bench: Bench, steps: Mapping[str, Step] = STEPS
) -> Iterator[tuple[Check, ...]]:
    """Take steps; after each all outcomes as they stand, those to come as not finished.

    Args:
        names: Which ones.
        bench: What they work with.
        steps: By name.
    """
    checks = {name: _undone(name, "The check was ended before it began.") for name in names}
    broken = ""
    for name in names:
        if broken:
            why = f"The device broke in '{broken}', and only a new process gets out of that."
            checks[name] = _undone(name, f"{why} Take it with --steps {name}.")
        elif time.monotonic() >= bench.deadline:
            checks[name] = _undone(name, "The time was over before it began; see --minutes.")
        else:
            checks[name], is_broken = _checked(name, steps[name], bench)
            broken = name if is_broken else ""
        yield tuple(checks.values())


def _undone(name: str, note: str) -> Check:
    return Check(step=name, title="It was not done.", note=note, unfinished=True)


def _checked(name: str, step: Step, bench: Bench) -> tuple[Check, bool]:
    """One step, and whether the device broke in it; what goes wrong does not end the others."""
    bench.progress(f"{name} ...")
    started, is_broken = time.monotonic(), False
    try:
        found = step(bench)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this step's outcome
        bench.progress(traceback.format_exc())
        is_broken = isinstance(error, DeviceFault) or fault_of(error) is DeviceFault
        found = Check(
            step=name,
            title="It could not be carried through.",
            passed=False,
            note=f"{type(error).__name__}: {error}",
        )
    return replace(found, seconds=time.monotonic() - started), is_broken


def _settings(settings: Settings, plan: Plan, folder: Path) -> Settings:
    changes: dict[str, object] = {
        "device": plan.device,
        "vram_total_mb": plan.cap_mib,
        "require_gpu": True,
        "data_dir": folder,
        "vram_observe_seconds": 1.0,
        # Steps decide what is loaded.
        "preload_probability": 1.0,
    }
    if plan.simulated_mib is not None:
        changes |= {
            "device": f"sim:{plan.simulated_mib}",
            "vram_total_mb": None,
            "require_gpu": False,
        }
    return settings.model_copy(update=changes)


@contextmanager
def _ledger_store(console: Console) -> Iterator[redis.Redis]:
    """A store of our own for the ledger, which is gone afterwards."""
    console.print("Starting the ledger's store ...")
    with running_store() as client:
        yield client


def _device_facts(hardware: Hardware, settings: Settings) -> dict[str, Figure]:
    assert hardware.probe is not None  # noqa: S101 - checked by the caller
    identity = hardware.probe.identity
    return {
        "device": settings.device,
        "name": hardware.name,
        "kind": identity.kind,
        "uuid": identity.uuid,
        "driver": identity.driver,
        "treated_as_mib": hardware.total_mib,
        "driver_reserve_mib": hardware.reserved_mib,
        "notes": "; ".join(identity.notes) or None,
        "runtime": runtime(),
    }


def _setup_facts(inventory: Inventory, plan: Plan) -> dict[str, Figure]:
    return {
        "models_with_real_weights": len(inventory.real),
        "models_with_own_graphs": len(inventory.own),
        "scale": plan.scale,
        "steps": ", ".join(plan.steps),
    }
