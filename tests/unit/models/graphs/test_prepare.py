"""Preparation of small graphs: what becomes dynamic, what is refused, what the check catches."""

from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from models.errors import ContractMismatch, PreparationFailed
from models.graphs.check import check_prepared, prepare_checked
from models.graphs.prepare import prepare
from models.session import open_session
from models.spec import ModelSpec

SIZES_FREE = {"x": {0: "batch", 2: "height", 3: "width"}}
BATCH_FREE = {"x": {0: "batch"}}


def spec_of(
    dynamic: dict[str, dict[int, str]],
    out: list[int | str],
    inp: list[int | str] | None = None,
    *,
    clean: bool = True,
) -> ModelSpec:
    free = ["batch", 2, "height", "width"] if 2 in dynamic.get("x", {}) else ["batch", 2, 4, 4]
    return ModelSpec.model_validate(
        {
            "id": "net",
            "title": "Net",
            "task": "detection",
            "family": "yunet",
            "profile": "lite",
            "licence": "MIT",
            "commercial_use": True,
            "priority": "low",
            "file": {
                "name": "net.onnx",
                "size_bytes": 1,
                "sha256": "0" * 64,
                "sources": [{"kind": "url", "urls": ["https://mirror.test/net.onnx"]}],
            },
            "prepare": {
                "dynamic": dynamic,
                "fold_dequantize": clean,
                "drop_initializer_inputs": clean,
            },
            "inputs": {"x": {"dtype": "float32", "dims": inp or free}},
            "outputs": {"y": {"dtype": "float32", "dims": out}},
        }
    )


def graph_of(
    nodes: list[NodeProto],
    out: list[int],
    stale: tuple[str, ...] = (),
    **constants: NDArray[Any],
) -> ModelProto:
    """A graph over x, float32 [1, 2, 4, 4]."""
    inputs = {"x": [1, 2, 4, 4], **{name: list(constants[name].shape) for name in stale}}
    graph = helper.make_graph(
        nodes,
        "g",
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
            for name, dims in inputs.items()
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, out)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
        value_info=[helper.make_tensor_value_info("t", TensorProto.FLOAT, [1, 4, 4, 2])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=8)


def head(target: list[int], out: list[int]) -> ModelProto:
    """The head of a detector: weights brought in shape, channels last, cells in one row."""
    return graph_of(
        [
            helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"], axis=1, block_size=2),
            helper.make_node("Reshape", ["d", "shape"], ["w"]),
            helper.make_node("Conv", ["x", "w", "bias"], ["c"]),
            helper.make_node("Transpose", ["c"], ["t"], perm=[0, 2, 3, 1]),
            helper.make_node("Reshape", ["t", "target"], ["y"]),
        ],
        out,
        ("bias",),
        q=np.array([[3, -5]], np.int8),
        s=np.array([[0.25]], np.float32),
        z=np.array([[1]], np.int8),
        # The trap: a weight's shape that looks like an activation with batch 1.
        shape=np.array([1, 2, 1, 1], np.int64),
        target=np.array(target, np.int64),
        bias=np.array([0.5], np.float32),
    )


@pytest.mark.parametrize("target", [[1, -1, 1], [1, 16, 1], [-1, 16, 1]])
def test_a_detector_s_head_follows_batch_and_size(target: list[int]) -> None:
    spec = spec_of(SIZES_FREE, ["batch", "cells", 1])
    original = head(target, [1, 16, 1]).SerializeToString()

    session = open_session(prepare_checked(original, spec, open_session))

    pixels = np.ones((3, 2, 6, 10), np.float32)
    assert session.run({"x": pixels})["y"].shape == (3, 60, 1)


def test_the_same_input_gives_the_same_bytes() -> None:
    spec = spec_of(SIZES_FREE, ["batch", "cells", 1])
    original = head([1, 16, 1], [1, 16, 1]).SerializeToString()

    assert prepare(original, spec) == prepare(original, spec)


def test_inputs_that_are_constants_or_unread_are_dropped() -> None:
    spec = spec_of(SIZES_FREE, ["batch", "cells", 1])
    model = head([1, -1, 1], [1, 16, 1])
    model.graph.input.append(helper.make_tensor_value_info("unread", TensorProto.FLOAT, [1]))

    prepared = onnx.load_model_from_string(prepare(model.SerializeToString(), spec))

    assert [value.name for value in prepared.graph.input] == ["x"]
    assert not prepared.graph.value_info


def test_without_preparation_the_bytes_are_returned_as_they_are() -> None:
    assert prepare(b"anything", spec_of({}, ["batch", 1], clean=False)) == b"anything"


@pytest.mark.parametrize("content", [b"", b"\xff\xff no protobuf", b"\x08\x08"])
def test_what_is_no_graph_is_refused(content: bytes) -> None:
    with pytest.raises(PreparationFailed, match=r"^net: the file"):
        prepare(content, spec_of(BATCH_FREE, ["batch", 1]))


