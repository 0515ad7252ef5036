"""Graphs of a wanted size: convolutional networks with random weights, the same each time."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from models.memory import MIB

#: Opset and file format old enough for every runtime we support.
_OPSET, _IR_VERSION = 17, 8
#: Channels of the four stages for networks of at least so many MiB, largest first.
_WIDTHS = ((40.0, 64), (4.0, 32), (0.5, 16), (0.0, 8))
#: Layers of the last, widest stage; what is missing in weight is added to the third, as in a
#: ResNet-100.
_LAST_LAYERS = 6
OUTPUTS = 128
#: Longer side above which the first layer halves the image, pixels.
_LARGE_SIDE = 160


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """What a network is to be like."""

    #: Weights, MiB of float32.
    weights_mib: float
    #: Input (N, channels, height, width), pixels.
    channels: int
    height: int
    width: int
    #: None: the batch may vary.
    batch: int | None = None


def network(shape: Shape, *, seed: int) -> bytes:
    """A network from `x` to `y` (batch, OUTPUTS): four stages of residual layers.

    Its weights come out at most a layer above what is wanted, or at the smallest there is.
    """
    builder = _Builder(seed)
    width = next(width for least, width in _WIDTHS if shape.weights_mib >= least)
    halved = max(shape.height, shape.width) > _LARGE_SIDE
    tensor = builder.layer("x", shape.channels, width, stride=2 if halved else 1)
    channels = width
    for stage, factor in enumerate((1, 2, 4, 8)):
        tensor = builder.layer(tensor, channels, width * factor, stride=2)
        channels = width * factor
        for _ in range(_layers(stage, width, shape.weights_mib)):
            tensor = builder.residual(tensor, channels)
    return builder.finish(tensor, channels, shape)


def _layers(stage: int, width: int, weights_mib: float) -> int:
    """Residual layers of a stage after its first."""
    last = 9 * (8 * width) ** 2 * 4 / MIB
    third = 9 * (4 * width) ** 2 * 4 / MIB
    others = sum(9 * width * factor * width * factor * 4 for factor in (1, 2)) / MIB
    wanted = weights_mib - others - third / 2 - last / 2
    last_layers = min(_LAST_LAYERS, int(max(0.0, wanted) / 2 / last))
    if stage == 3:  # noqa: PLR2004 - the last of four
        return last_layers
    if stage == 2:  # noqa: PLR2004 - the third of four
        return math.ceil(max(0.0, wanted - last_layers * last) / third)
    return 1


class _Builder:
    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}

    def layer(self, source: str, before: int, after: int, *, stride: int = 1) -> str:
        """A convolution and a PRelu."""
        number = len(self._nodes)
        scale = np.float32(math.sqrt(1 / (9 * before)))
        kernel = self._rng.standard_normal((after, before, 3, 3), np.float32) * scale
        self._add(f"w{number}", kernel)
        self._add(f"a{number}", np.full((after, 1, 1), 0.25, np.float32))
        self._nodes += [
            helper.make_node(
                "Conv",
                [source, f"w{number}"],
                [f"c{number}"],
                pads=[1, 1, 1, 1],
                strides=[stride, stride],
            ),
            helper.make_node("PRelu", [f"c{number}", f"a{number}"], [f"p{number}"]),
        ]
        return f"p{number}"

    def residual(self, source: str, channels: int) -> str:
        """A layer added to half of what goes into it, so that values stay of one size."""
        name = self.layer(source, channels, channels)
        self._add("half", np.float32(0.5))
        self._nodes += [
            helper.make_node("Mul", [source, "half"], [f"h{name}"]),
            helper.make_node("Add", [f"h{name}", name], [f"s{name}"]),
        ]
        return f"s{name}"

    def finish(self, source: str, channels: int, shape: Shape) -> bytes:
        """Pool, project, and write the file."""
        self._add("head", self._rng.standard_normal((channels, OUTPUTS), np.float32))
        self._nodes += [
            helper.make_node("GlobalAveragePool", [source], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["flat"]),
            helper.make_node("Gemm", ["flat", "head"], ["y"]),
        ]
        batch: int | str = "batch" if shape.batch is None else shape.batch
        sides = (batch, shape.channels, shape.height, shape.width)
        graph = helper.make_graph(
            self._nodes,
            "own",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, sides)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, (batch, OUTPUTS))],
            initializer=list(self._constants.values()),
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION
        )
        return bytes(model.SerializeToString())

    def _add(self, name: str, value: object) -> None:
        self._constants[name] = numpy_helper.from_array(np.asarray(value), name)
