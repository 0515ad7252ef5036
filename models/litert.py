"""LiteRT (TensorFlow Lite) behind the inference port: the only module that knows it.

It computes on the CPU, in float32, whatever device a job was routed to: the graphs that come in
this format are small, and no GPU build of the runtime is among our dependencies.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from models.contract import TensorInfo, Tensors
from models.errors import ContractMismatch, InferenceFailed, WeightsCorrupt, WeightsMissing

#: What `provider` says, whatever device was asked for.
PROVIDER = "LiteRT CPU"


class LiteRtSession:
    """A graph loaded by LiteRT; made by `open_litert`."""

    def __init__(self, interpreter: Interpreter) -> None:
        self._interpreter = interpreter
        self._input_indices = _indices(interpreter.get_input_details())
        self._output_indices = _indices(interpreter.get_output_details())
        self._inputs = _tensor_infos(interpreter.get_input_details())
        self._outputs = _tensor_infos(interpreter.get_output_details())
        #: Shapes the interpreter has memory for, by input.
        self._shapes: dict[str, tuple[int, ...]] = {}

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """The graph's inputs, without constants."""
        return self._inputs

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """The graph's outputs."""
        return self._outputs

    @property
    def provider(self) -> str:
        """Always "LiteRT CPU"."""
        return PROVIDER

    def run(self, feeds: Tensors) -> dict[str, NDArray[Any]]:
        """All outputs by name, for inputs by name."""
        self._check(feeds)
        try:
            self._allocate({name: np.shape(value) for name, value in feeds.items()})
            for name, value in feeds.items():
                self._interpreter.set_tensor(self._input_indices[name], value)
            self._interpreter.invoke()
            # `get_tensor` copies, so that the next run does not change these.
            return {
                name: self._interpreter.get_tensor(index)
                for name, index in self._output_indices.items()
            }
        except (RuntimeError, ValueError) as error:
            self._shapes = {}
            raise InferenceFailed(
                f"LiteRT refused a run with inputs {_shapes_of(feeds)}: {error}"
            ) from error

    def _check(self, feeds: Tensors) -> None:
        """Refuse what the graph does not declare; LiteRT itself would run with inputs left out."""
        fitting = set(feeds) == set(self._input_indices) and all(
            _fits(info, feeds[info.name]) for info in self._inputs
        )
        if not fitting:
            declared = {info.name: (info.dtype, list(info.dims)) for info in self._inputs}
            raise InferenceFailed(
                f"Got the inputs {_shapes_of(feeds)}, the graph declares {declared}."
            )

    def _allocate(self, shapes: dict[str, tuple[int, ...]]) -> None:
        if shapes == self._shapes:
            return
        for name, shape in shapes.items():
            self._interpreter.resize_tensor_input(self._input_indices[name], shape, strict=True)
        self._interpreter.allocate_tensors()
        self._shapes = shapes


def open_litert(graph: Path | bytes, *, threads: int = 1) -> LiteRtSession:
    """Load a graph on the CPU.

    Args:
        graph: A TFLite file or its bytes.
        threads: Threads one operator may use.

    Raises:
        WeightsMissing: there is no such file.
        WeightsCorrupt: the bytes are no TFLite graph.
        ContractMismatch: this version of LiteRT does not know the graph's operators.
    """
    where = graph.name if isinstance(graph, Path) else f"A graph of {len(graph)} bytes"
    try:
        content = graph.read_bytes() if isinstance(graph, Path) else graph
    except FileNotFoundError:
        raise WeightsMissing(f"{graph!s} does not exist. Run `facesocial models pull`.") from None
    try:
        interpreter = Interpreter(model_content=content, num_threads=threads)
        interpreter.allocate_tensors()
    except ValueError as error:
        raise WeightsCorrupt(f"{where} is no TFLite graph: {error}") from error
    except RuntimeError as error:
        raise ContractMismatch(f"{where} can't be run by LiteRT: {error}") from error
    return LiteRtSession(interpreter)


def _indices(details: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    return {str(detail["name"]): int(detail["index"]) for detail in details}


def _tensor_infos(details: Iterable[Mapping[str, Any]]) -> tuple[TensorInfo, ...]:
    """What the graph declares; LiteRT names no dimensions and writes -1 for those that may vary."""
    return tuple(
        TensorInfo(
            name=str(detail["name"]),
            dtype=np.dtype(detail["dtype"]).name,
            dims=tuple(None if size < 0 else int(size) for size in detail["shape_signature"]),
        )
        for detail in details
    )


def _fits(info: TensorInfo, value: NDArray[Any]) -> bool:
    return (
        value.dtype == np.dtype(info.dtype)
        and value.ndim == len(info.dims)
        and all(
            wanted is None or actual == wanted
            for actual, wanted in zip(value.shape, info.dims, strict=True)
        )
    )


def _shapes_of(feeds: Tensors) -> dict[str, tuple[str, list[int]]]:
    return {name: (str(value.dtype), list(value.shape)) for name, value in feeds.items()}
