"""PRelu in other words: the same numbers, whatever its slopes."""

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

from models.graphs.prelu import rewrite_prelu
from models.session import open_session

SLOPES = {
    "by channel": np.array([-0.8, 0.0, 0.25, 1.0, 1.3], np.float32).reshape(5, 1, 1),
    "with a batch axis": np.array([0.1, 0.2, 0.3, 0.4, 2.0], np.float32).reshape(1, 5, 1, 1),
    "one for all": np.full((5, 1, 1), 0.25, np.float32),
    "a single one": np.array([0.2], np.float32),
}


def prelu(slope: NDArray[np.generic], *, constant: bool = True) -> ModelProto:
    shape: tuple[str | int, ...] = ("batch", 5, 4, 3)
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
    if not constant:
        inputs.append(helper.make_tensor_value_info("slope", TensorProto.FLOAT, slope.shape))
    graph = helper.make_graph(
        [helper.make_node("PRelu", ["x", "slope"], ["y"])],
        "prelu",
        inputs,
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        initializer=[numpy_helper.from_array(slope, "slope")] if constant else [],
    )
    opset = helper.make_opsetid("", 17)
    model: ModelProto = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    return model


@pytest.mark.parametrize("as_convolutions", [False, True])
@pytest.mark.parametrize("name", SLOPES)
def test_the_answers_are_prelu_s(name: str, as_convolutions: bool) -> None:
    model = prelu(SLOPES[name])
    x = np.random.default_rng(0).normal(0, 100, (2, 5, 4, 3)).astype(np.float32)
    expected = np.where(x > 0, x, x * SLOPES[name])

    count = rewrite_prelu(model.graph, as_convolutions=as_convolutions)

    onnx.checker.check_model(model)
    answer = open_session(model.SerializeToString()).run({"x": x})["y"]
    np.testing.assert_allclose(answer, expected, atol=1e-4)
    assert count == 1
    assert "PRelu" not in {node.op_type for node in model.graph.node}
    assert "slope" not in {tensor.name for tensor in model.graph.initializer}


def test_equal_slopes_become_one_leaky_relu() -> None:
    model = prelu(SLOPES["one for all"])

    rewrite_prelu(model.graph)

    assert [node.op_type for node in model.graph.node] == ["LeakyRelu"]


def test_products_by_channel_become_convolutions_only_when_asked() -> None:
    plain, as_convolutions = prelu(SLOPES["by channel"]), prelu(SLOPES["by channel"])

    rewrite_prelu(plain.graph)
    rewrite_prelu(as_convolutions.graph, as_convolutions=True)

    assert [node.op_type for node in plain.graph.node] == ["Mul", "Relu", "Mul", "Add"]
    assert [node.op_type for node in as_convolutions.graph.node] == ["Conv", "Relu", "Conv", "Add"]


def test_slopes_that_are_computed_are_left_alone() -> None:
    model = prelu(SLOPES["by channel"], constant=False)

    assert rewrite_prelu(model.graph) == 0
    assert [node.op_type for node in model.graph.node] == ["PRelu"]
