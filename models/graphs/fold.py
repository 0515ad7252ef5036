"""Folding of quantised weights: what is dequantised at run time becomes a float constant."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, NodeProto, helper, numpy_helper

from models.errors import PreparationFailed

Constants = dict[str, NDArray[np.generic]]


def constants_of(graph: GraphProto) -> Constants:
    """All tensors whose value the graph itself states: initialisers and Constant nodes."""
    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            found[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    return found


def fold_weights(graph: GraphProto) -> None:
    """Replace DequantizeLinear over constants, and the Reshape behind it, by float constants.

    The Reshape goes too because its target (say [1, 64, 1, 1]) looks like one with a fixed batch.
    Constants that nothing reads any more are removed.

    Raises:
        PreparationFailed: the blocks of a tensor do not match its scales.
    """
    constants = constants_of(graph)
    folded: Constants = {}
    stale: set[str] = set()
    kept: list[NodeProto] = []
    for node in graph.node:
        fold = _FOLDS.get(node.op_type)
        if fold is None or not all(name in constants for name in node.input if name):
            kept.append(node)
            continue
        stale.update(node.input)
        result = fold(node, constants)
        folded[node.output[0]] = constants[node.output[0]] = result
    del graph.node[:]
    graph.node.extend(kept)
    _replace_initializers(graph, folded, stale)


def dequantize(
    quantized: NDArray[np.generic],
    scale: NDArray[np.generic],
    zero_point: NDArray[np.generic] | None,
    *,
    axis: int,
    block_size: int,
) -> NDArray[np.generic]:
    """(quantized - zero_point) * scale as ONNX's DequantizeLinear defines it (opset 21).

    Args:
        quantized: Integers of any shape.
        scale: A scalar, one per index of `axis`, or (block_size > 0) one per block along `axis`.
        zero_point: Shape of `scale`; None is zero.
        axis: Axis of channels or blocks; may be negative.
        block_size: Elements of a block along `axis`; 0 for none. The last block may be shorter.

    Returns:
        The dtype of `scale`, the shape of `quantized`.

    Raises:
        PreparationFailed: the shapes do not fit each other.
    """
    shape = quantized.shape

    def spread(values: NDArray[np.generic]) -> NDArray[np.generic]:
        if block_size:
            return np.repeat(values, block_size, axis=axis).take(range(shape[axis]), axis=axis)
        if values.ndim == 1 and values.size > 1:
            return np.expand_dims(
                values, tuple(i for i in range(len(shape)) if i != axis % len(shape))
            )
        return values

    try:
        shift = 0 if zero_point is None else spread(zero_point).astype(np.int32)
        # The difference of two 8-bit integers is exact in 32 bits and in float32.
        steps = quantized.astype(np.int32) - shift
        result: NDArray[np.generic] = (steps.astype(scale.dtype) * spread(scale)).astype(
            scale.dtype
        )
    except (ValueError, IndexError) as error:
        raise PreparationFailed(
            f"Scales {scale.shape} do not fit a tensor {shape} in blocks of {block_size}."
        ) from error
    if result.shape != shape:
        raise PreparationFailed(f"Scales {scale.shape} do not fit a tensor {shape}.")
    return result


def _fold_dequantize(
    node: NodeProto, constants: Mapping[str, NDArray[np.generic]]
) -> NDArray[np.generic]:
    attributes = {item.name: helper.get_attribute_value(item) for item in node.attribute}
    quantized, scale, *zero = [constants[name] for name in node.input if name]
    return dequantize(
        quantized,
        scale,
        zero[0] if zero else None,
        axis=int(attributes.get("axis", 1)),
        block_size=int(attributes.get("block_size", 0)),
    )


def _fold_reshape(
    node: NodeProto, constants: Mapping[str, NDArray[np.generic]]
) -> NDArray[np.generic]:
    tensor, target = constants[node.input[0]], constants[node.input[1]].tolist()
    sizes = [tensor.shape[i] if size == 0 else size for i, size in enumerate(target)]
    return tensor.reshape(sizes)


_FOLDS: dict[str, Callable[[NodeProto, Constants], NDArray[np.generic]]] = {
    "DequantizeLinear": _fold_dequantize,
    "Reshape": _fold_reshape,
}


def _replace_initializers(graph: GraphProto, folded: Constants, stale: set[str]) -> None:
    read = {name for node in graph.node for name in node.input}
    read.update(value.name for value in graph.output)
    kept = [t for t in graph.initializer if t.name not in stale or t.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    graph.initializer.extend(
        numpy_helper.from_array(np.ascontiguousarray(value), name)
        for name, value in folded.items()
        if name in read
    )
