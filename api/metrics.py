"""What Prometheus reads: computed at each scrape from what the stores hold.

No process tells what it counted itself, so a gateway with many processes tells the same from each,
and restarts lose nothing. A store that is away gives `facesocial_store_up 0` and no stale figures.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import get_args

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from api.device_view import zones_mib
from api.services import Services
from api.traffic import BOUNDS_SECONDS
from vram.errors import LedgerUnavailable
from vram.fleet import Breaker
from vram.records import DeviceState
from workers.contract import JobState
from workers.errors import StoreUnavailable
from workers.jobs.options import JobOptions
from workers.jobs.store import POISONED, Ended

#: What `render` answers.
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MIB = 2**20
#: Figures of a device's memory: name, meaning.
_MEMORY = {
    "vram_total_bytes": "All of the device's memory",
    "vram_usable_bytes": "What models may take now",
    "vram_allocated_bytes": "What models may take on the device now, at most",
    "vram_planned_bytes": "What models will take once everything under way has ended",
    "vram_available_bytes": "What may still be reserved without an eviction",
    "vram_foreign_bytes": "Taken and not ours, or not proven to be free again",
}
#: Counters of a device: name in the ledger, name here, meaning.
_COUNTERS = (
    ("loads", "model_loads", "Models loaded"),
    ("load_failures", "model_load_failures", "Loads that failed"),
    ("evictions", "vram_evictions", "Models that had to leave for another"),
    ("cpu", "model_fallback", "Requests that were told to run on the CPU instead"),
    ("waits", "vram_waits", "Requests that were told to wait"),
    ("refused", "vram_refusals", "Requests that were refused"),
    ("access_existing", "vram_hits", "Requests for a model that was on the device"),
    ("loans", "vram_loans", "Loads into room of a higher class"),
    ("out_of_memory", "vram_out_of_memory", "Times a device ran out of memory"),
    ("lost", "vram_lost", "Models whose worker went silent"),
    ("written_off", "vram_written_off", "Models nobody confirmed to be gone"),
    ("pressure", "vram_pressure", "Times memory became short"),
)
#: The end that somebody has to look into, of every kind of job.
_POISONED = tuple(
    Ended(kind=options.model_fields["kind"].default, state=JobState.FAILED, code=POISONED.code)
    for options in get_args(JobOptions)
)


class FleetCollector(Collector):
    """Asks the stores when it is scraped.

    Args:
        parts: Of the gateway.
    """

    def __init__(self, parts: Services) -> None:
        self._ledger = parts.ledger
        self._fleet = parts.fleet
        self._jobs = parts.jobs
        self._traffic = parts.traffic
        self._gauge = parts.store_gauge
        self._forgetting = parts.identities.forgetting
        self._models = [spec.id for spec in parts.catalogue.models.values() if spec.task != "part"]

    def collect(self) -> Iterator[Metric]:
        """See Collector."""
        up = GaugeMetricFamily("facesocial_store_up", "Whether a store answers", labels=["store"])
        # Two at most: each that hangs makes the scrape longer by its time limit.
        for store, ask in (("ledger", self._of_devices), ("jobs", self._of_the_rest)):
            try:
                found = list(ask())
            except (LedgerUnavailable, StoreUnavailable):
                up.add_metric([store], 0)
            else:
                up.add_metric([store], 1)
                yield from found
        yield up

    def describe(self) -> Iterable[Metric]:
        """Nothing is told in advance: that would ask the stores when the gateway starts."""
        return ()

    def _of_devices(self) -> Iterator[Metric]:
        states = self._ledger.devices()
        yield from _memory(states)
        yield from _condition(states, self._fleet.breakers([one.device.id for one in states]))
        yield from _models(states)
        yield from _counters(states)
        yield from self._learned()

    def _learned(self) -> Iterator[Metric]:
        outlook = self._fleet.outlook(self._models, limit=0)
        runs = GaugeMetricFamily(
            "model_inference_duration_seconds",
            "Mean time of a model per image or face",
            labels=["where", "model"],
        )
        for (where, model), ms in outlook.service_ms.items():
            runs.add_metric([where, model], ms / 1000)
        loads = GaugeMetricFamily(
            "model_load_duration_seconds", "Mean time of a model's load", labels=["model"]
        )
        for model, ms in outlook.load_ms.items():
            loads.add_metric([model], ms / 1000)
        yield from (runs, loads)
        yield GaugeMetricFamily(
            "cpu_worker_processes", "Processes of CPU workers", value=outlook.cpu_processes
        )

    def _of_the_rest(self) -> Iterator[Metric]:
        yield from self._of_jobs()
        yield from self._of_deletions()
        yield from self._of_results()
        yield from self._of_requests()
        yield from self._of_room()

    def _of_jobs(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily(
            "model_queue_length", "Jobs that wait in a queue", labels=["queue"]
        )
        for queue, jobs in self._jobs.waiting_queues().items():
            waiting.add_metric([queue], jobs)
        yield waiting
        yield GaugeMetricFamily("jobs_waiting", "Jobs that wait", value=self._jobs.waiting())
        ended = CounterMetricFamily(
            "jobs_ended", "Jobs that have ended", labels=["kind", "state", "code"]
        )
        # Told before the first one comes: of a figure that was not there nobody sees it grow.
        found = dict.fromkeys(_POISONED, 0) | dict(self._jobs.ended())
        for how, jobs in found.items():
            ended.add_metric([how.kind, how.state, how.code], jobs)
        yield ended

    def _of_deletions(self) -> Iterator[Metric]:
        left = self._forgetting.outstanding()
        for name, text, number in (
            ("identity_keys_to_destroy", "Keys of deleted people that still exist", left.keys),
            ("identity_images_to_delete", "Photos of deleted people that remain", left.images),
            ("identity_certificates_open", "Deletions workers follow still", left.certificates),
        ):
            yield GaugeMetricFamily(name, text, value=number)

    def _of_results(self) -> Iterator[Metric]:
        unreadable = CounterMetricFamily(
            "result_persons_unreadable",
            "Persons of results that were read without their names, although nobody deleted them",
            labels=["reason"],
        )
        for reason, count in self._forgetting.unreadable().items():
            unreadable.add_metric([reason], count)
        yield unreadable

    def _of_room(self) -> Iterator[Metric]:
        memory = self._gauge.memory()
        if memory is None:
            return
        for name, text, number in (
            ("store_memory_used_bytes", "What the store holds", memory.used_bytes),
            ("store_memory_limit_bytes", "At which it takes no more", memory.limit_bytes),
        ):
            yield GaugeMetricFamily(name, text, value=number)

    def _of_requests(self) -> Iterator[Metric]:
        figures = self._traffic.figures()
        answered = CounterMetricFamily(
            "http_requests", "Requests answered", labels=["method", "route", "status"]
        )
        for (method, route, status), number in figures.requests.items():
            answered.add_metric([method, route, str(status)], number)
        took = HistogramMetricFamily(
            "http_request_duration_seconds",
            "From a request's first byte to its answer, without waits it asked for",
            labels=["method", "route"],
        )
        bounds = [*map(str, BOUNDS_SECONDS), "+Inf"]
        for (method, route), times in figures.times.items():
            buckets = list(zip(bounds, accumulate(times.counts), strict=True))
            took.add_metric([method, route], buckets=buckets, sum_value=times.seconds)
        yield from (answered, took)


def render(collector: FleetCollector) -> bytes:
    """The text a scrape gets."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return generate_latest(registry)