def reshaping(target: list[int], out: list[int], *, allowzero: int = 0) -> bytes:
    node = helper.make_node("Reshape", ["x", "target"], ["y"], allowzero=allowzero)
    return bytes(graph_of([node], out, target=np.array(target, np.int64)).SerializeToString())


def test_a_flat_target_follows_the_batch() -> None:
    spec = spec_of(BATCH_FREE, ["batch", 32])

    session = open_session(prepare_checked(reshaping([1, 32], [1, 32]), spec, open_session))

    assert session.run({"x": np.ones((5, 2, 4, 4), np.float32)})["y"].shape == (5, 32)


def test_a_target_without_a_batch_in_front_is_refused() -> None:
    with pytest.raises(PreparationFailed, match="no batch in front"):
        prepare(reshaping([16, 2], [16, 2]), spec_of(BATCH_FREE, [16, 2]))


def test_a_target_that_merges_the_batch_is_refused() -> None:
    with pytest.raises(PreparationFailed, match="the batch is merged"):
        prepare(reshaping([-1, 16], [2, 16]), spec_of(BATCH_FREE, ["batch", 16]))


def test_a_target_whose_varying_size_is_unclear_is_refused() -> None:
    # 2 channels and a size of 4x4 end up as 4 and 8: neither is the channels alone.
    with pytest.raises(PreparationFailed, match="which size varies is unclear"):
        prepare(reshaping([1, 4, 8], [1, 4, 8]), spec_of(SIZES_FREE, ["batch", "a", "b"]))


def test_a_target_with_allowzero_is_refused() -> None:
    with pytest.raises(PreparationFailed, match="allowzero"):
        prepare(reshaping([1, 32], [1, 32], allowzero=1), spec_of(BATCH_FREE, ["batch", 32]))


def test_an_input_the_graph_lacks_is_named() -> None:
    with pytest.raises(PreparationFailed, match="no 'pixels', only"):
        prepare(reshaping([1, 32], [1, 32]), spec_of({"pixels": {0: "batch"}}, ["batch", 32]))


def test_a_dimension_the_input_lacks_is_named() -> None:
    with pytest.raises(PreparationFailed, match="only 4 dimensions"):
        prepare(reshaping([1, 32], [1, 32]), spec_of({"x": {4: "depth"}}, ["batch", 32]))


def test_a_prepared_graph_that_computes_something_else_is_refused() -> None:
    spec = spec_of(SIZES_FREE, ["batch", "cells", 1])
    original = head([1, -1, 1], [1, 16, 1])
    prepared = onnx.load_model_from_string(prepare(original.SerializeToString(), spec))
    weight = next(t for t in prepared.graph.initializer if t.name == "w")
    weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight) * 1.001, "w"))

    with pytest.raises(PreparationFailed, match="differs from the original"):
        check_prepared(
            original.SerializeToString(), prepared.SerializeToString(), spec, open_session
        )


def test_a_graph_whose_pictures_influence_each_other_is_refused() -> None:
    nodes = [
        helper.make_node("ReduceMean", ["x", "axes"], ["m"]),
        helper.make_node("Sub", ["x", "m"], ["y"]),
    ]
    model = graph_of(nodes, [1, 2, 4, 4], axes=np.array([0], np.int64))
    spec = spec_of(BATCH_FREE, ["batch", 2, 4, 4])

    with pytest.raises(PreparationFailed, match="as a batch of two"):
        prepare_checked(model.SerializeToString(), spec, open_session)


def test_a_prepared_graph_that_is_not_as_declared_is_refused() -> None:
    spec = spec_of(BATCH_FREE, ["batch", 32], inp=["batch", 3, 4, 4])

    with pytest.raises(ContractMismatch, match="net: input 'x'"):
        prepare_checked(reshaping([1, 32], [1, 32]), spec, open_session)


def test_a_graph_that_answers_nan_is_refused() -> None:
    node = helper.make_node("Mul", ["x", "factor"], ["y"])
    model = graph_of([node], [1, 2, 4, 4], factor=np.array(np.nan, np.float32))

    with pytest.raises(PreparationFailed, match="nan"):
        prepare_checked(
            model.SerializeToString(), spec_of(BATCH_FREE, ["batch", 2, 4, 4]), open_session
        )


def test_batch_normalisation_of_old_exporters_is_checked_as_inference() -> None:
    constants = {name: np.array([2, 3], np.float32) for name in ("scale", "bias", "mean", "var")}
    node = helper.make_node("BatchNormalization", ["x", *constants], ["y"], momentum=0.9)
    model = graph_of([node], [1, 2, 4, 4], (), **constants)
    model.opset_import[0].version = 9
    spec = spec_of(BATCH_FREE, ["batch", 2, 4, 4], ["batch", 2, 4, 4])

    prepared = prepare_checked(model.SerializeToString(), spec, open_session)

    assert open_session(prepared).inputs[0].dims == ("batch", 2, 4, 4)
