"""The fused graph: the same answers, and refused where there is nothing to gain or they differ."""

import numpy as np
import onnx
import pytest

from models.errors import ContractMismatch, PreparationFailed, VariantRefused
from models.graphs.fuse import check_fused, fuse, noise
from models.session import open_session
from models.spec import ModelSpec
from models.testing import tiny_embedder, tiny_onnx, tiny_recogniser


def spec(**changes: object) -> ModelSpec:
    return ModelSpec.model_validate(
        {
            "id": "net",
            "title": "Net",
            "task": "recognition",
            "family": "embedder",
            "profile": "lite",
            "licence": "MIT",
            "commercial_use": True,
            "priority": "low",
            "file": {"name": "net.onnx", "size_bytes": 1, "sha256": "0" * 64},
            "inputs": {"data": {"dtype": "float32", "dims": ["batch", 3, 8, 8]}},
            "outputs": {"fc1": {"dtype": "float32", "dims": ["batch", 4]}},
            **changes,
        }
    )


def test_prelu_and_stale_inputs_go_and_the_answers_stay() -> None:
    original = tiny_recogniser(stale_inputs=True)

    fused = fuse(original, spec())

    check_fused(original, fused, spec(), open_session)
    graph = onnx.load_model_from_string(fused).graph
    assert [value.name for value in graph.input] == ["data"]
    assert "PRelu" not in {node.op_type for node in graph.node}


def test_fusing_gives_the_same_bytes_every_time() -> None:
    assert fuse(tiny_recogniser(), spec()) == fuse(tiny_recogniser(), spec())


def test_a_graph_with_nothing_to_rewrite_is_refused() -> None:
    with pytest.raises(VariantRefused, match="nothing in its graph"):
        fuse(tiny_embedder(), spec())


def test_what_is_no_graph_is_no_refusal_but_a_failure() -> None:
    with pytest.raises(PreparationFailed):
        fuse(b"no graph", spec())


def test_a_graph_that_answers_differently_is_refused() -> None:
    one, other = tiny_recogniser(), tiny_recogniser(outlier=1.01)
    wrong = onnx.load_model_from_string(other)
    wrong.graph.initializer[2].CopyFrom(onnx.load_model_from_string(one).graph.initializer[2])

    with pytest.raises(VariantRefused, match="'fc1' differs"):
        check_fused(one, wrong.SerializeToString(), spec(), open_session)


def test_a_graph_with_other_inputs_breaks_the_contract() -> None:
    with pytest.raises(ContractMismatch):
        check_fused(tiny_recogniser(), tiny_onnx(), spec(), open_session)


def test_noise_has_the_declared_shapes_and_the_entry_s_range() -> None:
    sized = spec(
        inputs={"x": {"dtype": "float32", "dims": ["batch", 3, "height", "width"]}},
        pixels={"colour": "rgb", "mean": [127.5], "std": [127.5]},
    )

    feeds = noise(sized, batch=2, seed=0, height=6, width=7)

    assert feeds["x"].shape == (2, 3, 6, 7)
    assert -1 <= feeds["x"].min() < -0.9
    assert 0.9 < feeds["x"].max() <= 1
    np.testing.assert_array_equal(feeds["x"], noise(sized, batch=2, seed=0, height=6, width=7)["x"])
