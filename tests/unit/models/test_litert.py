"""Opening TFLite graphs: broken files, contracts, and what is left of a run."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.contract import verify_contract
from models.errors import ContractMismatch, InferenceFailed, WeightsCorrupt, WeightsMissing
from models.litert import open_litert
from models.spec import ModelSpec, TensorContract

TinyTflite = Callable[..., bytes]


@pytest.mark.parametrize("content", [b"", b"\xff" * 64, b"<html>not found</html>"])
def test_bytes_that_are_no_graph_are_corrupt_weights(content: bytes) -> None:
    with pytest.raises(WeightsCorrupt, match=f"{len(content)} bytes"):
        open_litert(content)


def test_a_cut_file_is_corrupt_weights_and_named(tmp_path: Path, tiny_tflite: TinyTflite) -> None:
    path = tmp_path / "cut.tflite"
    path.write_bytes(tiny_tflite()[:200])

    with pytest.raises(WeightsCorrupt, match=r"cut\.tflite"):
        open_litert(path)


def test_a_missing_file_is_missing_weights(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match=r"absent\.tflite"):
        open_litert(tmp_path / "absent.tflite")


def test_an_operator_nobody_knows_is_a_contract_mismatch(tiny_tflite: TinyTflite) -> None:
    with pytest.raises(ContractMismatch, match="OddOperator"):
        open_litert(tiny_tflite(custom_operator="OddOperator"))


@pytest.mark.parametrize(("size", "fits"), [(3, True), (4, False)])
def test_the_declared_contract_is_checked(
    tiny_tflite: TinyTflite, size: int, *, fits: bool
) -> None:
    tensor = TensorContract(dtype="float32", dims=("batch", size))
    spec = ModelSpec.model_construct(id="tiny", inputs={"x": tensor}, outputs={"y": tensor})
    session = open_litert(tiny_tflite())

    if fits:
        verify_contract(session, spec)
    else:
        with pytest.raises(ContractMismatch, match=r"expected float32\['batch', 4\]"):
            verify_contract(session, spec)


def test_the_batch_may_change_from_run_to_run(tiny_tflite: TinyTflite) -> None:
    session = open_litert(tiny_tflite())

    shapes = [session.run({"x": np.zeros((n, 3), np.float32)})["y"].shape for n in (1, 7, 7, 2)]

    assert shapes == [(1, 3), (7, 3), (7, 3), (2, 3)]


def test_an_answer_outlives_the_next_run(tiny_tflite: TinyTflite) -> None:
    session = open_litert(tiny_tflite())

    first = session.run({"x": np.zeros((1, 3), np.float32)})["y"]
    session.run({"x": np.full((1, 3), 5, np.float32)})

    assert first.tolist() == [[1, 1, 1]]


def test_a_failed_run_tells_what_was_fed_and_what_is_declared(tiny_tflite: TinyTflite) -> None:
    session = open_litert(tiny_tflite())

    with pytest.raises(InferenceFailed, match=r"\[2, 7\].*\[None, 3\]"):
        session.run({"x": np.zeros((2, 7), np.float32)})
