"""Everything a worker process holds, built once when the process starts."""

import os
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import cv2
import structlog

from models.catalogue import load_catalogue
from models.errors import WeightsMissing
from models.weights.store import WeightStore
from vram.fleet import Fleet
from vram.ledger import VramLedger
from workers.batch_plan import batch_plan
from workers.breaker import BothPipeline, BreakerPipeline, BreakerWork, FaultCounter
from workers.chunks.enrolling import ItemEnroller
from workers.chunks.items import ItemWorks
from workers.chunks.work import TASK_SHARE, ChunkWork, chunk_plan
from workers.connections.client import connect, open_ledger
from workers.contract import local_device
from workers.devices.cpu_keeper import CpuKeeper
from workers.devices.device import open_device
from workers.devices.residency import TASKS, Residency
from workers.devices.setup import find_hardware
from workers.devices.timings import Timings
from workers.dispatch import JobQueue
from workers.identities.forgetting import Forgetting
from workers.identities.index.searcher import LocalSearcher
from workers.identities.lost_changes import LostChanges
from workers.identities.reembed_work import TURN_SECONDS, Turns
from workers.index_places import IndexPlaces
from workers.jobs.options import JobKind
from workers.known_people import KnownPeople, open_known_people
from workers.maintenance import Maintenance
from workers.naming import Namer
from workers.photos.pipeline import FacePipeline
from workers.runner import JobRunner
from workers.settings.process import Settings
from workers.stores import Stores, open_stores
from workers.work import Work
from workers.works import build_works, people_works, told_work

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Runtime:
    """One process's parts."""

    maintenance: Maintenance
    runner: JobRunner
    residency: Residency
    forgetting: Forgetting
    lost_changes: LostChanges
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
        stores = open_stores(client, settings, queue)
        ledger = open_ledger(client, settings)
        places = IndexPlaces()
        residency = _open_residency(settings, ledger, stores.fleet, places, opened)
        residency.load()
        maintenance = Maintenance(
            stores,
            orphan_seconds=settings.blob_orphan_seconds,
            piece_seconds=settings.upload_ttl_seconds,
        )
        known = open_known_people(settings, residency.catalogue.thresholds, opened)
        if isinstance(known.searcher, LocalSearcher):
            places.of(known.searcher)
        runner = _build_runner(settings, stores, residency, known, time_limit_error)
        _log.info("worker.ready", device=settings.device)
        return Runtime(
            maintenance=maintenance,
            runner=runner,
            residency=residency,
            forgetting=known.forgetting,
            lost_changes=LostChanges(known.identities, stores.jobs),
            closing=opened.pop_all(),
        )


def _build_runner(
    settings: Settings,
    stores: Stores,
    residency: Residency,
    known: KnownPeople,
    time_limit_error: type[Exception],
) -> JobRunner:
    """What this process does with jobs of all kinds."""
    faults = _fault_counter(settings, stores.fleet)
    photos = build_pipeline(settings, residency, known.namer)
    pipeline = _counted(photos, faults)
    # Works are counted as a whole, so what they look through is not.
    people = people_works(known, photos, stores.blobs, ends=(time_limit_error,))
    works = _counted_works(build_works(settings, residency, stores.blobs, people), faults)
    plan = batch_plan(settings, residency)
    runner = JobRunner(
        jobs=stores.jobs,
        blobs=stores.blobs,
        pipeline=pipeline,
        works=works,
        lease_seconds=settings.job_lease_seconds,
        time_limit_error=time_limit_error,
        plan=plan,
    )
    # Afterwards: between their steps they have the runner serve interactive jobs.
    turns = Turns(
        seconds=min(TURN_SECONDS, TASK_SHARE * settings.task_time_limit_seconds),
        serve_interactive=runner.serve_interactive,
    )
    reembedding = known.reembedding(photos, stores.jobs, turns, (time_limit_error,))
    again = told_work(settings, residency, "reembed", reembedding)
    works |= _counted_works({"reembed": again}, faults)
    works["chunk"] = ChunkWork(
        chunks=stores.chunks,
        feeder=stores.feeder,
        works=ItemWorks(pipeline, ItemEnroller(known.enroller(pipeline))),
        blobs=stores.blobs,
        plan=chunk_plan(settings, plan, time_limit_error),
        serve_interactive=runner.serve_interactive,
    )
    return runner


def _open_residency(
    settings: Settings,
    ledger: VramLedger,
    fleet: Fleet,
    places: IndexPlaces,
    opened: ExitStack,
) -> Residency:
    """The models of this process, on its device if it has one that computes."""
    found = find_hardware(settings)
    if found is None:
        return _on_cpu(settings, fleet, opened)
    device = open_device(
        settings,
        found,
        ledger=ledger,
        fleet=fleet,
        store=WeightStore(settings.weights_path),
        catalogue=load_catalogue(),
    )
    device.keeper.tell_of(places)
    opened.callback(device.keeper.close)
    return device.residency


def _on_cpu(settings: Settings, fleet: Fleet, opened: ExitStack) -> Residency:
    timings = Timings(cpu_ratio=settings.cpu_performance_ratio)
    if settings.device == "cpu":
        process = f"{socket.gethostname()}:{os.getpid()}"
        keeper = CpuKeeper(
            fleet, process=process, timings=timings, live_seconds=settings.device_silent_seconds
        )
        keeper.start()
        opened.callback(keeper.close)
    return Residency(
        store=WeightStore(settings.weights_path),
        catalogue=load_catalogue(),
        threads=settings.ort_threads,
        timings=timings,
    )


def _fault_counter(settings: Settings, fleet: Fleet) -> FaultCounter | None:
    """What counts the faults of this process's device; None: it has none."""
    device_id = local_device(settings.device)
    return None if device_id is None else FaultCounter(fleet, device_id)


def _counted(pipeline: FacePipeline, faults: FaultCounter | None) -> BothPipeline:
    return pipeline if faults is None else BreakerPipeline(pipeline, faults)


def _counted_works(
    works: Mapping[JobKind, Work], faults: FaultCounter | None
) -> dict[JobKind, Work]:
    if faults is None:
        return dict(works)
    return {kind: BreakerWork(work, faults) for kind, work in works.items()}


def build_pipeline(
    settings: Settings, residency: Residency, namer: Namer | None = None
) -> FacePipeline:
    """The pipeline as the settings want it; without `namer` it knows nobody."""
    return FacePipeline(
        residency,
        max_pixels=settings.max_image_pixels,
        disabled_analyses=settings.disabled_analyses,
        anti_spoofing_cpu=settings.anti_spoofing_cpu,
        demographics_answers=settings.demographics_answers,
        decode_threads=settings.batch_decode_threads,
        namer=namer,
    )


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
