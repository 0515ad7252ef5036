"""Steps through the worker's own code: ledger, residency, keeper and ladder on one device."""

import itertools
import random
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.figures import percentile
from benchmarks.gpu_check.bench import Bench, Worker, images, run_once
from benchmarks.gpu_check.report import Check, Figure
from benchmarks.gpu_check.session_steps import compared
from models.contract import Tensors
from models.spec import ModelSpec
from models.warm_up import warm_buckets
from vram.invariants import check_state, check_stream
from vram.probe import MIB, MemoryProbe, median_used_mib
from vram.records import Event

#: How far the ledger's book may be from a reading: a driver rounds up each allocation.
DRIFT_MIB, DRIFT_SHARE = 64, 0.02
#: How far the device's use may move once everything is loaded.
BAND_MIB = 64
#: Of the long run's readings after everything was loaded, what counts as its beginning.
BEGINNING = 0.2
#: What a use through ledger, residency and ladder may cost more than the bare run, ms.
OVERHEAD_MS = 5.0
PERIOD_SECONDS = 0.25
#: Loads and unloads under the small cap go on for at most so long.
EVICTION_SECONDS = 90.0
#: Part of the long run's inferences without which its band shows nothing.
FEWEST = 0.1


def ledger(bench: Bench) -> Check:
    """Everything loaded, then the ledger's book against the device."""
    # With nothing loaded: the driver's part, the context, and what libraries have loaded since.
    before_mib = bench.used_mib()
    with bench.worker() as worker:
        on_device = [_use(worker, spec, Feeds()) for spec in bench.inventory.specs]
        used_mib = median_used_mib(worker.probe)
        state = worker.state
    device = state.device
    known_mib = before_mib + state.physical_mib
    limit_mib = round(DRIFT_MIB + device.total_mib * DRIFT_SHARE)
    broken = check_state(state)
    return Check(
        step="ledger",
        title="With every model asked for once, the ledger's book is what the driver reads.",
        figures={
            "models_on_device": sum(on_device),
            "models_elsewhere": len(on_device) - sum(on_device),
            "read_mib": used_mib,
            "driver_and_context_mib": device.reserved_mib + device.context_mib,
            "read_with_nothing_loaded_mib": before_mib,
            "booked_mib": state.physical_mib,
            "drift_mib": used_mib - known_mib,
            "foreign_mib": state.foreign_mib,
        },
        limit=f"drift within {limit_mib} MiB either way; no rule of the ledger broken",
        passed=abs(used_mib - known_mib) <= limit_mib and not broken,
        note="; ".join(f"{one.rule}: {one.found}" for one in broken),
    )


def eviction(bench: Bench) -> Check:
    """A mix of all models under a cap that can't hold them."""
    dice, feeds = random.Random(0), Feeds()  # noqa: S311 - no secret
    specs = bench.inventory.specs
    weights = [1 / place for place in range(1, len(specs) + 1)]
    # What driver, context and libraries have anyway is not the models' to share.
    cap_mib = bench.small_mib + bench.used_mib()
    until = min(bench.deadline, time.monotonic() + EVICTION_SECONDS)
    with (
        # The shipped policy lets nobody leave for a model that is rarely asked for.
        bench.worker(cap_mib, vram_policy="gdsf", vram_evictions_per_minute=0) as worker,
        _watched(worker.probe) as readings,
    ):
        worker.device.models.preload([spec for spec in specs if spec.priority == "critical"])
        on_device = [
            _use(worker, spec, feeds)
            for spec in dice.choices(specs, weights, k=bench.uses)
            if time.monotonic() < until
        ]
        state, events = worker.state, worker.events
        notes = worker.device.residency.take_notes()
    left = _critical_that_left(events)
    broken = [*check_stream(state.device, events), *check_state(state)]
    over = [used for used in readings.mib if used > cap_mib]
    return Check(
        step="eviction",
        title=f"With {bench.small_mib} MiB for all, models make room for each other.",
        figures={
            "cap_mib": cap_mib,
            "uses": len(on_device),
            "on_device": sum(on_device),
            "elsewhere": len(on_device) - sum(on_device),
            "loads": state.counters.get("loads", 0),
            "evictions": state.counters.get("evictions", 0),
            "most_used_mib": max(readings.mib, default=0),
            "kinds_of_notes": ", ".join(sorted({f"{note.step}/{note.reason}" for note in notes})),
        },
        limit=(
            f"at least one eviction; never over {cap_mib} MiB; no critical model leaves;"
            " no rule of the ledger broken in its event stream"
        ),
        passed=state.counters.get("evictions", 0) > 0 and not over and not left and not broken,
        note="; ".join([*left, *(f"{one.rule}: {one.found}" for one in broken[:3])]),
    )


