"""ONNX Runtime behind the inference port: the only module that knows it."""

import os
import re
from collections.abc import Collection, Iterable
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

# ONNX Runtime 1.32 collects usage data, machine id included, from its import on, unless this is
# set before. Whose photos are analysed where is nobody's business.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # noqa: TID251 - written for the library, not read

# isort: split
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_state

from models.contract import TensorInfo, Tensors
from models.errors import (
    ContractMismatch,
    InferenceFailed,
    ModelsError,
    ProviderUnavailable,
    WeightsCorrupt,
    WeightsMissing,
)
from models.machine import RUNTIMES

CPU_PROVIDER = "CPUExecutionProvider"
CUDA_PROVIDER = "CUDAExecutionProvider"

_DEVICE = re.compile(r"cpu|cuda:(?P<index>\d+)|sim:\d+")
_DTYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(string)": "str",
}
#: The classes differ from one release to the next and share no base of their own; the Python
#: wrapper adds built-in ones.
_RUNTIME_ERRORS: tuple[type[Exception], ...] = (
    *(
        value
        for value in vars(ort_state).values()
        if isinstance(value, type) and issubclass(value, Exception)
    ),
    RuntimeError,
    ValueError,
)
#: Severity of ONNX Runtime's own log: 3 is errors, 4 fatal ones only.
_LOG_ERRORS, _LOG_FATAL = 3, 4


class OnnxSession:
    """A graph loaded by ONNX Runtime; made by `open_session`."""

    def __init__(self, session: ort.InferenceSession) -> None:
        self._session = session
        self._inputs = _tensor_infos(session.get_inputs())
        self._outputs = _tensor_infos(session.get_outputs())
        self._output_names = [info.name for info in self._outputs]

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """The graph's inputs, without constants."""
        return self._inputs

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """The graph's outputs."""
        return self._outputs

    @property
    def provider(self) -> str:
        """The first execution provider of the session."""
        return str(self._session.get_providers()[0])

    def run(self, feeds: Tensors) -> dict[str, NDArray[Any]]:
        """All outputs by name, for inputs by name."""
        try:
            values = self._session.run(self._output_names, dict(feeds))
        except _RUNTIME_ERRORS as error:
            shapes = {name: list(np.shape(value)) for name, value in feeds.items()}
            raise InferenceFailed(
                f"ONNX Runtime refused a run with inputs {shapes}: {error}"
            ) from error
        return dict(zip(self._output_names, values, strict=True))


def open_session(
    graph: Path | bytes,
    *,
    device: str = "cpu",
    threads: int = 1,
    memory_limit_bytes: int | None = None,
) -> OnnxSession:
    """Load a graph on a device.

    Args:
        graph: An ONNX file or its bytes.
        device: "cpu", "cuda:<index>", or "sim:<MB>", a simulated device that computes on the CPU.
        threads: Threads one operator may use.
        memory_limit_bytes: Cap on the session's own GPU memory arena; no effect without CUDA.

    Raises:
        ProviderUnavailable: two runtimes are installed, or CUDA was asked for and not got.
        WeightsMissing: there is no such file.
        WeightsCorrupt: the bytes are no ONNX graph.
        ContractMismatch: this version of ONNX Runtime does not know the graph's operators.
        InferenceFailed: the graph could not be loaded for another reason, such as lack of memory.
    """
    check_one_runtime(_installed_runtimes())
    wanted, providers = _providers(device, memory_limit_bytes)
    # Errors outside a session, such as a missing CUDA library, are told nowhere but in the log.
    ort.set_default_logger_severity(_LOG_ERRORS)
    try:
        session = ort.InferenceSession(
            graph, _options(threads), providers=providers, enable_fallback=0
        )
    except _RUNTIME_ERRORS as error:
        raise _load_error(graph, error) from error
    got = session.get_providers()[0]
    if got != wanted:
        raise ProviderUnavailable(
            f"Asked for {device}, but ONNX Runtime gave {got}. Its log above names the library"
            " that could not be loaded; install facesocial[gpu] or use device cpu."
        )
    return OnnxSession(session)


