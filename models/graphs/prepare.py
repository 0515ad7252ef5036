"""From a published graph to the one that is run: weights folded, stale inputs out, dims freed.

Pure: bytes and a catalogue entry in, bytes out, the same bytes every time. Whether the result
still computes the same is `models.graphs.check`'s question.
"""

from collections.abc import Iterable

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # ships no stubs
from onnx import GraphProto, ModelProto, ValueInfoProto

from models.errors import PreparationFailed
from models.graphs.cut import cut_to_outputs
from models.graphs.fold import fold_weights
from models.graphs.reshape import free_reshapes
from models.spec import Dim, ModelSpec


def prepare(model_bytes: bytes, spec: ModelSpec) -> bytes:
    """Apply the catalogue entry's preparation to a serialised ONNX model.

    The same input gives the same bytes with the same version of `onnx`. A spec without
    preparation gives the input back.

    Raises:
        PreparationFailed: the bytes are no ONNX model, an input the catalogue names is missing,
            a Reshape can't be made to follow a dynamic dimension, or no node makes an output.
    """
    if spec.prepare.is_identity:
        return model_bytes
    model = load_graph(model_bytes, spec.id)
    if spec.prepare.fold_dequantize:
        fold_weights(model.graph)
    if spec.prepare.drop_initializer_inputs:
        drop_stale_inputs(model.graph)
    if spec.prepare.dynamic:
        _free_dims(model, spec)
    if spec.prepare.cut:
        cut_to_outputs(model.graph, spec)
    return bytes(model.SerializeToString(deterministic=True))


def load_graph(model_bytes: bytes, name: str) -> ModelProto:
    """Parse a serialised ONNX model.

    Raises:
        PreparationFailed: the bytes are none.
    """
    try:
        model = onnx.load_model_from_string(model_bytes)
    except DecodeError as error:
        raise PreparationFailed(f"{name}: the file is no ONNX model: {error}.") from error
    if not model.graph.node:
        raise PreparationFailed(f"{name}: the file holds no graph.")
    return model


def drop_stale_inputs(graph: GraphProto) -> None:
    """Keep the inputs a caller has to feed: read by a node and not given as a constant."""
    read = {name for node in graph.node for name in node.input}
    constant = {tensor.name for tensor in graph.initializer}
    kept = [value for value in graph.input if value.name in read and value.name not in constant]
    del graph.input[:]
    graph.input.extend(kept)


def _free_dims(model: ModelProto, spec: ModelSpec) -> None:
    graph = model.graph
    # Intermediate shapes were computed for the fixed size and would contradict the new one.
    del graph.value_info[:]
    for name, axes in spec.prepare.dynamic.items():
        value = _named(graph.input, name, spec.id)
        dims = value.type.tensor_type.shape.dim
        if max(axes) >= len(dims):
            raise PreparationFailed(f"{spec.id}: input '{name}' has only {len(dims)} dimensions.")
        for axis, symbol in axes.items():
            dims[axis].dim_param = symbol
    for name, contract in spec.outputs.items():
        _set_dims(_named(graph.output, name, spec.id), contract.dims)
    free_reshapes(model, spec)


def _named(values: Iterable[ValueInfoProto], name: str, model_id: str) -> ValueInfoProto:
    found = {value.name: value for value in values}
    if name not in found:
        raise PreparationFailed(f"{model_id}: the graph has no '{name}', only {sorted(found)}.")
    return found[name]


def _set_dims(value: ValueInfoProto, dims: Iterable[Dim]) -> None:
    shape = value.type.tensor_type.shape
    del shape.dim[:]
    for dim in dims:
        if isinstance(dim, int):
            shape.dim.add().dim_value = dim
        else:
            shape.dim.add().dim_param = dim