def _memory(states: Iterable[DeviceState]) -> Iterator[Metric]:
    labels = ["device", "kind"]
    families = {
        name: GaugeMetricFamily(name, text, labels=labels) for name, text in _MEMORY.items()
    }
    used = GaugeMetricFamily(
        "nvidia_gpu_memory_usage_percent", "Of a card, as its driver says", labels=["device"]
    )
    drift = GaugeMetricFamily(
        "vram_drift_bytes", "Last reading of the device minus what is booked", labels=["device"]
    )
    for state in states:
        device = state.device
        figures = (
            device.total_mib,
            state.usable_mib,
            state.physical_mib,
            state.planned_mib,
            state.free_mib,
            state.foreign_mib,
        )
        for family, mib in zip(families.values(), figures, strict=True):
            family.add_metric([device.id, device.kind], mib * MIB)
        if state.observed_mib is None:
            continue
        booked = device.reserved_mib + device.context_mib + state.physical_mib + state.foreign_mib
        drift.add_metric([device.id], (state.observed_mib - booked) * MIB)
        if device.kind == "gpu" and device.total_mib:
            used.add_metric([device.id], 100 * state.observed_mib / device.total_mib)
    yield from (*families.values(), used, drift, *_zones(states))


def _zones(states: Iterable[DeviceState]) -> Iterator[Metric]:
    labels = ["device", "zone"]
    used = GaugeMetricFamily("vram_zone_used_bytes", "What a zone's models own", labels=labels)
    share = GaugeMetricFamily("vram_zone_capacity_bytes", "A zone's share", labels=labels)
    for state in states:
        for zone, (used_mib, share_mib) in zones_mib(state).items():
            used.add_metric([state.device.id, zone], used_mib * MIB)
            share.add_metric([state.device.id, zone], share_mib * MIB)
    yield from (used, share)


