"""The step that takes all of a device's memory away and looks how the worker gets along."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from benchmarks.gpu_check.bench import Bench, Worker, images
from benchmarks.gpu_check.others import other_process
from benchmarks.gpu_check.report import Check
from models.contract import InferenceSession, Tensors
from models.errors import InferenceFailed
from models.providers import cuda_index
from models.spec import ModelSpec
from models.warm_up import warm_buckets

#: The model that runs out: a batch of several times its largest one needs far more than it has.
MODEL, TIMES = "sface", 8
#: Largest difference of an answer from the one before, relative to the largest value.
TOLERANCE = 1e-3


def out_of_memory(bench: Bench) -> Check:
    """Fill the device, run far too large a batch, and look at texts, steps and answers."""
    spec = bench.inventory.catalogue.models[MODEL]
    feeds = images(spec, max(spec.batch_buckets) * TIMES)
    text, survived = _bare(bench, spec, feeds)
    # Readings would see the filled device and have everything leave; here the ladder is looked at.
    with bench.worker(vram_observe_seconds=86_400.0) as worker:
        expected = _in_pieces(worker, spec, feeds)
        with _filled(bench, worker):
            started = time.perf_counter()
            found, where = _run(worker, feeds)
            climbed_ms = (time.perf_counter() - started) * 1000
        steps = [note.step for note in worker.device.residency.take_notes()]
        again, where_after = _run(worker, images(spec, 1))
        counted = worker.state.counters.get("out_of_memory", 0)
    difference = float(np.abs(found - expected).max() / np.abs(expected).max())
    return Check(
        step="out_of_memory",
        title="With all memory taken, a batch that is too large is answered, and visibly so.",
        figures={
            "runtime_s_text": text,
            "bare_session_survived": survived,
            "steps": ", ".join(steps),
            "served_on": where,
            "served_on_afterwards": where_after,
            "climb_ms": climbed_ms,
            "out_of_memory_counted": counted,
            "largest_difference": float(f"{difference:.2g}"),
        },
        limit=(
            f"out of memory recognised; at least one step told; answers within {TOLERANCE} of"
            " those before; the next run works"
        ),
        passed=bool(
            text and steps and counted and difference <= TOLERANCE and np.isfinite(again).all()
        ),
    )


def _bare(bench: Bench, spec: ModelSpec, feeds: Tensors) -> tuple[str, str]:
    """The runtime's own text for real exhaustion, and whether the session can be used after it."""
    # Without a cap on its arena: the card itself is to refuse.
    with bench.opened(spec, capped=False) as session:
        warm_buckets(session, spec)
        with _filled(bench, None):
            text = _failure(session, feeds)
        survived = "no" if _failure(session, images(spec, 1)) else "yes"
    return text, survived


def _failure(session: InferenceSession, feeds: Tensors) -> str:
    try:
        session.run(feeds)
    except InferenceFailed as error:
        return f"{type(error).__name__}: {str(error)[-300:]}"
    return ""


def _in_pieces(worker: Worker, spec: ModelSpec, feeds: Tensors) -> "np.ndarray":
    """The answer in batches of the usual size, with memory there."""
    size = max(spec.batch_buckets)
    ((name, value),) = feeds.items()
    pieces = [_run(worker, {name: value[at : at + size]}) for at in range(0, len(value), size)]
    return np.concatenate([answer for answer, _ in pieces])


def _run(worker: Worker, feeds: Tensors) -> tuple["np.ndarray", str]:
    with worker.device.residency.use([MODEL]) as (model,):
        answers = model.network.session.run(feeds)
        return np.asarray(next(iter(answers.values()))), model.device


@contextmanager
def _filled(bench: Bench, worker: Worker | None) -> Iterator[None]:
    """Take all memory that is left, for the time of the block."""
    card = bench.card if worker is None else worker.hardware.card
    if card is not None:
        before_mib, card.foreign_mib = card.foreign_mib, card.total_mib - card.models_mib
        try:
            yield
        finally:
            card.foreign_mib = before_mib
        return
    with other_process("filler", str(cuda_index(bench.device) or 0)):
        yield
