"""A real worker on a simulated device, told to stop in the middle of a batch."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from models.weights.store import WeightStore
from workers.blobs.obstore_store import open_blobs
from workers.connections.client import connect
from workers.contract import AnalyzeOptions, JobRoute, JobState, local_device, queue_of
from workers.dispatch import CeleryJobQueue, publisher
from workers.jobs.redis_store import RedisJobs
from workers.jobs.store import NewJob
from workers.settings.process import PREFIX, environment_of, load_settings

pytestmark = [pytest.mark.fleet, pytest.mark.redis, pytest.mark.weights]

DEVICE = "sim:6144"
#: Models are loaded and warmed up, on a busy machine.
READY_SECONDS = 120
IDS = [f"job_{number:032x}" for number in range(3)]


@contextmanager
def _worker(
    root: Path, log: Path, environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    argv = [sys.executable, "-m", "celery", "-A", "workers.app:app", "worker", "-n", "stop@%h"]
    argv += ["--without-gossip", "--without-mingle", "--concurrency", "1"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv,
            cwd=root,
            env={**environment, "REMAP_SIGTERM": "SIGQUIT", "PYTHONPATH": str(root)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _until(is_so: Callable[[], bool], seconds: float, log: Path) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            pytest.fail(f"it was not so within {seconds} s: {log.read_text()[-3000:]}")
        time.sleep(0.05)


def test_a_worker_that_is_stopped_in_mid_batch_gives_its_jobs_back_uncounted(
    root: Path, tmp_path: Path, valkey_port: int, weights: WeightStore, photos: dict[str, Path]
) -> None:
    environment = {
        **os.environ,  # noqa: TID251 - handed to the worker
        **environment_of(
            data_dir=tmp_path / "data",
            weights_dir=weights.root.absolute(),
            redis_url=f"redis://127.0.0.1:{valkey_port}/0",
            device=DEVICE,
            # The first run for a job takes longer than anybody waits.
            simulated_faults="hang@run:yunet*1",
        ),
    }
    settings = load_settings({k: v for k, v in environment.items() if k.startswith(PREFIX)})
    log = tmp_path / "worker.log"
    with connect(settings, role="test") as client:
        client.flushall()
        with _worker(root, log, environment) as worker:
            jobs, blobs = RedisJobs(client, settings), open_blobs(settings.blob_location)
            queue = queue_of("interactive", device=local_device(DEVICE))
            _until(lambda: "worker.ready" in log.read_text(), READY_SECONDS, log)
            for job_id in IDS:
                blobs.put(job_id, photos["astronaut"].read_bytes())
                route = JobRoute(queue=queue, reason="access_existing", device=local_device(DEVICE))
                options = AnalyzeOptions(analyses=("detection",))
                jobs.submit(
                    NewJob(
                        id=job_id, options=options, route=route, blob_keys=(job_id,), pixels=262_144
                    )
                )
            CeleryJobQueue(publisher(settings)).publish(IDS[0], queue)
            _until(lambda: jobs.get(IDS[-1]).state is JobState.RUNNING, 20, log)

            # Twice: the second ends the time that is left to the batch.
            worker.send_signal(signal.SIGTERM)
            _until(lambda: "Soft Shutdown" in log.read_text(), 20, log)
            worker.send_signal(signal.SIGTERM)
            worker.wait(180)

            assert [jobs.get(job_id).state for job_id in IDS] == [JobState.QUEUED] * 3
            assert [jobs.get(job_id).attempt for job_id in IDS] == [0] * 3
            assert sorted(due.id for due in jobs.due(10)) == IDS
            assert all(blobs.get(job_id) for job_id in IDS)