def soak(bench: Bench) -> Check:
    """A long mix of models and batch sizes."""
    dice, feeds, times = random.Random(1), Feeds(), list[float]()  # noqa: S311 - no secret
    specs = bench.inventory.specs
    started = time.monotonic()
    with bench.worker() as worker, _watched(worker.probe) as readings:
        for spec in specs:
            _use(worker, spec, feeds)
        loaded, on_device = len(readings.mib), 0
        for done in itertools.count(1):
            on_device += _use(worker, dice.choice(specs), feeds, dice=dice, times=times)
            if done >= bench.inferences or time.monotonic() >= bench.deadline:
                break
        state = worker.state
    seconds = time.monotonic() - started
    settled = readings.mib[loaded + round((len(readings.mib) - loaded) * BEGINNING) :]
    band_mib = max(settled, default=0) - min(settled, default=0)
    is_done, is_enough = done >= bench.inferences, done >= bench.inferences * FEWEST
    over = (
        "" if is_done else f"The time was over after {done} of {bench.inferences}; see --minutes."
    )
    return Check(
        step="soak",
        title="In a long mix of models and batch sizes the device's use stays within a band.",
        figures={
            "inferences": done,
            "per_second": done / seconds,
            "on_device": on_device,
            "readings": len(readings.mib),
            "lowest_mib": min(settled, default=0),
            "highest_mib": max(settled, default=0),
            "band_mib": band_mib,
            "run_ms_p50": percentile(times, 50),
            "run_ms_p99": percentile(times, 99),
            "evictions": state.counters.get("evictions", 0),
        },
        limit=(
            f"band at most {BAND_MIB} MiB once all are loaded, in at least"
            f" {round(bench.inferences * FEWEST)} inferences"
        ),
        # Few that stay within the band show nothing; few that do not show all there is to show.
        passed=band_mib <= BAND_MIB if is_enough or band_mib > BAND_MIB else None,
        note=over,
        unfinished=not is_enough,
    )


def overhead(bench: Bench) -> Check:
    """The same run bare, and through everything that a job's run goes through."""
    rows: list[dict[str, Figure]] = []
    slowest_ms = 0.0
    for spec in compared(bench):
        batch = max(spec.batch_buckets)
        feeds = images(spec, batch)
        with bench.opened(spec) as session:
            warm_buckets(session, spec)
            bare = [run_once(session, feeds) for _ in range(40)]
        with bench.worker() as worker:
            _use(worker, spec, Feeds())
            full = []
            for _ in range(40):
                started = time.perf_counter()
                with worker.device.residency.use([spec.id]) as (model,):
                    model.network.session.run(feeds)
                full.append((time.perf_counter() - started) * 1000)
        more_ms = statistics.median(full) - statistics.median(bare)
        slowest_ms = max(slowest_ms, more_ms)
        rows.append(
            {
                "model": spec.id,
                "batch": batch,
                "bare_ms": statistics.median(bare),
                "through_residency_ms": statistics.median(full),
                "more_ms": more_ms,
            }
        )
    return Check(
        step="overhead",
        title="A batch through ledger, residency and ladder costs little more than the bare run.",
        limit=f"at most {OVERHEAD_MS:.0f} ms more for a batch, median",
        passed=slowest_ms <= OVERHEAD_MS,
        rows={"runs": rows},
    )


class Feeds:
    """Inputs by model and batch size, made once."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, int], Tensors] = {}

    def of(self, spec: ModelSpec, batch: int) -> Tensors:
        """Those of a model."""
        key = (spec.id, batch)
        if key not in self._made:
            self._made[key] = images(spec, batch)
        return self._made[key]


@dataclass(kw_only=True)
class Readings:
    """A device's use over time."""

    mib: list[int] = field(default_factory=list)


def _use(
    worker: Worker,
    spec: ModelSpec,
    feeds: Feeds,
    *,
    dice: random.Random | None = None,
    times: list[float] | None = None,
) -> bool:
    """Run a model once as a job does; whether that was on the device.

    Raises:
        ModelsError: it could be run nowhere.
    """
    with worker.device.residency.use([spec.id]) as (model,):
        buckets = model.network.spec.batch_buckets
        batch = max(buckets) if dice is None else dice.choice(buckets)
        took_ms = run_once(model.network.session, feeds.of(model.network.spec, batch))
        if times is not None:
            times.append(took_ms)
        return model.device != "cpu"


@contextmanager
def _watched(probe: MemoryProbe) -> Iterator[Readings]:
    """Read a device from time to time."""
    readings, done = Readings(), threading.Event()

    def watch() -> None:
        while not done.is_set():
            readings.mib.append(-(-probe.used_bytes() // MIB))
            done.wait(PERIOD_SECONDS)

    thread = threading.Thread(target=watch, name="readings", daemon=True)
    thread.start()
    try:
        yield readings
    finally:
        done.set()
        thread.join(timeout=5)


def _critical_that_left(events: Sequence[Event]) -> list[str]:
    return [
        f"{event.model} was {event.entry.state} ({event.why})"
        for event in events
        if event.entry is not None
        and event.entry.priority == "critical"
        and event.entry.state in {"draining", "unloading", "lost"}
    ]
