"""ONNX Runtime behind the inference port: the only module that knows it."""

import os
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

# ONNX Runtime 1.32 collects usage data, machine id included, from its import on, unless this is
# set before. Whose photos are analysed where is nobody's business.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # noqa: TID251 - written for the library, not read

# isort: split
import numpy as np
import onnxruntime as ort
import structlog
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
from models.faults import fault_of, remedy_of
from models.providers import (
    CPU_PROVIDER,
    CUDA_PROVIDER,
    GPU_SESSION,
    SHRINK,
    TENSORRT_PROVIDER,
    TensorRt,
    check_cuda_built,
    check_cuda_got,
    cuda_index,
    cuda_options,
    tensorrt_missing,
    tensorrt_options,
)
from models.runtimes import check_installed

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
    MemoryError,
)
#: Severity of ONNX Runtime's own log: 1 tells how arenas grow, 3 is errors, 4 fatal ones only.
_LOG_ARENA, _LOG_ERRORS, _LOG_FATAL = 1, 3, 4

_log = structlog.get_logger()

# Errors outside a session, such as a missing CUDA library, are told nowhere but in its log.
ort.set_default_logger_severity(_LOG_ERRORS)


class OnnxSession:
    """A graph loaded by ONNX Runtime; made by `open_session`."""

    def __init__(
        self, session: ort.InferenceSession, *, index: int | None, fallback_reason: str | None
    ) -> None:
        self._session: ort.InferenceSession | None = session
        self._inputs = _tensor_infos(session.get_inputs())
        self._outputs = _tensor_infos(session.get_outputs())
        self._output_names = [info.name for info in self._outputs]
        self._shrink = ort.RunOptions()
        self._shrink.add_run_config_entry(SHRINK, "cpu:0" if index is None else f"gpu:{index}")
        self._provider = str(session.get_providers()[0])
        #: Why it is not on the provider that was asked for first; None: it is.
        self.fallback_reason = fallback_reason

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
        return self._provider

    def run(self, feeds: Tensors) -> dict[str, NDArray[Any]]:
        """All outputs by name, for inputs by name."""
        return self._run(feeds, None)

    def run_and_shrink(self, feeds: Tensors) -> dict[str, NDArray[Any]]:
        """Like `run`; afterwards the arena has given wholly free regions back to the device."""
        return self._run(feeds, self._shrink)

    def close(self) -> None:
        """Give the memory back, whoever still holds this object. It can't be run any more."""
        self._session = None

    def end_profile(self) -> Path:
        """Write the profile of a session that was opened with `profile`; where it lies."""
        return Path(self._open().end_profiling())

    def _open(self) -> ort.InferenceSession:
        if self._session is None:
            raise InferenceFailed("The session is closed: its model was unloaded.")
        return self._session

    def _run(self, feeds: Tensors, options: ort.RunOptions | None) -> dict[str, NDArray[Any]]:
        session = self._open()
        try:
            values = session.run(self._output_names, dict(feeds), options)
        except _RUNTIME_ERRORS as error:
            shapes = {name: list(np.shape(value)) for name, value in feeds.items()}
            kind = fault_of(error) or InferenceFailed
            raise kind(f"ONNX Runtime refused a run with inputs {shapes}: {error}") from error
        return dict(zip(self._output_names, values, strict=True))


