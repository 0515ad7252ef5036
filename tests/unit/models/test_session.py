"""Opening graphs: devices, providers and broken files."""

from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from models import session
from models.errors import (
    ContractMismatch,
    InferenceFailed,
    ProviderUnavailable,
    WeightsCorrupt,
    WeightsMissing,
)
from models.providers import cuda_options
from models.runtimes import check_one_runtime
from models.session import open_session
from models.testing import tiny_onnx


@pytest.mark.parametrize("graph", [b"", b"\xff" * 64, tiny_onnx()[:-15]])
def test_bytes_that_are_no_graph_are_corrupt_weights(graph: bytes) -> None:
    with pytest.raises(WeightsCorrupt, match=f"{len(graph)} bytes"):
        open_session(graph)


def test_a_missing_file_is_missing_weights(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match=r"absent\.onnx"):
        open_session(tmp_path / "absent.onnx")


def test_a_file_that_is_no_graph_is_named(tmp_path: Path) -> None:
    path = tmp_path / "page.onnx"
    path.write_text("<html>not found</html>")
    with pytest.raises(WeightsCorrupt, match=r"page\.onnx"):
        open_session(path)


def test_an_operator_nobody_knows_is_a_contract_mismatch() -> None:
    graph = tiny_onnx().replace(b"Add", b"Odd")
    with pytest.raises(ContractMismatch, match="Odd"):
        open_session(graph)


@pytest.mark.parametrize("device", ["", "gpu", "cuda", "cuda:", "sim:", "cpu:0", " cpu"])
def test_a_device_of_another_form_is_a_wrong_argument(device: str) -> None:
    with pytest.raises(ValueError, match="is no device"):
        open_session(tiny_onnx(), device=device)


@pytest.mark.skipif(
    any(dist.name == "onnxruntime-gpu" for dist in metadata.distributions()),
    reason="this installation has CUDA kernels",
)
def test_cuda_without_cuda_is_refused_and_never_replaced_by_the_cpu() -> None:
    with pytest.raises(ProviderUnavailable, match="device cpu"):
        open_session(tiny_onnx(), device="cuda:0")


def test_a_device_that_is_not_there_is_told_as_such_and_not_as_a_broken_graph() -> None:
    error = RuntimeError("CUDA failure 35: CUDA driver version is insufficient")

    found = session._load_error(tiny_onnx(), error)

    assert isinstance(found, ProviderUnavailable)
    assert str(found).startswith("There is no NVIDIA driver here")
    assert "CUDA failure 35" in str(found)
    assert "graph" not in str(found)


def test_two_installed_runtimes_are_refused_by_name() -> None:
    with pytest.raises(ProviderUnavailable, match="onnxruntime and onnxruntime-gpu"):
        check_one_runtime({"onnxruntime-gpu", "onnxruntime"})


@pytest.mark.parametrize("installed", [set(), {"onnxruntime"}, {"onnxruntime-gpu"}])
def test_one_runtime_is_accepted(installed: set[str]) -> None:
    check_one_runtime(installed)


def test_cuda_keeps_its_memory_small_and_within_the_limit() -> None:
    options = cuda_options(1, 512 * 2**20)
    assert options == {
        "device_id": "1",
        "cudnn_conv_algo_search": "HEURISTIC",
        "cudnn_conv_use_max_workspace": "0",
        "arena_extend_strategy": "kSameAsRequested",
        "use_tf32": "0",
        "gpu_mem_limit": "536870912",
    }


def test_cuda_has_no_limit_of_its_own_unless_told() -> None:
    assert "gpu_mem_limit" not in cuda_options(0, None)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8", "float16"])
def test_types_have_their_numpy_names(dtype: str) -> None:
    session = open_session(tiny_onnx(dtype=dtype))
    assert session.inputs[0].dtype == dtype
    assert session.run({"x": np.ones((1, 3), dtype)})["y"].dtype == np.dtype(dtype)


def test_a_failed_run_tells_what_was_fed() -> None:
    session = open_session(tiny_onnx())
    with pytest.raises(InferenceFailed, match=r"'x': \[2, 7\]"):
        session.run({"x": np.zeros((2, 7), np.float32)})


def test_a_failed_run_writes_nothing_to_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    session = open_session(tiny_onnx())
    with pytest.raises(InferenceFailed):
        session.run({"x": np.zeros((2, 7), np.float32)})
    assert capfd.readouterr() == ("", "")