def check_one_runtime(installed: Collection[str]) -> None:
    """Refuse two installed runtimes: which files of which one are there is chance.

    Raises:
        ProviderUnavailable: more than one is installed; the message says how to mend it.
    """
    if len(installed) > 1:
        names = " and ".join(sorted(installed))
        raise ProviderUnavailable(
            f"{names} are both installed and overwrite each other's files. Uninstall both, then"
            " install facesocial[cpu] or facesocial[gpu]."
        )


@cache
def _installed_runtimes() -> frozenset[str]:
    found = set()
    for name in RUNTIMES:
        try:
            metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        found.add(name)
    return frozenset(found)


def _providers(device: str, memory_limit_bytes: int | None) -> tuple[str, list[Any]]:
    match = _DEVICE.fullmatch(device)
    if match is None:
        raise ValueError(f"'{device}' is no device: cpu, cuda:<index> or sim:<MB>.")
    if match["index"] is None:
        return CPU_PROVIDER, [CPU_PROVIDER]
    if CUDA_PROVIDER not in ort.get_available_providers():
        raise ProviderUnavailable(
            f"Asked for {device}, but the installed ONNX Runtime has no CUDA provider. Install"
            " facesocial[gpu] instead of facesocial[cpu], or use device cpu."
        )
    _preload_cuda()
    options = cuda_options(int(match["index"]), memory_limit_bytes)
    # Shape arithmetic has no CUDA kernels, so the CPU provider must stay as the second.
    return CUDA_PROVIDER, [(CUDA_PROVIDER, options), CPU_PROVIDER]


def cuda_options(index: int, memory_limit_bytes: int | None) -> dict[str, str]:
    """Options of the CUDA provider that keep its memory small and predictable.

    Args:
        index: CUDA device number.
        memory_limit_bytes: Cap on the arena; none when not given.
    """
    options = {
        "device_id": str(index),
        # The default trial of all algorithms needs their largest workspace at once.
        "cudnn_conv_algo_search": "HEURISTIC",
        "cudnn_conv_use_max_workspace": "0",
        # The default doubles the arena at each step and overshoots what the ledger granted.
        "arena_extend_strategy": "kSameAsRequested",
    }
    if memory_limit_bytes is not None:
        options["gpu_mem_limit"] = str(memory_limit_bytes)
    return options


@cache
def _preload_cuda() -> None:
    """Load the CUDA libraries of the nvidia wheels once; success shows in the provider got."""
    ort.preload_dlls(directory="")


def _options(threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    # Whatever a session logs as an error is in the exception it raises.
    options.log_severity_level = _LOG_FATAL
    # Threads waiting for work would otherwise burn the cores that other processes need.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _load_error(graph: Path | bytes, error: Exception) -> ModelsError:
    where = graph.name if isinstance(graph, Path) else f"A graph of {len(graph)} bytes"
    if isinstance(error, ort_state.NoSuchFile):
        return WeightsMissing(f"{graph!s} does not exist. Run `facesocial models pull`.")
    if isinstance(error, (ort_state.InvalidProtobuf, ort_state.InvalidArgument)):
        return WeightsCorrupt(f"{where} is no ONNX graph: {error}")
    if isinstance(error, (ort_state.InvalidGraph, ort_state.NotImplemented)):
        return ContractMismatch(f"{where} can't be run by ONNX Runtime {ort.__version__}: {error}")
    return InferenceFailed(f"{where} could not be loaded: {error}")


def _tensor_infos(nodes: Iterable[ort.NodeArg]) -> tuple[TensorInfo, ...]:
    return tuple(
        TensorInfo(name=node.name, dtype=_dtype(node.type), dims=tuple(node.shape))
        for node in nodes
    )


def _dtype(onnx_type: str) -> str:
    return _DTYPES.get(onnx_type, onnx_type.removeprefix("tensor(").removesuffix(")"))