def open_session(  # noqa: PLR0913 - one option each; all but the graph have defaults
    graph: Path | bytes,
    *,
    device: str = "cpu",
    threads: int = 1,
    memory_limit_bytes: int | None = None,
    tensorrt: TensorRt | None = None,
    profile: Path | None = None,
    shared_arena: bool = False,
    cuda_changes: Mapping[str, str] | None = None,
) -> OnnxSession:
    """Load a graph on a device.

    Args:
        graph: An ONNX file or its bytes.
        device: "cpu", "cuda:<index>", or "sim:<MB>", a simulated device that computes on the CPU.
        threads: Threads one operator may use.
        memory_limit_bytes: Cap on the session's own GPU memory arena; no effect without CUDA.
        tensorrt: Try TensorRT first; no effect without CUDA. Where it can't be had, the session
            runs on CUDA's own kernels, and `OnnxSession.fallback_reason` and the log say why.
        profile: Record what ran where; the start of the profile's path.
        shared_arena: On the CPU, take memory as on CUDA, from the arena of `share_cpu_arena`.
        cuda_changes: Options of the CUDA provider that are to differ from ours, to measure them.

    Raises:
        ProviderUnavailable: two runtimes are installed, or CUDA was asked for and not got.
        WeightsMissing: there is no such file.
        WeightsCorrupt: the bytes are no ONNX graph.
        ContractMismatch: this version of ONNX Runtime does not know the graph's operators.
        OutOfMemory: the device has no room for it.
        DeviceFault: the device needs a new process.
        InferenceFailed: the graph could not be loaded for another reason.
    """
    check_installed()
    index = cuda_index(device)
    options = _options(threads, on_gpu=index is not None, shared_arena=shared_arena)
    if profile is not None:
        options.enable_profiling = True
        options.profile_file_prefix = str(profile)
    if index is None:
        session = _create(graph, options, [CPU_PROVIDER])
        return OnnxSession(session, index=None, fallback_reason=None)
    card = {**cuda_options(index, memory_limit_bytes), **(cuda_changes or {})}
    session = _create(graph, options, _card_providers(device, index, card, tensorrt))
    got = session.get_providers()
    check_cuda_got(device, got)
    missing = tensorrt and tensorrt_missing(ort.get_available_providers(), got)
    if missing:
        _log.warning("session.tensorrt_unavailable", device=device, reason=missing, provider=got[0])
    return OnnxSession(session, index=index, fallback_reason=missing or None)


def share_cpu_arena(*, limit_bytes: int = 0, tell: bool = False) -> None:
    """Make the arena for sessions with `shared_arena`: once in a process, before the first of them.

    It grows by what is asked for, as the arena of a CUDA session does here.

    Args:
        limit_bytes: Most it may hold; 0: no limit.
        tell: Log every growth to stderr; see models.memory_measure.
    """
    if tell:
        ort.set_default_logger_severity(_LOG_ARENA)
    where = ort.OrtMemoryInfo(
        "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
    )
    # Arguments: limit, 1 for kSameAsRequested, first chunk and dead bytes as the library likes.
    ort.create_and_register_allocator(where, ort.OrtArenaCfg(limit_bytes, 1, -1, -1))


def _card_providers(
    device: str, index: int, options: Mapping[str, str], tensorrt: TensorRt | None
) -> list[Any]:
    available = ort.get_available_providers()
    check_cuda_built(device, available)
    _preload_cuda()
    # Shape arithmetic has no CUDA kernels, so the CPU provider must stay as the last.
    providers = [(CUDA_PROVIDER, dict(options)), CPU_PROVIDER]
    if tensorrt is None or TENSORRT_PROVIDER not in available:
        return providers
    tensorrt.cache.mkdir(parents=True, exist_ok=True)
    return [(TENSORRT_PROVIDER, tensorrt_options(index, tensorrt)), *providers]


def _create(
    graph: Path | bytes, options: ort.SessionOptions, providers: list[Any]
) -> ort.InferenceSession:
    try:
        return ort.InferenceSession(graph, options, providers=providers, enable_fallback=0)
    except _RUNTIME_ERRORS as error:
        raise _load_error(graph, error) from error


@cache
def _preload_cuda() -> None:
    """Load the CUDA libraries of the nvidia wheels once; success shows in the provider got."""
    ort.preload_dlls(directory="")


def _options(threads: int, *, on_gpu: bool, shared_arena: bool) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    # Whatever a session logs as an error is in the exception it raises.
    options.log_severity_level = _LOG_FATAL
    # Threads waiting for work would otherwise burn the cores that other processes need.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if on_gpu or shared_arena:
        # A planned block is asked for on the second run, while the first run's pieces stay.
        options.enable_mem_pattern = False
        for name, value in GPU_SESSION.items():
            options.add_session_config_entry(name, value)
    if shared_arena:
        # As a CUDA session has them: no copies of weights or tensors in the CPU's own layouts.
        options.add_session_config_entry("session.use_env_allocators", "1")
        options.add_session_config_entry("session.disable_prepacking", "1")
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    return options


def _load_error(graph: Path | bytes, error: Exception) -> ModelsError:
    where = graph.name if isinstance(graph, Path) else f"A graph of {len(graph)} bytes"
    if isinstance(error, ort_state.NoSuchFile):
        return WeightsMissing(f"{graph!s} does not exist. Run `facesocial models pull`.")
    kind = fault_of(error)
    if kind is ProviderUnavailable:
        # Whatever the graph is: the device is the matter.
        return ProviderUnavailable(f"{remedy_of(error)} ONNX Runtime says: {error}")
    if kind is not None:
        return kind(f"{where} could not be loaded: {error}")
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
