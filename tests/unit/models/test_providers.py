"""Devices' names, provider options, and what is said of providers that were not got."""

from pathlib import Path

import pytest

from models.errors import ProviderUnavailable
from models.providers import (
    CPU_PROVIDER,
    CUDA_PROVIDER,
    TENSORRT_PROVIDER,
    TensorRt,
    check_cuda_built,
    check_cuda_got,
    cuda_index,
    tensorrt_missing,
    tensorrt_options,
)
from models.session import open_session
from models.testing import tiny_onnx


@pytest.mark.parametrize(
    ("device", "index"),
    [("cpu", None), ("cuda:0", 0), ("cuda:12", 12), ("sim:6144", None), ("sim:700:1", None)],
)
def test_only_cards_have_an_index(device: str, index: int | None) -> None:
    assert cuda_index(device) == index


@pytest.mark.parametrize("device", ["", "cuda", "cuda:x", "sim:", "sim:1:", "sim:1:2:3", "cpu:0"])
def test_a_name_of_another_form_is_a_wrong_argument(device: str) -> None:
    with pytest.raises(ValueError, match="is no device"):
        cuda_index(device)


def test_a_runtime_without_cuda_says_what_to_install() -> None:
    with pytest.raises(ProviderUnavailable, match=r"facesocial\[gpu\]"):
        check_cuda_built("cuda:0", ["AzureExecutionProvider", CPU_PROVIDER])
    check_cuda_built("cuda:0", [CUDA_PROVIDER, CPU_PROVIDER])


def test_a_session_that_fell_back_to_the_cpu_is_refused() -> None:
    with pytest.raises(ProviderUnavailable, match=f"gave {CPU_PROVIDER}"):
        check_cuda_got("cuda:0", [CPU_PROVIDER])
    check_cuda_got("cuda:0", [TENSORRT_PROVIDER, CUDA_PROVIDER, CPU_PROVIDER])


@pytest.mark.parametrize(
    ("available", "got", "told"),
    [
        ([TENSORRT_PROVIDER, CUDA_PROVIDER], [TENSORRT_PROVIDER, CUDA_PROVIDER], None),
        ([TENSORRT_PROVIDER, CUDA_PROVIDER], [CUDA_PROVIDER], "could not be loaded"),
        ([CUDA_PROVIDER], [CUDA_PROVIDER], "built without"),
    ],
)
def test_it_is_told_why_tensorrt_was_not_got(
    available: list[str], got: list[str], told: str | None
) -> None:
    found = tensorrt_missing(available, got)

    assert (found is None) if told is None else (found is not None and told in found)


def test_tensorrt_computes_in_float32_and_keeps_its_engines(tmp_path: Path) -> None:
    options = tensorrt_options(1, TensorRt(cache=tmp_path, workspace_bytes=1024))

    assert options["device_id"] == "1"
    assert options["trt_fp16_enable"] == "False"
    assert options["trt_engine_cache_enable"] == "True"
    assert options["trt_engine_cache_path"] == str(tmp_path)
    assert options["trt_max_workspace_size"] == "1024"


@pytest.mark.parametrize("device", ["cpu", "sim:700"])
def test_tensorrt_is_nothing_to_a_device_that_computes_on_the_cpu(
    tmp_path: Path, device: str
) -> None:
    session = open_session(
        tiny_onnx(), device=device, tensorrt=TensorRt(cache=tmp_path / "engines")
    )

    assert (session.provider, session.fallback_reason) == (CPU_PROVIDER, None)
    assert not (tmp_path / "engines").exists()
