"""A graph is ended at inner tensors, and computes there what it did before."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from models.catalogue import load_catalogue
from models.errors import PreparationFailed
from models.graphs.check import check_prepared, prepare_checked
from models.graphs.prepare import prepare
from models.session import open_session
from models.spec import ModelSpec, Preparation, TensorContract


def chain(added: float = 2.0) -> bytes:
    """`x` + a = `middle`; `middle` * b = `y`."""
    constants = [
        helper.make_tensor("a", TensorProto.FLOAT, (), [added]),
        helper.make_tensor("b", TensorProto.FLOAT, (), [10.0]),
    ]
    graph = helper.make_graph(
        [
            helper.make_node("Add", ["x", "a"], ["middle"]),
            helper.make_node("Mul", ["middle", "b"], ["y"]),
        ],
        "chain",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("batch", 3))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ("batch", 3))],
        initializer=constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def spec(output: str = "middle") -> ModelSpec:
    dims = TensorContract(dtype="float32", dims=("batch", 3))
    base = load_catalogue().model("facesocial_deepfake")
    return base.model_copy(
        update={
            "inputs": {"x": dims},
            "outputs": {output: dims},
            "prepare": Preparation(cut=True),
        }
    )


def test_the_inner_tensor_becomes_the_only_output() -> None:
    session = open_session(prepare_checked(chain(), spec(), open_session))

    (found,) = session.run({"x": np.ones((2, 3), np.float32)}).items()

    assert found[0] == "middle"
    np.testing.assert_array_equal(found[1], np.full((2, 3), 3))


def test_what_only_later_nodes_need_is_dropped() -> None:
    graph = onnx.load_model_from_string(prepare(chain(), spec())).graph

    assert [node.op_type for node in graph.node] == ["Add"]
    assert [tensor.name for tensor in graph.initializer] == ["a"]


def test_an_output_that_no_node_makes_is_refused() -> None:
    with pytest.raises(PreparationFailed, match="no node"):
        prepare(chain(), spec("nowhere"))


def test_a_cut_graph_that_computes_something_else_is_refused() -> None:
    with pytest.raises(PreparationFailed, match="differs"):
        check_prepared(chain(), prepare(chain(added=3.0), spec()), spec(), open_session)
