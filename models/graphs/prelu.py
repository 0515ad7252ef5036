"""PRelu in the words ONNX Runtime is fast in: same numbers to rounding, several times the speed.

ONNX Runtime's CPU kernel of PRelu computes one value at a time and knows only the plain layout, so
every convolution around it has its result copied out of the blocked layout and back. In SFace it
takes 62 % of a run. `PRelu(x) = x + (1 - slope) * Relu(-x)`, and multiplication by a constant of
each channel, Relu and addition all stay in the blocked layout, where they join a convolution.
See docs/explanation/graph-variants.md for the measurements.
"""

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, NodeProto, helper, numpy_helper

from models.graphs.fold import constants_of


def rewrite_prelu(graph: GraphProto, *, as_convolutions: bool = False) -> int:
    """Replace every PRelu whose slopes are constant float32, in place.

    Args:
        graph: Changed in place; slopes that no node reads any more are removed.
        as_convolutions: Write the products by channel as depthwise 1x1 convolutions, which is how
            the runtime itself computes them in float; in 8-bit integers it has no fast product.

    Returns:
        How many were replaced.
    """
    constants = constants_of(graph)
    kept: list[NodeProto] = []
    stale: set[str] = set()
    replaced = 0
    for node in graph.node:
        slope = constants.get(node.input[1]) if node.op_type == "PRelu" else None
        if slope is None or slope.dtype != np.float32:
            kept.append(node)
            continue
        replaced += 1
        stale.add(node.input[1])
        kept.extend(_same_as(graph, node, slope.astype(np.float32), as_convolutions))
    del graph.node[:]
    graph.node.extend(kept)
    _remove(graph, stale)
    return replaced


def _remove(graph: GraphProto, names: set[str]) -> None:
    unread = names - {name for node in graph.node for name in node.input}
    initializers = [tensor for tensor in graph.initializer if tensor.name not in unread]
    inputs = [value for value in graph.input if value.name not in unread]
    del graph.initializer[:]
    graph.initializer.extend(initializers)
    del graph.input[:]
    graph.input.extend(inputs)


def _same_as(
    graph: GraphProto, node: NodeProto, slope: NDArray[np.float32], as_convolutions: bool
) -> tuple[NodeProto, ...]:
    x, y = node.input[0], node.output[0]
    if (slope == slope.flat[0]).all():
        # One slope for all channels is LeakyRelu, which a convolution takes in whole.
        return (helper.make_node("LeakyRelu", [x], [y], alpha=float(slope.flat[0])),)
    scale = _by_convolution if as_convolutions and _by_channel(slope) else _by_product
    return (
        # Minus one for each channel, not once: only so is the product one by channel.
        scale(graph, x, np.full_like(slope, -1), f"{y}/negated"),
        helper.make_node("Relu", [f"{y}/negated"], [f"{y}/below_zero"]),
        scale(graph, f"{y}/below_zero", 1 - slope, f"{y}/lift"),
        helper.make_node("Add", [x, f"{y}/lift"], [y]),
    )


def _by_channel(slope: NDArray[np.float32]) -> bool:
    """Whether it has the shape (C, 1, 1) or (1, C, 1, 1)."""
    return slope.ndim >= 3 and slope.shape[-2:] == (1, 1)  # noqa: PLR2004 - a channel, two axes


def _by_product(graph: GraphProto, x: str, factor: NDArray[np.float32], y: str) -> NodeProto:
    graph.initializer.append(numpy_helper.from_array(factor, f"{y}/factor"))
    return helper.make_node("Mul", [x, f"{y}/factor"], [y])


def _by_convolution(graph: GraphProto, x: str, factor: NDArray[np.float32], y: str) -> NodeProto:
    kernels = factor.reshape(-1, 1, 1, 1)
    graph.initializer.append(numpy_helper.from_array(kernels, f"{y}/factor"))
    return helper.make_node(
        "Conv", [x, f"{y}/factor"], [y], group=len(kernels), kernel_shape=[1, 1]
    )
