"""Options of ONNX Runtime's execution providers, and what a device's name stands for.

Sources: the CUDA and TensorRT pages under onnxruntime.ai/docs/execution-providers, and
`onnxruntime_session_options_config_keys.h`.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.errors import ProviderUnavailable

CPU_PROVIDER = "CPUExecutionProvider"
CUDA_PROVIDER = "CUDAExecutionProvider"
TENSORRT_PROVIDER = "TensorrtExecutionProvider"

#: A second simulated device of the same size has a number: "sim:700:1".
_DEVICE = re.compile(r"cpu|cuda:(?P<index>\d+)|sim:\d+(?::\d+)?")

#: Entries of the session configuration on a GPU.
#: Weights are allocated beside the arena: shrinking can't return a region that a weight lies in.
GPU_SESSION = {"session.use_device_allocator_for_initializers": "1"}
#: Run option after which wholly free regions of an arena are given back to the device.
SHRINK = "memory.enable_memory_arena_shrinkage"


@dataclass(frozen=True, kw_only=True, slots=True)
class TensorRt:
    """That TensorRT is to be tried before CUDA's own kernels."""

    #: Folder for built engines: building one takes minutes, loading it less than a second.
    cache: Path
    #: Most that an engine's layers may take as scratch memory; ONNX Runtime's default is 1 GiB.
    workspace_bytes: int = 256 * 2**20


def cuda_index(device: str) -> int | None:
    """The CUDA number of a device; None for those that compute on the CPU.

    Args:
        device: "cpu", "cuda:<index>", or "sim:<MB>" with or without a further ":<number>".

    Raises:
        ValueError: it is none of these.
    """
    match = _DEVICE.fullmatch(device)
    if match is None:
        raise ValueError(f"'{device}' is no device: cpu, cuda:<index> or sim:<MB>.")
    return None if match["index"] is None else int(match["index"])


def check_cuda_built(device: str, available: Collection[str]) -> None:
    """Refuse a card where the installed runtime has no kernels for one.

    Raises:
        ProviderUnavailable: it has none; the message says what to install.
    """
    if CUDA_PROVIDER not in available:
        raise ProviderUnavailable(
            f"Asked for {device}, but the installed ONNX Runtime has no CUDA provider. Install"
            " facesocial[gpu] instead of facesocial[cpu], as `make setup RUNTIME=gpu` does, or use"
            " device cpu."
        )


def check_cuda_got(device: str, got: Sequence[str]) -> None:
    """Refuse a session that was to run on a card and does not.

    Args:
        device: What was asked for.
        got: The session's providers, first choice first.

    Raises:
        ProviderUnavailable: CUDA is not among them.
    """
    if CUDA_PROVIDER not in got:
        raise ProviderUnavailable(
            f"Asked for {device}, but ONNX Runtime gave {got[0]}. Its log above names the library"
            " that could not be loaded; install facesocial[gpu] or use device cpu."
        )


def tensorrt_missing(available: Collection[str], got: Sequence[str]) -> str | None:
    """Why a session that was to try TensorRT runs without it; None: it does not.

    Args:
        available: The providers of the installed runtime.
        got: The session's, first choice first.
    """
    if got[0] == TENSORRT_PROVIDER:
        return None
    if TENSORRT_PROVIDER not in available:
        return "the installed ONNX Runtime was built without its TensorRT provider"
    return "its library could not be loaded; ONNX Runtime's log above names it"


def cuda_options(index: int, memory_limit_bytes: int | None) -> dict[str, str]:
    """Options of the CUDA provider that keep its memory small and predictable.

    Args:
        index: CUDA device number.
        memory_limit_bytes: Cap on the session's arena, weights included; none when not given. The
            context and the libraries' own memory come on top.
    """
    options = {
        "device_id": str(index),
        # The default trial of all algorithms needs their largest workspace at once.
        "cudnn_conv_algo_search": "HEURISTIC",
        # Caps a convolution's workspace at 32 MiB.
        "cudnn_conv_use_max_workspace": "0",
        # The default doubles the arena at each step and overshoots what the ledger granted.
        "arena_extend_strategy": "kSameAsRequested",
        # Ten bits of mantissa, the default on Ampere and later, would answer otherwise than a CPU
        # and than the card that thresholds were measured on.
        "use_tf32": "0",
    }
    if memory_limit_bytes is not None:
        options["gpu_mem_limit"] = str(memory_limit_bytes)
    return options


def tensorrt_options(index: int, wanted: TensorRt) -> dict[str, str]:
    """Options of the TensorRT provider: float32 as everywhere, and engines kept on disk.

    Args:
        index: CUDA device number.
        wanted: Where engines are kept, and their scratch memory.
    """
    return {
        "device_id": str(index),
        "trt_max_workspace_size": str(wanted.workspace_bytes),
        "trt_engine_cache_enable": "True",
        "trt_engine_cache_path": str(wanted.cache),
        "trt_timing_cache_enable": "True",
        "trt_timing_cache_path": str(wanted.cache),
        "trt_fp16_enable": "False",
    }
