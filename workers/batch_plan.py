"""How a worker process makes batches of jobs: by what it runs on and by its settings."""

from workers.batching import BatchPlan
from workers.contract import local_device, served_queues
from workers.devices.residency import Residency
from workers.settings.process import Settings

#: On the CPU a batch of small networks is no faster than one image after the other, and the
#: messages of jobs that were taken along still come; see docs/performance.md.
CPU_BATCH_JOBS = 1
#: Most decoded pixels of a batch: 192 MB.
BATCH_PIXELS = 64_000_000
#: Of the longest wait for bulk jobs, what interactive ones are waited for.
INTERACTIVE_WAIT_SHARE = 0.1


def batch_plan(settings: Settings, residency: Residency) -> BatchPlan:
    """Batches up to the largest batch size of an installed model on a device, none on the CPU."""
    is_device = residency.device != "cpu"
    specs = [residency.catalogue.model(name) for name in residency.installed]
    largest = max((max(spec.batch_buckets) for spec in specs), default=1)
    wait_seconds = settings.batch_wait_ms / 1000 if is_device else 0.0
    return BatchPlan(
        jobs=min(settings.batch_max_jobs, largest if is_device else CPU_BATCH_JOBS),
        pixels=BATCH_PIXELS,
        queues=served_queues(local_device(settings.device)),
        interactive_wait_seconds=wait_seconds * INTERACTIVE_WAIT_SHARE,
        bulk_wait_seconds=wait_seconds,
        bulk_patience_seconds=settings.batch_patience_seconds,
        interactive_batches=settings.batch_interactive_share,
    )
