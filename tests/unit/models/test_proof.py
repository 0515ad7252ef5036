"""Proving where kernels ran."""

import json
from pathlib import Path

import numpy as np
import pytest

from models.errors import ContractMismatch, ProviderUnavailable
from models.proof import kernels_of, prove
from models.providers import TensorRt
from models.session import OnnxSession, open_session


@pytest.mark.parametrize("device", ["cpu", "sim:6144", "sim:700:1"])
def test_what_computes_on_the_cpu_is_proven_to_do_so(device: str) -> None:
    proof = prove(device)

    assert proof.provider == "CPUExecutionProvider"
    assert {"Conv", "Gemm"} <= set(proof.kernels)
    assert set(proof.kernels.values()) == {"CPUExecutionProvider"}
    assert proof.largest_difference == 0
    assert proof.fallback_reason is None
    assert proof.seconds > 0


class OnTheCpuInstead:
    """Opens on the CPU whatever is asked for, and claims to have what was asked for."""

    def __init__(self, claim: str | None = None) -> None:
        self.claim = claim

    def __call__(
        self,
        graph: bytes,
        *,
        device: str,
        tensorrt: TensorRt | None = None,
        profile: Path | None = None,
    ) -> OnnxSession:
        assert device == "cuda:0"
        assert tensorrt is None
        session = open_session(graph, profile=profile)
        session._provider = self.claim or session.provider
        return session


@pytest.mark.parametrize("claim", [None, "CUDAExecutionProvider"])
def test_kernels_on_the_cpu_are_noticed_whatever_the_session_claims(claim: str | None) -> None:
    with pytest.raises(ProviderUnavailable, match=r"Asked for cuda:0.*Conv on CPUExecution"):
        prove("cuda:0", opens=OnTheCpuInstead(claim))


class Wrong(OnnxSession):
    """Computes something else."""

    def run(self, feeds: object) -> dict[str, np.ndarray]:
        answers = super().run(feeds)  # type: ignore[arg-type]  # as it came
        return {name: value + 1 for name, value in answers.items()}


def _wrong(
    graph: bytes, *, device: str, tensorrt: TensorRt | None = None, profile: Path | None = None
) -> OnnxSession:
    session = open_session(graph, device=device, tensorrt=tensorrt, profile=profile)
    return Wrong(session._open(), index=None, fallback_reason=None)


def test_a_device_that_computes_wrongly_is_refused() -> None:
    with pytest.raises(ContractMismatch, match="computes wrongly"):
        prove("cpu", opens=_wrong)


def test_an_answer_that_is_no_number_is_wrong_too() -> None:
    class NotANumber(Wrong):
        def run(self, feeds: object) -> dict[str, np.ndarray]:
            return {name: value * np.nan for name, value in super().run(feeds).items()}

    def opens(
        graph: bytes, *, device: str, tensorrt: TensorRt | None = None, profile: Path | None = None
    ) -> OnnxSession:
        session = open_session(graph, device=device, tensorrt=tensorrt, profile=profile)
        return NotANumber(session._open(), index=None, fallback_reason=None)

    with pytest.raises(ContractMismatch):
        prove("cpu", opens=opens)


def test_a_profile_is_read_kernel_by_kernel(tmp_path: Path) -> None:
    def event(operator: str, provider: str, name: str = "kernel_time") -> dict[str, object]:
        return {
            "cat": "Node",
            "name": f"node_{name}",
            "args": {"op_name": operator, "provider": provider},
        }

    events = [
        {"cat": "Session", "name": "model_loading_array", "args": {}},
        event("Conv", "CUDAExecutionProvider"),
        event("Conv", "CPUExecutionProvider"),
        event("Conv", "CUDAExecutionProvider"),
        event("Gemm", "CUDAExecutionProvider"),
        event("Gather", "CPUExecutionProvider", name="fence_before"),
    ]
    profile = tmp_path / "profile.json"
    profile.write_text(json.dumps(events))

    assert kernels_of(profile) == {"Conv": "CPUExecutionProvider", "Gemm": "CUDAExecutionProvider"}
