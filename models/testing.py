"""Fakes that ship: an inference session that answers from a script, and very small graphs.

Used by this project's tests, and by anyone who extends it and wants to test without weights.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from models.contract import TensorInfo, Tensors
from models.errors import InferenceFailed
from models.spec import ModelSpec, TensorContract

#: Opset and file format of the tiny graphs: old enough for every runtime we support.
_OPSET, _IR_VERSION = 17, 8


class ScriptedSession:
    """Answers runs from a function or with fixed tensors; refuses feeds as a real session does.

    Attributes:
        runs: The feeds of every accepted run, oldest first.
    """

    def __init__(
        self,
        *,
        inputs: tuple[TensorInfo, ...],
        outputs: tuple[TensorInfo, ...],
        answer: Callable[[Tensors], Tensors] | Tensors,
        provider: str = "CPUExecutionProvider",
    ) -> None:
        """Write the script.

        Args:
            inputs: Declared inputs; feeds are checked against them.
            outputs: Declared outputs; the answer must hold exactly these.
            answer: Outputs by name, or what computes them from the feeds.
            provider: Execution provider to claim.
        """
        self.inputs = inputs
        self.outputs = outputs
        self.provider = provider
        self.runs: list[dict[str, NDArray[Any]]] = []
        self._answer = answer

    @classmethod
    def of(
        cls, spec: ModelSpec, answer: Callable[[Tensors], Tensors] | Tensors
    ) -> "ScriptedSession":
        """A session with the inputs and outputs a catalogue entry declares."""
        return cls(inputs=_infos(spec.inputs), outputs=_infos(spec.outputs), answer=answer)

    def run(self, feeds: Tensors) -> dict[str, NDArray[Any]]:
        """All outputs by name, for inputs by name."""
        if set(feeds) != {info.name for info in self.inputs}:
            raise InferenceFailed(f"Got the inputs {sorted(feeds)}.")
        for info in self.inputs:
            _check(info, feeds[info.name])
        self.runs.append({name: value.copy() for name, value in feeds.items()})
        answer = self._answer(feeds) if callable(self._answer) else self._answer
        if set(answer) != {info.name for info in self.outputs}:
            raise AssertionError(f"The script answers {sorted(answer)}, not the declared outputs.")
        return dict(answer)


def tiny_onnx(
    *, dims: tuple[int | str, ...] = ("batch", 3), dtype: str = "float32", add: float = 1.0
) -> bytes:
    """A graph whose output `y` is its input `x` plus a constant.

    Args:
        dims: Shape of `x` and `y`; names stand for dimensions that may vary.
        dtype: NumPy name of their type.
        add: The constant.
    """
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    constant = helper.make_tensor("constant", kind, (), [add])
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "constant"], ["y"])],
        "tiny",
        [helper.make_tensor_value_info("x", kind, dims)],
        [helper.make_tensor_value_info("y", kind, dims)],
        initializer=[constant],
    )
    return _bytes(graph)


def tiny_embedder(*, size: int = 4, side: int = 112) -> bytes:
    """A graph from `data` (batch, 3, side, side) to `fc1` (batch, size), as a recogniser has.

    Its outputs are the mean of red, green and blue, repeated up to the size: different for
    images of different colour, equal for equal ones.
    """
    rows = helper.make_tensor(
        "rows", TensorProto.FLOAT, (3, size), np.resize(np.eye(3), (size, 3)).T.ravel().tolist()
    )
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["data"], ["mean"], axes=[2, 3], keepdims=0),
            helper.make_node("MatMul", ["mean", "rows"], ["fc1"]),
        ],
        "tiny_embedder",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, ("batch", 3, side, side))],
        [helper.make_tensor_value_info("fc1", TensorProto.FLOAT, ("batch", size))],
        initializer=[rows],
    )
    return _bytes(graph)


def _bytes(graph: Any) -> bytes:  # noqa: ANN401 - onnx's generated classes have no usable types
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION
    )
    return bytes(model.SerializeToString())


def _infos(contracts: Mapping[str, TensorContract]) -> tuple[TensorInfo, ...]:
    return tuple(
        TensorInfo(name=name, dtype=contract.dtype, dims=contract.dims)
        for name, contract in contracts.items()
    )


def _check(info: TensorInfo, value: NDArray[Any]) -> None:
    fits = len(value.shape) == len(info.dims) and all(
        actual == wanted
        for actual, wanted in zip(value.shape, info.dims, strict=True)
        if isinstance(wanted, int)
    )
    if value.dtype != np.dtype(info.dtype) or not fits:
        raise InferenceFailed(
            f"'{info.name}' is {info.dtype}{list(info.dims)}, got {value.dtype}{list(value.shape)}."
        )
