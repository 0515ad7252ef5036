"""The step that compares claimed batches with single jobs and with bare loops, on the device."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np
import redis

from benchmarks.gpu_check.bench import Bench, Worker, images
from benchmarks.gpu_check.report import Check, Figure
from benchmarks.gpu_check.session_steps import compared
from models.batching import run_tensor
from models.contract import InferenceSession
from models.spec import ModelSpec
from models.warm_up import warm_buckets
from workers.answers.analysis import AnalysisAnswer, DetectionAnswer, ImageAnswer
from workers.batching import BatchPlan
from workers.blobs.store import MemoryBlobs
from workers.contract import AnalyzeOptions, JobRoute, local_device, queue_of
from workers.jobs.redis_store import RedisJobs
from workers.jobs.store import NewJob
from workers.photos.attempts import Ends
from workers.photos.photo import Order
from workers.runner import JobRunner

#: Jobs of each way, most of one claim, and ways' turns; the fastest turn of each counts.
JOBS, CLAIM, TURNS = 96, 16, 3
#: Pixels a claim may hold: no limit here, images are chips.
_PIXELS = 10**9


class OneModel:
    """A pipeline of a single model: each order's image is a chip, as its network takes it."""

    def __init__(self, worker: Worker, spec: ModelSpec) -> None:
        self._worker = worker
        self._spec = spec

    def analyze_many(
        self,
        orders: Sequence[Order],
        *,
        ends: Ends = (),  # noqa: ARG002 - the runner's port has it
    ) -> list[AnalysisAnswer | Exception | None]:
        """See workers.runner.Pipeline."""
        with self._worker.device.residency.use([self._spec.id]) as (model,):
            spec = model.network.spec
            ((_, contract),) = spec.inputs.items()
            shape = [dim for dim in contract.dims[1:] if isinstance(dim, int)]
            chips = np.stack(
                [np.frombuffer(order.read(), np.float32).reshape(shape) for order in orders]
            )
            rows = run_tensor(model.network.session, chips, spec.batch_buckets)
        return [_answer(self._worker.device.residency.device) for _ in rows]


def batcher(bench: Bench) -> Check:
    """The same images as claimed batches, as single jobs, and in bare loops."""
    spec = compared(bench)[0]
    size = max(spec.batch_buckets)
    ((_, chips),) = images(spec, JOBS).items()
    with bench.opened(spec) as session:
        warm_buckets(session, spec)
        seconds = _fastest(
            {
                "loop of single runs": partial(_loop, session, chips, 1),
                f"loop of batches of {size}": partial(_loop, session, chips, size),
            }
        )
    with bench.worker() as worker, _text_client(bench.client) as client:
        run = partial(_jobs, RedisJobs(client, bench.settings), worker, spec, chips)
        seconds |= _fastest(
            {
                "jobs one by one": partial(run, BatchPlan()),
                f"jobs in claims of {CLAIM}": partial(run, BatchPlan(jobs=CLAIM, pixels=_PIXELS)),
            }
        )
    rates = {name: JOBS / took for name, took in seconds.items()}
    loop, batches, single, claimed = rates.values()
    return Check(
        step="batcher",
        title=f"Claimed batches of {spec.id} against single jobs and bare loops.",
        figures={
            "claims_to_single_jobs": claimed / single,
            "claims_to_loop_of_batches": claimed / batches,
            "batches_to_single_runs": batches / loop,
        },
        limit="claims are faster than single jobs",
        passed=claimed > single,
        rows={"ways": _rows(rates)},
    )


def _rows(rates: Mapping[str, float]) -> list[dict[str, Figure]]:
    return [{"way": name, "images_per_second": rate} for name, rate in rates.items()]


def _loop(session: InferenceSession, chips: "np.ndarray", size: int) -> float:
    started = time.perf_counter()
    run_tensor(session, chips, (1,) if size == 1 else (1, size))
    return time.perf_counter() - started


def _jobs(
    jobs: RedisJobs, worker: Worker, spec: ModelSpec, chips: "np.ndarray", plan: BatchPlan
) -> float:
    """How long a worker's runner takes for jobs that all wait already; submitting not counted."""
    blobs = MemoryBlobs()
    runner = JobRunner(
        jobs=jobs,
        blobs=blobs,
        pipeline=OneModel(worker, spec),
        lease_seconds=30.0,
        plan=plan,
    )
    queue = queue_of("interactive", device=local_device(worker.device.residency.device))
    route = JobRoute(queue=queue, reason="access_existing")
    ids = [f"job_{uuid.uuid4().hex}" for _ in chips]
    for id_, chip in zip(ids, chips, strict=True):
        blobs.put(id_, chip.tobytes())
        jobs.submit(NewJob(id=id_, options=AnalyzeOptions(), route=route, blob_keys=(id_,)))
    started = time.perf_counter()
    for id_ in ids:
        runner.run(id_)
    return time.perf_counter() - started


@contextmanager
def _text_client(client: redis.Redis) -> Iterator[redis.Redis]:
    """A client of the same server that answers with text, as the job store wants it."""
    known = {**client.connection_pool.connection_kwargs, "decode_responses": True}
    with redis.Redis(connection_pool=redis.ConnectionPool(**known)) as texts:
        yield texts


def _fastest(ways: Mapping[str, Callable[[], float]]) -> dict[str, float]:
    """Seconds of each way's fastest turn; they take turns, so that a slow spell hits all alike."""
    turns = [{name: way() for name, way in ways.items()} for _ in range(TURNS)]
    return {name: min(turn[name] for turn in turns) for name in ways}


def _answer(device: str) -> AnalysisAnswer:
    return AnalysisAnswer(
        image=ImageAnswer(width=1, height=1, format="png", exif_orientation=1),
        detection=DetectionAnswer(
            engine="none",
            requested="auto",
            reason="A check of batching: nothing is detected.",
            min_confidence=0.5,
            landmarks=(),
            looks=(),
            fallback=None,
        ),
        faces=(),
        unavailable={},
        models={},
        device=device,
        simulated=device.startswith("sim"),
        timings_ms={"total": 0.0},
    )
