"""How much device memory a model will take, before it is loaded: `memory.toml`, else an estimate.

The table holds what `facesocial models measure` found on a CPU arena, which is the code CUDA's
arena is too, under the options of a CUDA session: weights, inputs, and the arena after every run
size was run twice, largest first. It leaves out what only CUDA takes: cuDNN's workspace is added
for a card, and the context is the process's. What a card really took replaces the figure after
the load.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal

from pydantic import Field

from models.catalogue import Catalogue
from models.run_sizes import input_bytes, is_run_in_buckets, run_sizes
from models.spec import Entry, ModelSpec, PinnedFile, Sha256

#: measured_cpu_arena: this file was measured · estimated: from the sizes its entry tells, see
#: `_estimate` · cpu_only: it never runs on a device, so it takes nothing of one.
Basis = Literal["measured_cpu_arena", "estimated", "cpu_only"]

MIB = 2**20
#: Most a convolution may take as workspace under `cudnn_conv_use_max_workspace=0` (ONNX Runtime,
#: CUDA execution provider). Convolutions of a session run one after another and share it.
CUDNN_WORKSPACE_MIB = 32
#: By how much a card may exceed the figure of a CPU arena before a session's arena is capped.
LIMIT_FACTOR, LIMIT_EXTRA_MIB = 1.5, 64

#: Float32 weights of entries that tell no file size: published parameters of 4 bytes, MiB.
_WEIGHTS_MIB: Mapping[str, int] = {
    "adaface_ir101": 249,
    "facenet_vggface2": 107,
    "w600k_mbf": 13,
    "yolov5s_face": 27,
    "yolov5n_face": 7,
}
#: Weights where even the parameters are unknown: a ResNet-100's.
_WEIGHTS_UNKNOWN_MIB = 249
#: Memory of a run as a multiple of its input: more than any measured network needs, which is 65
#: (SFace) and 18 (CLIP). What takes larger images shrinks them in its first layers.
_RUN_PER_INPUT, _RUN_PER_LARGE_INPUT = 72, 24
#: Longer side above which an input counts as large, pixels.
_LARGE_SIDE = 160


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """What a model is expected to take of a device, its parts included."""

    #: Sum of the following, MiB.
    mib: int
    #: The weakest of its graphs' bases.
    basis: Basis
    weights_mib: float
    #: Inputs and arena at the batch size asked for.
    run_mib: float
    #: cuDNN's, on CUDA.
    workspace_mib: int = 0


class MeasuredGraph(Entry):
    """One graph of the table."""

    #: Of the published file that was measured: another file under the same id is another model.
    sha256: Sha256
    weights_bytes: int = Field(ge=0)
    #: Batch size → inputs and arena, once every size up to it was run; bytes.
    run_bytes: dict[int, int] = Field(min_length=1)
    #: Whether cuDNN will want a workspace.
    convolutions: bool


class MemoryTable(Entry):
    """`memory.toml`."""

    #: What measured: "onnxruntime 1.32.0", and when, ISO 8601.
    runtime: str
    measured_at: str
    models: dict[str, MeasuredGraph]


@cache
def load_memory_table() -> MemoryTable:
    """The table that ships with this version."""
    text = resources.files("models").joinpath("memory.toml").read_text(encoding="utf-8")
    return MemoryTable.model_validate(tomllib.loads(text))


def expected_mib(
    spec: ModelSpec,
    bucket: int = 1,
    *,
    catalogue: Catalogue,
    cuda: bool = False,
    table: MemoryTable | None = None,
) -> Expected:
    """What a model will take at a batch size, and on what ground that is said.

    Args:
        spec: The model.
        bucket: Largest batch size it is to run.
        catalogue: Where its parts are.
        cuda: Add what only CUDA takes; a simulated device has none of it.
        table: The shipped one when not given.
    """
    if Path(spec.file.name).suffix == ".tflite":
        return Expected(mib=0, basis="cpu_only", weights_mib=0.0, run_mib=0.0)
    known = load_memory_table() if table is None else table
    graphs = [_graph(one, bucket, known) for one in catalogue.with_parts(spec)]
    weights = sum(graph.weights_mib for graph in graphs)
    run = sum(graph.run_mib for graph in graphs)
    workspace = sum(graph.workspace_mib for graph in graphs) if cuda else 0
    measured = all(graph.basis == "measured_cpu_arena" for graph in graphs)
    return Expected(
        mib=math.ceil(weights + run) + workspace,
        basis="measured_cpu_arena" if measured else "estimated",
        weights_mib=round(weights, 1),
        run_mib=round(run, 1),
        workspace_mib=workspace,
    )


def arena_limit_bytes(expected: Expected) -> int:
    """Where to cap a session's arena: far above what is expected, so that only run-aways hit it.

    A cap at the expected size itself would turn each small error of the table into an
    out-of-memory, while the ledger corrects it after the load.
    """
    return round((expected.mib * LIMIT_FACTOR + LIMIT_EXTRA_MIB) * MIB)


def _graph(spec: ModelSpec, bucket: int, table: MemoryTable) -> Expected:
    found = table.models.get(spec.id)
    pinned = isinstance(spec.file, PinnedFile) and found and found.sha256 == spec.file.sha256
    if found is None or not pinned:
        return _estimate(spec, bucket)
    measured = [size for size in sorted(found.run_bytes) if size >= bucket]
    if not measured and is_run_in_buckets(spec):
        return _estimate(spec, bucket)
    run = found.run_bytes[measured[0] if measured else max(found.run_bytes)]
    return Expected(
        mib=0,
        basis="measured_cpu_arena",
        weights_mib=found.weights_bytes / MIB,
        run_mib=run / MIB,
        workspace_mib=CUDNN_WORKSPACE_MIB if found.convolutions else 0,
    )


def _estimate(spec: ModelSpec, bucket: int) -> Expected:
    """From file size and input size; on the safe side, since it is corrected after the load."""
    size_bytes = (
        spec.file.size_bytes if isinstance(spec.file, PinnedFile) else spec.file.size_hint_bytes
    )
    weights = (
        _WEIGHTS_MIB.get(spec.id, _WEIGHTS_UNKNOWN_MIB)
        if size_bytes is None
        # What is published in 8 bits and turned into float32 here is four times as large.
        else size_bytes / MIB * (4 if spec.prepare.fold_dequantize else 1)
    )
    inputs = [input_bytes(spec, sizes) / MIB for sizes in run_sizes(spec, (bucket,))]
    sides = [dim for tensor in spec.inputs.values() for dim in tensor.dims[1:]]
    is_large = any(isinstance(side, str) or side > _LARGE_SIDE for side in sides)
    return Expected(
        mib=0,
        basis="estimated",
        weights_mib=weights,
        run_mib=max(inputs) * (_RUN_PER_LARGE_INPUT if is_large else _RUN_PER_INPUT),
        workspace_mib=CUDNN_WORKSPACE_MIB,
    )
