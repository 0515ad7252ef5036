"""Ending a graph at inner tensors: features of inner layers, without what only later ones need."""

from collections.abc import Iterable, Mapping

import numpy as np
from onnx import GraphProto, NodeProto, helper

from models.errors import PreparationFailed
from models.spec import ModelSpec


def cut_to_outputs(graph: GraphProto, spec: ModelSpec) -> None:
    """Make the entry's outputs, which may be inner tensors, the graph's only outputs.

    Nodes and constants that none of them needs are dropped. No arithmetic changes.

    Raises:
        PreparationFailed: no node makes an output that the entry declares.
    """
    makers = {name: node for node in graph.node for name in node.output}
    if missing := [name for name in spec.outputs if name not in makers]:
        raise PreparationFailed(f"{spec.id}: no node of the graph makes {missing}.")
    needed = _needed(makers, spec.outputs)
    kept = [node for node in graph.node if needed.intersection(node.output)]
    constants = [tensor for tensor in graph.initializer if tensor.name in needed]
    shapes = [value for value in graph.value_info if value.name in needed - set(spec.outputs)]
    del graph.node[:], graph.initializer[:], graph.value_info[:], graph.output[:]
    graph.node.extend(kept)
    graph.initializer.extend(constants)
    graph.value_info.extend(shapes)
    expose(graph, spec)


def expose(graph: GraphProto, spec: ModelSpec) -> None:
    """Make the entry's outputs outputs of the graph, beside those it has."""
    known = {value.name for value in graph.output}
    graph.output.extend(
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(np.dtype(contract.dtype)), contract.dims
        )
        for name, contract in spec.outputs.items()
        if name not in known
    )


def _needed(makers: Mapping[str, NodeProto], outputs: Iterable[str]) -> set[str]:
    """The outputs, and every tensor that they are computed from."""
    needed: set[str] = set()
    waiting = list(outputs)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += makers[name].input if name in makers else ()
    return needed
