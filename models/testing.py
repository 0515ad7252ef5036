"""Fakes that ship: an inference session that answers from a script, and very small graphs.

Used by this project's tests, and by anyone who extends it and wants to test without weights.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

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


def tiny_recogniser(*, outlier: float = 1.0, stale_inputs: bool = False) -> bytes:
    """A graph from `data` (batch, 3, 8, 8) to `fc1` (batch, 4) with convolutions and PRelu.

    Random weights, the same each time; slopes below 0, between 0 and 1, and above 1.

    Args:
        outlier: Makes one channel of the second layer so many times larger, and the next layer's
            weights for it as much smaller: the same in float32, ruin in 8 bits.
        stale_inputs: List the constants as inputs too, as old exporters do.
    """
    rng = np.random.default_rng(0)
    channels = 6
    grown = np.ones(channels)
    grown[0] = outlier
    constants = {
        "w1": rng.normal(0, 0.01, (channels, 3, 3, 3)),
        "a1": np.linspace(-0.5, 1.5, channels).reshape(-1, 1, 1),
        "w2": rng.normal(0, 0.4, (channels, channels, 3, 3)) * grown[:, None, None, None],
        "a2": np.linspace(0.1, 0.9, channels).reshape(-1, 1, 1),
        "w3": rng.normal(0, 0.3, (4, channels, 8, 8)) / grown[None, :, None, None],
    }
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["data", "w1"], ["c1"], pads=[1, 1, 1, 1]),
            helper.make_node("PRelu", ["c1", "a1"], ["p1"]),
            helper.make_node("Conv", ["p1", "w2"], ["c2"], pads=[1, 1, 1, 1]),
            helper.make_node("PRelu", ["c2", "a2"], ["p2"]),
            helper.make_node("Conv", ["p2", "w3"], ["c3"]),
            helper.make_node("Flatten", ["c3"], ["fc1"]),
        ],
        "tiny_recogniser",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, ("batch", 3, 8, 8))],
        [helper.make_tensor_value_info("fc1", TensorProto.FLOAT, ("batch", 4))],
        initializer=[
            helper.make_tensor(name, TensorProto.FLOAT, value.shape, value.ravel().tolist())
            for name, value in constants.items()
        ],
    )
    if stale_inputs:
        graph.input.extend(
            helper.make_tensor_value_info(name, TensorProto.FLOAT, value.shape)
            for name, value in constants.items()
        )
    return _bytes(graph)


def tiny_detector(spec: ModelSpec, answers: Tensors) -> bytes:
    """A graph with one entry's input and outputs whose answers are known for a white image.

    Every answer is multiplied by the largest value of the input: 1 for an image that has a white
    pixel, if pixels are fed from 0 to 1; 255 if somebody forgets to divide.

    Args:
        spec: The entry; it has one input.
        answers: Value of each output, float32.
    """
    ((feed, contract),) = spec.inputs.items()
    nodes = [helper.make_node("ReduceMax", [feed], ["brightest"], keepdims=0)]
    constants = []
    for name, value in answers.items():
        constants.append(numpy_helper.from_array(value, f"of_{name}"))
        nodes.append(helper.make_node("Mul", [f"of_{name}", "brightest"], [name]))
    graph = helper.make_graph(
        nodes,
        "tiny_detector",
        [helper.make_tensor_value_info(feed, TensorProto.FLOAT, contract.dims)],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, value.shape)
            for name, value in answers.items()
        ],
        initializer=constants,
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
