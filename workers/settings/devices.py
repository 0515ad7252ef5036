"""The settings of devices, their ledger, routing and batching; part of `workers.settings`."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from vram.records import Limits, Policy

_LIMITS = Limits()
#: What may be told to go wrong on a simulated device: out_of_memory@load:sface*2
_FAULT = r"^(out_of_memory|device_fault|hang)@(load|first_run|run)(:[\w.-]+)?(\*\d+)?$"


def listed(value: object) -> object:
    """Names separated by commas, as a list."""
    if isinstance(value, str):
        return [name.strip() for name in value.split(",") if name.strip()]
    return value


def paired(value: object) -> object:
    """`name=value` separated by commas, as a mapping."""
    if isinstance(value, str):
        return dict(pair.partition("=")[::2] for pair in value.replace(" ", "").split(",") if pair)
    return value


Fault = Annotated[str, Field(pattern=_FAULT)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Mebibytes = Annotated[int, Field(ge=0, le=1_048_576)]
Share = Annotated[int, Field(ge=0, le=1_000_000)]


class GpuSettings(BaseModel):
    """What concerns GPU workers and the way jobs are sent to them."""

    device: Annotated[str, Field(pattern=r"^(cpu|cuda:\d+|sim:[1-9]\d*(:\d+)?)$")] = Field(
        default="cpu",
        description="What a worker runs on: `cpu`, `cuda:<index>` or `sim:<MB>` (simulated); "
        "`sim:<MB>:<n>` is another one of that size on the same host.",
    )
    require_gpu: bool = Field(
        default=False,
        description="Refuse to start without a GPU that computes. A simulated device does not "
        "count.",
    )
    cuda_provider: Literal["cuda", "tensorrt"] = Field(
        default="cuda",
        description="What runs models on a card. `tensorrt` needs its libraries and builds an "
        "engine at each model's first load.",
    )
    device_silent_seconds: Annotated[float, Field(ge=10)] = Field(
        default=15.0, description="A device silent for this long gets no more jobs."
    )
    device_worker_max_rss_mb: Mebibytes = Field(
        default=4096,
        description="A GPU worker's process that takes more host memory is drained and replaced; "
        "0: never.",
    )
    vram_total_mb: Annotated[int, Field(ge=64, le=1_048_576)] | None = Field(
        default=None,
        description="Use only so much of a card, as if it were no larger, e.g. `6144`.",
    )
    vram_driver_mb: Mebibytes = Field(
        default=200, description="Of a card's memory, the driver's own; out of the ledger."
    )
    vram_context_mb: Mebibytes = Field(
        default=450,
        description="Of a card's memory, the worker's CUDA context, until it is measured.",
    )
    vram_headroom_mb: Mebibytes = Field(
        default=256,
        description="Of a device's memory, always kept free; on small ones a 24th of it.",
    )
    vram_critical_share: Share = Field(
        default=_LIMITS.critical_share,
        description="Share of the critical zone; only the proportions of the three count.",
    )
    vram_high_share: Share = Field(
        default=_LIMITS.high_share, description="Share of the zone of high priority."
    )
    vram_flexible_share: Share = Field(
        default=_LIMITS.flexible_share,
        description="Share of the flexible zone: medium and low priority.",
    )
    vram_high_models: Annotated[int, Field(ge=0)] = Field(
        default=_LIMITS.high_models,
        description="Models the zone of high priority may hold; 0: no limit.",
    )
    vram_flexible_models: Annotated[int, Field(ge=0)] = Field(
        default=_LIMITS.flexible_models,
        description="Models the flexible zone may hold; 0: no limit.",
    )
    vram_policy: Policy = Field(
        default=_LIMITS.policy,
        description="How the ledger chooses who leaves, and when: see the VRAM ledger.",
    )
    vram_high_residency_seconds: Annotated[float, Field(ge=0)] = Field(
        default=_LIMITS.high_residency_seconds,
        description="With the policy `residency`: least stay of a model of high priority.",
    )
    vram_flexible_residency_seconds: Annotated[float, Field(ge=0)] = Field(
        default=_LIMITS.flexible_residency_seconds,
        description="With the policy `residency`: least stay of other models.",
    )
    vram_evictions_per_minute: Annotated[int, Field(ge=0)] = Field(
        default=_LIMITS.evictions_per_minute,
        description="Most evictions a device makes in a minute; 0: no limit.",
    )
    vram_half_life_seconds: Seconds = Field(
        default=_LIMITS.half_life_seconds,
        description="How fast the ledger forgets what a model was used and waited for.",
    )
    vram_lease_seconds: Annotated[float, Field(ge=1, le=600)] = Field(
        default=_LIMITS.lease_seconds,
        description="A model whose worker is silent for this long counts as lost.",
    )
    vram_load_seconds: Seconds = Field(
        default=_LIMITS.load_seconds, description="A load that takes longer is given up."
    )
    vram_unload_seconds: Seconds = Field(
        default=_LIMITS.unload_seconds, description="An unload that takes longer is written off."
    )
    vram_idle_seconds: Seconds = Field(
        default=_LIMITS.idle_seconds,
        description="Under pressure, and by `optimize`, models of medium and low priority that "
        "are idle for longer are unloaded.",
    )
    vram_pressure_ratio: Annotated[float, Field(gt=0, le=1)] = Field(
        default=_LIMITS.pressure_ratio,
        description="A device more than this full is under pressure.",
    )
    vram_pressure_free_mb: Mebibytes = Field(
        default=_LIMITS.pressure_free_mib,
        description="A device with less free is under pressure.",
    )
    vram_observe_seconds: Seconds = Field(
        default=5.0, description="How often the ledger's book is compared with the card."
    )
    vram_events_kept: Annotated[int, Field(ge=100)] = Field(
        default=_LIMITS.events_kept, description="Length of a device's event stream."
    )
    model_idle_seconds: Annotated[float, Field(ge=0)] = Field(
        default=0.0,
        description="A model unused for this long is unloaded from its device; 0: it stays until "
        "its room is needed. Critical models stay.",
    )
    model_idle_overrides: Annotated[
        Mapping[str, Annotated[float, Field(ge=0)]], BeforeValidator(paired)
    ] = Field(
        default={},
        description="The same for single models: `arcface_r100=60,sface=0`.",
    )
    model_backoff_seconds: Seconds = Field(
        default=_LIMITS.backoff_seconds,
        description="Wait after a failed load; doubles with each failure, up to 15 minutes.",
    )
    model_quarantine_failures: Annotated[int, Field(ge=1)] = Field(
        default=_LIMITS.quarantine_failures,
        description="Failed loads in a row after which a model is left alone until somebody "
        "loads it by name.",
    )
    preload_probability: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.7,
        description="A model likelier than this to be used within the hour is loaded into free "
        "room; 1: none is.",
    )
    simulated_faults: Annotated[tuple[Fault, ...], BeforeValidator(listed)] = Field(
        default=(),
        description="What goes wrong on a simulated device, for tests, separated by commas: "
        "`<what>@<where>[:<model>][*<times>]` with `out_of_memory`, `device_fault` or `hang`, at "
        "`load`, `first_run` or `run`.",
    )
    simulated_latency_ms: Annotated[float, Field(ge=0, le=60_000)] = Field(
        default=0.0, description="Added to every run on a simulated device."
    )
    simulated_load_ms: Annotated[float, Field(ge=0, le=60_000)] = Field(
        default=0.0, description="Added to every load on a simulated device."
    )
    batch_max_jobs: Annotated[int, Field(ge=1, le=256)] = Field(
        default=16, description="Most jobs a worker claims at once, to run them as one batch."
    )
    batch_wait_ms: Annotated[float, Field(ge=0, le=1000)] = Field(
        default=50.0,
        description="Longest time a GPU worker waits for more bulk jobs of a batch; for "
        "interactive ones a tenth of it. It waits only when that pays.",
    )
    batch_decode_threads: Annotated[int, Field(ge=1, le=32)] = Field(
        default=2, description="Threads that decode images ahead of a GPU worker."
    )
    batch_interactive_share: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=8,
        description="After so many interactive batches in a row a bulk batch that has waited too "
        "long comes first.",
    )
    batch_patience_seconds: Annotated[float, Field(ge=0)] = Field(
        default=30.0, description="A bulk job that waits for longer has waited too long."
    )
    cpu_performance_ratio: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.3,
        description="Speed of a CPU process relative to a GPU, until both were measured.",
    )
    breaker_failures: Annotated[int, Field(ge=1)] = Field(
        default=5, description="Failed jobs in a row after which a device gets none for a while."
    )
    breaker_open_seconds: Seconds = Field(
        default=30.0, description="How long it gets none; then one job at a time is tried."
    )

    @field_validator("vram_flexible_share")
    @classmethod
    def _shared(cls, flexible: int, others: ValidationInfo) -> int:
        # The defaults are more than nothing, so that nothing at all has to be given for each.
        if not any((flexible, *map(others.data.get, ("vram_critical_share", "vram_high_share")))):
            raise PydanticCustomError("no_share", "the shares of the three zones are all 0")
        return flexible


def limits_of(settings: GpuSettings) -> Limits:
    """How the ledger of this worker's device decides."""
    return Limits(
        policy=settings.vram_policy,
        critical_share=settings.vram_critical_share,
        high_share=settings.vram_high_share,
        flexible_share=settings.vram_flexible_share,
        high_models=settings.vram_high_models,
        flexible_models=settings.vram_flexible_models,
        high_residency_seconds=settings.vram_high_residency_seconds,
        flexible_residency_seconds=settings.vram_flexible_residency_seconds,
        half_life_seconds=settings.vram_half_life_seconds,
        evictions_per_minute=settings.vram_evictions_per_minute,
        lease_seconds=settings.vram_lease_seconds,
        load_seconds=settings.vram_load_seconds,
        unload_seconds=settings.vram_unload_seconds,
        idle_seconds=settings.vram_idle_seconds,
        pressure_ratio=settings.vram_pressure_ratio,
        pressure_free_mib=settings.vram_pressure_free_mb,
        backoff_seconds=settings.model_backoff_seconds,
        quarantine_failures=settings.model_quarantine_failures,
        events_kept=settings.vram_events_kept,
    )
