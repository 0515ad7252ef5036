"""ONNX Runtime's quantisation tool behind one function: float32 graph in, 8-bit graph out."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
from onnx import ModelProto, version_converter

# Before ONNX Runtime's own import: the adapter switches its telemetry off.
import models.session  # noqa: F401 - see above

# isort: split
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from models.contract import Tensors
from models.errors import VariantRefused
from models.graphs.prelu import rewrite_prelu
from models.graphs.prepare import drop_stale_inputs, load_graph

#: Operators that are computed in 8-bit integers. PRelu has no such kernel, so it is written as
#: convolutions, Relu and addition first.
OPERATORS = ("Conv", "Gemm", "Relu", "Add")
#: DequantizeLinear by channel came with opset 13; older graphs are lifted to this one.
_OLDEST_OPSET, _OPSET = 13, 17


class _Feeds(CalibrationDataReader):  # type: ignore[misc]  # ships no type information
    def __init__(self, feeds: Iterable[Tensors]) -> None:
        self._feeds: Iterator[Tensors] = iter(feeds)

    def get_next(self) -> Tensors | None:
        return next(self._feeds, None)


def quantize(graph: bytes, name: str, feeds: Iterable[Tensors], *, skip: float) -> bytes:
    """Put the deeper part of a graph into 8-bit integers, by ranges seen on calibration inputs.

    Static, as QuantizeLinear and DequantizeLinear pairs; weights int8 by output channel,
    activations uint8 with the smallest and largest value seen. Processors with VNNI instructions
    add the products in 32 bits; older ones may saturate on the way, which is why a graph is judged
    on the machine it is made on.

    Args:
        graph: A float32 ONNX graph.
        name: The model, for messages.
        feeds: Calibration inputs.
        skip: Share of the nodes, from the input on, that stay float32: 0 to 1. Early layers run
            at high resolution, and their errors grow through all that follow.

    Raises:
        VariantRefused: the tool can't quantise it.
        PreparationFailed: the bytes are no ONNX model.
    """
    with TemporaryDirectory() as folder, _quiet():
        plain, ready, result = (Path(folder) / part for part in ("a.onnx", "b.onnx", "c.onnx"))
        try:
            onnx.save(_in_words_of_integers(load_graph(graph, name)), plain)
            quant_pre_process(str(plain), str(ready), skip_symbolic_shape=True)
            names = _name_nodes(ready)
            quantize_static(
                str(ready),
                str(result),
                _Feeds(feeds),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=list(OPERATORS),
                nodes_to_exclude=names[: int(skip * len(names))],
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
            )
        except (RuntimeError, ValueError, AttributeError, KeyError) as error:
            raise VariantRefused(f"{name}: ONNX Runtime can't quantise it: {error}") from error
        return result.read_bytes()


def _in_words_of_integers(model: ModelProto) -> ModelProto:
    drop_stale_inputs(model.graph)
    rewrite_prelu(model.graph, as_convolutions=True)
    opset = next((entry.version for entry in model.opset_import if not entry.domain), _OPSET)
    return version_converter.convert_version(model, _OPSET) if opset < _OLDEST_OPSET else model


def _name_nodes(path: Path) -> list[str]:
    """Give every node a name of its own; the tool leaves nodes out by name."""
    model = onnx.load(path)
    for number, node in enumerate(model.graph.node):
        node.name = f"{number}:{node.op_type}"
    onnx.save(model, path)
    return [node.name for node in model.graph.node]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the tool's advice about its own options from the root logger."""
    logger = logging.getLogger()
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
