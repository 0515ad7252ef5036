"""Two workers on simulated devices, one that makes batches and one that does not, with jobs."""

import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.children import child_environment
from benchmarks.errors import BenchmarkFailed
from cli.launcher.data_dir import DataDir
from cli.launcher.embedded_store import EmbeddedStore
from cli.launcher.fleet import ROOT
from cli.launcher.store_binary import find_store_binary
from workers.blobs.obstore_store import open_blobs
from workers.blobs.store import BlobStore
from workers.connections.client import connect
from workers.contract import AnalyzeOptions, JobRoute, JobState, Lane, local_device, queue_of
from workers.dispatch import CeleryJobQueue, publisher
from workers.jobs.redis_store import RedisJobs
from workers.jobs.store import Job, NewJob
from workers.settings.process import Settings, load_settings

#: Name of a worker -> its simulated device, and the most jobs it claims at once.
WORKERS = {"one_by_one": ("sim:6144", 1), "batching": ("sim:6144:1", 16)}
#: Loading all models and warming them up, on a slow machine.
READY_SECONDS = 180
JOB_SECONDS = 120
_POLL_SECONDS = 0.002
_STOP_SECONDS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchFleet:
    """The workers, and how they are given jobs."""

    jobs: RedisJobs
    queue: CeleryJobQueue
    blobs: BlobStore

    def submit(self, photo: bytes, options: AnalyzeOptions, *, worker: str, lane: Lane) -> str:
        """Give a worker a job, as the gateway does; its id."""
        job_id = f"job_{uuid.uuid4().hex}"
        queue = queue_of(lane, device=local_device(WORKERS[worker][0]))
        self.blobs.put(job_id, photo)
        route = JobRoute(queue=queue, reason="access_existing")
        new = NewJob(id=job_id, options=options, route=route, blob_keys=(job_id,), pixels=262_144)
        self.jobs.submit(new, on_stored=lambda: self.queue.publish(job_id, queue))
        return job_id

    def wait(self, ids: Sequence[str]) -> list[Job]:
        """The jobs, all ended well.

        Raises:
            BenchmarkFailed: one did not.
        """
        deadline = time.monotonic() + JOB_SECONDS
        ended: list[Job] = []
        for job_id in ids:
            while not (job := self.jobs.get(job_id)).state.is_final:
                if time.monotonic() > deadline:
                    raise BenchmarkFailed(f"A job did not end within {JOB_SECONDS} s.")
                time.sleep(_POLL_SECONDS)
            if job.state is not JobState.SUCCEEDED:
                raise BenchmarkFailed(f"A job ended as {job.state}: {job.error}.")
            ended.append(job)
        return ended


@contextmanager
def running_fleet(settings: Settings) -> Iterator[BatchFleet]:
    """A store and both workers, ready; all ended afterwards.

    Raises:
        BenchmarkFailed: a worker does not start.
        CliError: the store does not start.
    """
    with ExitStack() as opened:
        folder = Path(opened.enter_context(TemporaryDirectory(prefix="facesocial-benchmark-")))
        data = DataDir(root=folder / "data")
        data.create()
        store = EmbeddedStore(data, find_store_binary())
        store.start()
        opened.callback(store.stop)
        own = {"data_dir": data.root, "redis_url": store.url}
        for name, (device, jobs) in WORKERS.items():
            values = {**own, "device": device, "batch_max_jobs": jobs, "result_ttl_seconds": 600}
            opened.enter_context(_worker(name, child_environment(settings, values), folder))
        for name in WORKERS:
            _await_ready(folder / f"{name}.log")
        here = load_settings(child_environment(settings, own))
        client = opened.enter_context(connect(here, role="benchmark"))
        yield BatchFleet(
            jobs=RedisJobs(client, here),
            queue=CeleryJobQueue(publisher(here)),
            blobs=open_blobs(here.blob_location),
        )


@contextmanager
def _worker(name: str, environment: dict[str, str], folder: Path) -> Iterator[None]:
    """A worker as the launcher starts one."""
    argv = [sys.executable, "-m", "celery", "-A", "workers.app:app", "worker", "-n", f"{name}@%h"]
    argv += ["--without-gossip", "--without-mingle", "--concurrency", "1"]
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            argv,
            cwd=ROOT,
            env={**environment, "REMAP_SIGTERM": "SIGQUIT"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_ready(log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while "worker.ready" not in (text := log.read_text(encoding="utf-8", errors="replace")):
        if time.monotonic() > deadline or "can_not_start" in text:
            raise BenchmarkFailed(f"A worker did not start: {text[-2000:]}")
        time.sleep(0.1)