def _condition(states: Iterable[DeviceState], breakers: Mapping[str, Breaker]) -> Iterator[Metric]:
    alive = GaugeMetricFamily("device_up", "Whether its worker is alive", labels=["device", "kind"])
    short = GaugeMetricFamily("vram_under_pressure", "Whether memory is short", labels=["device"])
    breaker = GaugeMetricFamily(
        "device_breaker_open",
        "1: gets no jobs for a while; 0.5: one job at a time is tried",
        labels=["device"],
    )
    for state in states:
        device = state.device
        alive.add_metric([device.id, device.kind], state.alive)
        short.add_metric([device.id], state.pressure)
        value = {"closed": 0.0, "half_open": 0.5, "open": 1.0}[breakers[device.id]]
        breaker.add_metric([device.id], value)
    yield from (alive, short, breaker)


def _models(states: Iterable[DeviceState]) -> Iterator[Metric]:
    memory = GaugeMetricFamily(
        "model_memory_usage_bytes",
        "What a model takes on a device",
        labels=["device", "model", "state"],
    )
    pins = GaugeMetricFamily("model_pins", "Uses under way", labels=["device", "model"])
    failures = GaugeMetricFamily(
        "model_load_failures_in_a_row", "Failed loads in a row", labels=["device", "model"]
    )
    for state in states:
        device_id = state.device.id
        taken: dict[tuple[str, str], int] = {}
        used: dict[str, int] = {}
        for entry in state.entries:
            place = (entry.model, entry.state.value)
            taken[place] = taken.get(place, 0) + entry.vram_mib
            used[entry.model] = used.get(entry.model, 0) + len(entry.pins)
        for (model, name), mib in taken.items():
            memory.add_metric([device_id, model, name], mib * MIB)
        for model, count in used.items():
            pins.add_metric([device_id, model], count)
        for model, stats in state.stats.items():
            failures.add_metric([device_id, model], stats.failures)
    yield from (memory, pins, failures)


def _counters(states: Iterable[DeviceState]) -> Iterator[Metric]:
    for key, name, text in _COUNTERS:
        family = CounterMetricFamily(name, text, labels=["device"])
        for state in states:
            family.add_metric([state.device.id], state.counters.get(key, 0))
        yield family
