"""Proof, at the start, that a device's kernels are really run: a small network, profiled.

That ONNX Runtime lists a provider, or that a session names it first, proves nothing: a graph's
nodes may still all have been given to the CPU. The profile tells for each kernel which provider
ran it, and the answer is compared with the CPU's.
"""

import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from models.errors import ContractMismatch, ProviderUnavailable
from models.providers import CPU_PROVIDER, CUDA_PROVIDER, TENSORRT_PROVIDER, TensorRt, cuda_index
from models.session import OnnxSession, open_session

#: Kernels that are a network's work; others, such as shape arithmetic, may run anywhere.
_WORK = ("Conv", "Gemm", "MatMul")
_PROVIDERS = {"cpu": (CPU_PROVIDER,), "cuda": (CUDA_PROVIDER, TENSORRT_PROVIDER)}
#: Largest difference from the CPU's answer: float32 sums in another order. The answers are about 1.
_TOLERANCE = 1e-3
#: Opset and file format old enough for every runtime we support.
_OPSET, _IR_VERSION = 17, 8


class Opens(Protocol):
    """As `models.session.open_session`, as far as it is used here."""

    def __call__(
        self,
        graph: bytes,
        *,
        device: str,
        tensorrt: TensorRt | None = None,
        profile: Path | None = None,
    ) -> OnnxSession:
        """A session on the device."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """What was proven of a device."""

    device: str
    #: The provider that ran the work.
    provider: str
    #: Operator → provider that ran its kernel, as the profile says.
    kernels: Mapping[str, str]
    #: Why it is not the provider that was asked for first, such as TensorRT; None: it is.
    fallback_reason: str | None
    #: Largest difference of the answer from the CPU's.
    largest_difference: float
    #: From opening to the answer; on CUDA mostly making the context and loading its libraries.
    seconds: float
    #: What the proof rests on.
    how: str = "profile of a run of Conv, Relu, GlobalAveragePool and Gemm, compared with the CPU"


def prove(device: str, *, tensorrt: TensorRt | None = None, opens: Opens = open_session) -> Proof:
    """Run a small network on a device and prove where its kernels ran.

    On CUDA this makes the process's context, so what the device has taken afterwards, and had not
    before, is the context's.

    Args:
        device: "cpu", "cuda:<index>" or "sim:<MB>", which computes on the CPU and is proven so.
        tensorrt: Try TensorRT first.
        opens: Opens sessions; ONNX Runtime's when not given.

    Raises:
        ProviderUnavailable: kernels ran elsewhere, whatever the session says of itself.
        ContractMismatch: the device answers otherwise than the CPU.
        ModelsError: see `models.session.open_session`.
    """
    graph = _network()
    images = np.random.default_rng(0).random((2, 3, 32, 32), np.float32)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        session = opens(graph, device=device, tensorrt=tensorrt, profile=Path(folder) / "proof")
        answer = session.run({"x": images})["y"]
        seconds = time.perf_counter() - start
        kernels = kernels_of(session.end_profile())
    _check_kernels(device, session.provider, kernels)
    expected = open_session(graph).run({"x": images})["y"]
    difference = float(np.abs(answer - expected).max())
    if not difference <= _TOLERANCE:
        raise ContractMismatch(
            f"{device} computes wrongly: it differs from the CPU by {difference:.3g} on values of"
            " about 1. Check driver and runtime, or use device cpu."
        )
    return Proof(
        device=device,
        provider=session.provider,
        kernels=kernels,
        fallback_reason=session.fallback_reason,
        largest_difference=difference,
        seconds=seconds,
    )


def kernels_of(profile: Path) -> dict[str, str]:
    """Operator → provider, from a profile of ONNX Runtime.

    An operator that several providers ran is there once, with the CPU if that was among them.
    """
    found: dict[str, str] = {}
    for event in json.loads(profile.read_text(encoding="utf-8")):
        if event.get("cat") != "Node" or not event["name"].endswith("_kernel_time"):
            continue
        operator, provider = str(event["args"]["op_name"]), str(event["args"]["provider"])
        if found.get(operator) != CPU_PROVIDER:
            found[operator] = provider
    return found


def work_elsewhere(device: str, kernels: Mapping[str, str]) -> dict[str, str]:
    """Operators that are a network's work and were not run by the device, with who ran them.

    Args:
        device: Where they belong.
        kernels: Operator → provider, see `kernels_of`.
    """
    allowed = _allowed(device)
    return {
        operator: provider
        for operator, provider in kernels.items()
        if any(name in operator for name in _WORK) and provider not in allowed
    }


def _allowed(device: str) -> tuple[str, ...]:
    return _PROVIDERS["cpu" if cuda_index(device) is None else "cuda"]


def _check_kernels(device: str, claimed: str, kernels: Mapping[str, str]) -> None:
    allowed = _allowed(device)
    if work_elsewhere(device, kernels) or not set(kernels.values()).intersection(allowed):
        where = ", ".join(f"{name} on {by}" for name, by in sorted(kernels.items())) or "nowhere"
        raise ProviderUnavailable(
            f"Asked for {device}, and ONNX Runtime claims {claimed}, but its profile shows the"
            f" kernels elsewhere: {where}. Install facesocial[gpu], check the driver with"
            " `nvidia-smi`, or use device cpu."
        )


def _network() -> bytes:
    rng = np.random.default_rng(1)
    constants = {
        "w1": rng.normal(0, 0.2, (8, 3, 3, 3)),
        "w2": rng.normal(0, 0.2, (16, 8, 3, 3)),
        "w3": rng.normal(0, 0.5, (16, 4)),
    }
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w1"], ["c1"], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["c1"], ["r1"]),
            helper.make_node("Conv", ["r1", "w2"], ["c2"], strides=[2, 2]),
            helper.make_node("GlobalAveragePool", ["c2"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["flat"]),
            helper.make_node("Gemm", ["flat", "w3"], ["y"]),
        ],
        "proof",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("batch", 3, 32, 32))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ("batch", 4))],
        initializer=[
            numpy_helper.from_array(value.astype(np.float32), name)
            for name, value in constants.items()
        ],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION
    )
    return bytes(model.SerializeToString())
