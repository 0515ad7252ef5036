"""Reshapes with a constant target, made to follow a batch or size that has become dynamic."""

import math

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, NodeProto, numpy_helper

from models.errors import PreparationFailed
from models.graphs.fold import constants_of
from models.spec import ModelSpec


def free_reshapes(model: ModelProto, spec: ModelSpec) -> None:
    """Rewrite the constant target of every Reshape of a tensor that depends on a dynamic input.

    A leading 1 or -1 becomes 0 ("as in the input") where the batch is dynamic; a size computed
    from a fixed height and width becomes -1.

    Raises:
        PreparationFailed: a target can't follow: it merges the batch with something else, or it
            is not clear which of its sizes came from the height and width.
    """
    graph = model.graph
    batched = any(0 in axes for axes in spec.prepare.dynamic.values())
    dependent = _dependent(graph, set(spec.prepare.dynamic))
    constants = constants_of(graph)
    for node in graph.node:
        if node.op_type != "Reshape" or node.input[0] not in dependent:
            continue
        if node.input[1] not in constants:
            continue  # Computed while running, so it follows by itself.
        old = [int(size) for size in constants[node.input[1]].ravel()]
        where = f"{spec.id}: '{node.output[0]}'"
        new = _follow_batch(old, node, where) if batched else old
        if -1 not in new:
            new = _follow_size(new, _dims(model, node.input[0]), where)
        if new != old:
            node.input[1] = _constant(graph, new)


def _dependent(graph: GraphProto, dynamic: set[str]) -> set[str]:
    """Names of all tensors computed from a dynamic input."""
    found = set(dynamic)
    for node in graph.node:
        if found.intersection(node.input):
            found.update(node.output)
    return found


def _follow_batch(target: list[int], node: NodeProto, where: str) -> list[int]:
    """Take the first size from the input."""
    if any(item.name == "allowzero" and item.i for item in node.attribute):
        raise PreparationFailed(f"{where} reshapes with allowzero.")
    if target[0] not in {-1, 0, 1}:
        raise PreparationFailed(f"{where} reshapes to {target}, which has no batch in front.")
    return [0, *target[1:]]


def _follow_size(target: list[int], dims: list[int | None], where: str) -> list[int]:
    """Put -1 where the target states a product of dimensions that are no longer fixed."""
    fixed = math.prod(dim for dim in dims[1:] if dim is not None)
    rest = target[1:]
    if None not in dims[1:]:
        if math.prod(rest) != fixed:
            raise PreparationFailed(f"{where} reshapes {dims} to {target}: the batch is merged.")
        return target
    places = [i for i in range(len(rest)) if math.prod(rest[:i] + rest[i + 1 :]) == fixed]
    if len(places) != 1:
        raise PreparationFailed(
            f"{where} reshapes {dims} to {target}: which size varies is unclear."
        )
    return [*target[: places[0] + 1], -1, *target[places[0] + 2 :]]


def _dims(model: ModelProto, name: str) -> list[int | None]:
    """Sizes of a tensor as far as they are fixed, after all changes made so far."""
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    for value in (*graph.value_info, *graph.input):
        if value.name == name:
            dims = value.type.tensor_type.shape.dim
            return [dim.dim_value if dim.HasField("dim_value") else None for dim in dims]
    raise PreparationFailed(f"The shape of '{name}' can't be inferred.")


def _constant(graph: GraphProto, sizes: list[int]) -> str:
    name = "reshape_to_" + "_".join("any" if size < 0 else str(size) for size in sizes)
    if name not in {tensor.name for tensor in graph.initializer}:
        graph.initializer.append(numpy_helper.from_array(np.array(sizes, np.int64), name))
    return name
