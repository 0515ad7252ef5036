"""Folding of block-quantised weights against plain numpy and ONNX's own reference."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from models.errors import PreparationFailed
from models.graphs.fold import dequantize, fold_weights


def test_each_block_is_scaled_by_its_own_scale() -> None:
    quantized = np.array([[1, 2, 3, 4, 5]], np.int8)
    scale = np.array([[10, 100, 1000]], np.float32)
    zero = np.array([[1, 0, 5]], np.int8)

    found = dequantize(quantized, scale, zero, axis=1, block_size=2)

    np.testing.assert_array_equal(found, np.array([[0, 10, 300, 400, 0]], np.float32))
    assert found.dtype == np.float32


def test_the_difference_does_not_wrap_around_in_eight_bits() -> None:
    found = dequantize(
        np.array([-128, 127], np.int8),
        np.array(1.0, np.float32),
        np.array(127, np.int8),
        axis=0,
        block_size=0,
    )

    np.testing.assert_array_equal(found, [-255.0, 0.0])


def test_a_scale_per_channel_goes_along_its_axis() -> None:
    quantized = np.ones((2, 3, 2), np.uint8)
    scale = np.array([1, 2, 3], np.float32)

    found = dequantize(quantized, scale, None, axis=-2, block_size=0)

    np.testing.assert_array_equal(found[1, :, 1], [1, 2, 3])


@pytest.mark.parametrize(("shape", "block_size"), [((2, 2), 2), ((1, 3), 2), ((3,), 0)])
def test_scales_that_do_not_fit_are_refused(shape: tuple[int, ...], block_size: int) -> None:
    with pytest.raises(PreparationFailed, match="do not fit"):
        dequantize(
            np.ones((1, 8), np.int8),
            np.ones(shape, np.float32),
            None,
            axis=1,
            block_size=block_size,
        )


def quantized_graph(
    quantized: NDArray[np.int8],
    scale: NDArray[np.float32],
    zero: NDArray[np.int8],
    *,
    axis: int,
    block_size: int,
) -> ModelProto:
    """A sum, x + reshape(dequantize(q)), whose weights are constants."""
    shape = [1, *quantized.shape]
    nodes = [
        helper.make_node(
            "DequantizeLinear", ["q", "s", "z"], ["d"], axis=axis, block_size=block_size
        ),
        helper.make_node("Reshape", ["d", "t"], ["w"]),
        helper.make_node("Add", ["x", "w"], ["y"]),
    ]
    constants: dict[str, NDArray[np.generic]] = {
        "q": quantized,
        "s": scale,
        "z": zero,
        "t": np.array(shape, np.int64),
    }
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])


# A first run compiles and loads: on a busy machine that takes longer than Hypothesis allows.
@settings(deadline=None)
@given(
    axis=st.sampled_from([0, 1]),
    block_size=st.sampled_from([2, 3, 4]),
    blocks=st.integers(1, 3),
    other=st.integers(1, 4),
    seed=st.integers(0, 2**16),
)
def test_the_folded_graph_computes_what_the_reference_computes(
    axis: int, block_size: int, blocks: int, other: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    along = blocks * block_size
    shape = (along, other) if axis == 0 else (other, along)
    scales = (blocks, other) if axis == 0 else (other, blocks)
    model = quantized_graph(
        rng.integers(-128, 128, shape).astype(np.int8),
        rng.uniform(0.01, 2, scales).astype(np.float32),
        rng.integers(-128, 128, scales).astype(np.int8),
        axis=axis,
        block_size=block_size,
    )
    feeds = {"x": rng.normal(size=(1, *shape)).astype(np.float32)}
    expected = ReferenceEvaluator(model).run(["y"], feeds)

    fold_weights(model.graph)

    assert [node.op_type for node in model.graph.node] == ["Add"]
    assert [tensor.name for tensor in model.graph.initializer] == ["w"]
    np.testing.assert_array_equal(ReferenceEvaluator(model).run(["y"], feeds), expected)


def test_a_constant_that_another_node_reads_stays() -> None:
    model = quantized_graph(
        np.ones((2, 2), np.int8),
        np.ones((2, 1), np.float32),
        np.zeros((2, 1), np.int8),
        axis=1,
        block_size=2,
    )
    model.graph.node.append(helper.make_node("Mul", ["y", "s"], ["z2"]))

    fold_weights(model.graph)

    assert {tensor.name for tensor in model.graph.initializer} == {"w", "s"}


def test_a_dequantisation_of_activations_is_left_alone() -> None:
    nodes = [helper.make_node("DequantizeLinear", ["x", "s"], ["y"])]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.INT8, [2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])],
        [numpy_helper.from_array(np.array(2.0, np.float32), "s")],
    )

    fold_weights(graph)

    assert [node.op_type for node in graph.node] == ["DequantizeLinear"]
