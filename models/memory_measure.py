"""Measuring what a model takes: its graph in a process of its own, the arena's log read."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import onnx
from onnx import numpy_helper

from models.errors import InferenceFailed
from models.memory import MeasuredGraph
from models.run_sizes import input_bytes, is_run_in_buckets, run_sizes
from models.spec import ModelSpec, PinnedSpec
from models.weights.store import WeightStore

#: How ONNX Runtime (bfc_arena.cc) tells what the arena holds after each growth, bytes.
_TOTAL = re.compile(r"Total allocated bytes: (\d+)")
#: How it tells that it is there at all: without, the log has another form than we read.
_CREATED = "Creating BFCArena for Cpu"
#: A large graph on a slow machine; every bucket of it is run twice.
_TIMEOUT_SECONDS = 300
_CONVOLUTIONS = frozenset({"Conv", "ConvTranspose", "FusedConv"})

#: From graph, id and batch size to what a run wrote to stderr.
Runner = Callable[[Path, str, int], str]


def measure(store: WeightStore, spec: PinnedSpec, *, run: Runner | None = None) -> MeasuredGraph:
    """Measure one graph at each of its batch sizes.

    Args:
        store: Where its weights are; parts are models of their own here.
        spec: The model; not a TFLite one, which never takes device memory.
        run: Runs the graph; a child process when not given.

    Raises:
        InferenceFailed: the child failed, or its log has another form than is known.
        ModelsError: see WeightStore.prepared.
    """
    graph = store.prepared(spec)
    weights, convolutions = _constants(graph)
    buckets = spec.batch_buckets if is_run_in_buckets(spec) else (1,)
    runner = run_in_child if run is None else run
    return MeasuredGraph(
        sha256=spec.file.sha256,
        weights_bytes=weights,
        convolutions=convolutions,
        run_bytes={
            bucket: arena_bytes(runner(graph, spec.id, bucket)) + _largest_input(spec, bucket)
            for bucket in sorted(buckets)
        },
    )


def run_in_child(graph: Path, model: str, bucket: int) -> str:
    """What a process wrote to stderr that ran the graph at the batch size and below.

    Raises:
        InferenceFailed: it failed or did not end.
    """
    try:
        done = subprocess.run(  # noqa: S603 - our own module, with arguments of our own
            [sys.executable, "-m", "models.arena_child", str(graph), model, str(bucket)],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InferenceFailed(
            f"{model} at batch {bucket}: no end after {error.timeout} s"
        ) from None
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise InferenceFailed(f"{model} could not be run at batch {bucket}: {last[0]}")
    return done.stderr


def arena_bytes(log: str) -> int:
    """What the arena held at most, by its log.

    Raises:
        InferenceFailed: the log has no line about the arena.
    """
    if _CREATED not in log:
        raise InferenceFailed("ONNX Runtime's log says nothing of the arena: its form has changed.")
    return max((int(total) for total in _TOTAL.findall(log)), default=0)


def _largest_input(spec: ModelSpec, bucket: int) -> int:
    """Bytes of a run's inputs: CUDA's arena holds a copy of them, a CPU's does not."""
    buckets = [size for size in spec.batch_buckets if size <= bucket]
    return max(input_bytes(spec, sizes) for sizes in run_sizes(spec, buckets))


def _constants(graph: Path) -> tuple[int, bool]:
    """Bytes of a graph's constants, and whether it has convolutions."""
    content = onnx.load(graph).graph
    weights = sum(numpy_helper.to_array(tensor).nbytes for tensor in content.initializer)
    for node in content.node:
        if node.op_type == "Constant":
            weights += sum(
                numpy_helper.to_array(value.t).nbytes
                for value in node.attribute
                if value.name == "value"
            )
    return weights, any(node.op_type in _CONVOLUTIONS for node in content.node)
