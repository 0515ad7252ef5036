"""Everything a worker process holds, built once when the process starts."""

from contextlib import ExitStack
from dataclasses import dataclass

import cv2
import structlog

from models.catalogue import load_catalogue
from models.errors import WeightsMissing
from models.weights.store import WeightStore
from vram.ledger import VramLedger
from vram.probe import MemoryProbe, NvmlProbe, SimulatedProbe
from vram.redis_ledger import RedisLedger
from workers.device_holder import DeviceHolder
from workers.dispatch import JobQueue
from workers.maintenance import Maintenance
from workers.obstore_blobs import open_blobs
from workers.pipeline import FacePipeline
from workers.redis_client import connect
from workers.redis_jobs import RedisJobs
from workers.residency import TASKS, Residency
from workers.router import JobRouter
from workers.runner import JobRunner
from workers.settings import Settings

MEBIBYTE = 1024 * 1024

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Runtime:
    """One process's parts."""

    maintenance: Maintenance
    runner: JobRunner
    #: Gives everything back.
    closing: ExitStack

    def close(self) -> None:
        """Give everything back; the process ends."""
        self.closing.close()


def build_runtime(
    settings: Settings, queue: JobQueue, *, time_limit_error: type[Exception]
) -> Runtime:
    """Connect, register the device and load the models; all or nothing.

    Raises:
        ModelsError: a model can't be loaded.
        VramError: the device can't be registered or read.
        WorkersError: the blob store can't be opened.
    """
    # OpenCV takes its threads from the number of cores, not from OMP_NUM_THREADS.
    cv2.setNumThreads(settings.ort_threads)
    with ExitStack() as opened:
        client = connect(settings, role="worker")
        opened.callback(client.close)
        jobs = RedisJobs(client, settings)
        blobs = open_blobs(settings.blob_location)
        ledger = RedisLedger(client, silent_seconds=settings.device_silent_seconds)
        pipeline = _load_pipeline(settings, ledger, opened)
        maintenance = Maintenance(
            jobs=jobs,
            blobs=blobs,
            queue=queue,
            router=JobRouter(ledger, load_catalogue()),
            orphan_seconds=settings.blob_orphan_seconds,
        )
        runner = JobRunner(
            jobs=jobs,
            blobs=blobs,
            pipeline=pipeline,
            lease_seconds=settings.job_lease_seconds,
            time_limit_error=time_limit_error,
        )
        _log.info("worker.ready", device=settings.device)
        return Runtime(maintenance=maintenance, runner=runner, closing=opened.pop_all())


def _load_pipeline(settings: Settings, ledger: VramLedger, opened: ExitStack) -> FacePipeline:
    probe = device_probe(settings.device)
    holder = _hold_device(settings, ledger, probe, opened) if probe else None
    residency = Residency(
        store=WeightStore(settings.weights_path),
        catalogue=load_catalogue(),
        device=settings.device,
        threads=settings.ort_threads,
        account=holder,
        probe=probe,
    )
    residency.load()
    return build_pipeline(settings, residency)


def build_pipeline(settings: Settings, residency: Residency) -> FacePipeline:
    """The pipeline as the settings want it."""
    return FacePipeline(
        residency,
        max_pixels=settings.max_image_pixels,
        disabled_analyses=settings.disabled_analyses,
        anti_spoofing_cpu=settings.anti_spoofing_cpu,
        demographics_answers=settings.demographics_answers,
    )


def _hold_device(
    settings: Settings, ledger: VramLedger, probe: MemoryProbe, opened: ExitStack
) -> DeviceHolder:
    holder = DeviceHolder(
        ledger,
        device=settings.device,
        probe=probe,
        reserved_bytes=settings.vram_reserved_mb * MEBIBYTE,
    )
    holder.start()
    opened.callback(holder.close)
    return holder


def device_probe(device: str) -> MemoryProbe | None:
    """What reads the memory of a device; None for the CPU.

    Raises:
        ProbeFailed: there is no such card or no driver.
    """
    kind, _, number = device.partition(":")
    if kind == "cuda":
        return NvmlProbe(int(number))
    if kind == "sim":
        return SimulatedProbe(total_bytes=int(number) * MEBIBYTE)
    return None


def check_weights(settings: Settings) -> None:
    """Make sure that the models can be loaded, preparing graphs where needed.

    A task without any installed model is left to the worker, which says so in its answers; there
    must be a detector.

    Raises:
        WeightsMissing: run `facesocial models pull`.
        ModelsError: a weight file is damaged or can't be prepared.
    """
    store, catalogue = WeightStore(settings.weights_path), load_catalogue()
    residency = Residency(store=store, catalogue=catalogue)
    for task in TASKS:
        names = [name for name in catalogue.defaults[task] if name in residency.installed]
        if not names and task == "detection":
            raise WeightsMissing
        for name in names[:1]:
            for spec in catalogue.with_parts(catalogue.model(name)):
                store.prepared(spec)
