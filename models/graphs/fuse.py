"""The `fused` variant: a prepared graph in the words ONNX Runtime's CPU kernels can join.

Pure: bytes in, bytes out. That it computes the same is checked by `check_fused`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.contract import verify_contract
from models.errors import PreparationFailed, VariantRefused
from models.graphs.check import OpenSession, compare
from models.graphs.prelu import rewrite_prelu
from models.graphs.prepare import drop_stale_inputs, load_graph
from models.spec import ModelSpec, PixelInput

#: Height and width tried where both may vary, pixels: multiples of every detector's strides, not
#: square.
TRIAL_HEIGHT, TRIAL_WIDTH = 96, 160


def fuse(graph: bytes, spec: ModelSpec) -> bytes:
    """Rewrite a graph for ONNX Runtime's CPU kernels.

    Raises:
        VariantRefused: there is nothing to rewrite.
        PreparationFailed: the bytes are no ONNX model.
    """
    model = load_graph(graph, spec.id)
    inputs = len(model.graph.input)
    drop_stale_inputs(model.graph)
    rewritten = rewrite_prelu(model.graph)
    if not rewritten and len(model.graph.input) == inputs:
        raise VariantRefused(f"{spec.id}: nothing in its graph would be written differently.")
    return bytes(model.SerializeToString(deterministic=True))


def check_fused(graph: bytes, fused: bytes, spec: ModelSpec, open_session: OpenSession) -> None:
    """Compare the rewritten graph with the one it was made from, on noise.

    Raises:
        VariantRefused: an output differs by more than rounding (`prepare_check.TOLERANCE`).
        ContractMismatch: it lacks what the catalogue declares.
    """
    before, after = open_session(graph), open_session(fused)
    verify_contract(after, spec)
    for seed, batch in enumerate((1, 2)):
        feeds = noise(spec, batch=batch, seed=seed)
        try:
            compare(before.run(feeds), after.run(feeds), f"{spec.id}, fused")
        except PreparationFailed as error:
            raise VariantRefused(str(error)) from error


def noise(
    spec: ModelSpec,
    *,
    batch: int,
    seed: int,
    height: int = TRIAL_HEIGHT,
    width: int = TRIAL_WIDTH,
) -> Mapping[str, NDArray[Any]]:
    """Reproducible inputs: noise of 0 to 255, normalised where the entry says how.

    Args:
        spec: The model.
        batch: Size of the dimension "batch", where there is one.
        seed: Another one gives other noise.
        height: Size of the dimension "height", where there is one, pixels.
        width: Size of the dimension "width", where there is one, pixels.
    """
    rng = np.random.default_rng(seed)
    sizes = {"batch": batch, "height": height, "width": width}
    pixels = spec.pixels or PixelInput(colour="rgb")
    mean, std = float(np.mean(pixels.mean)), float(np.mean(pixels.std))
    feeds: dict[str, NDArray[Any]] = {}
    for name, tensor in spec.inputs.items():
        shape = [sizes.get(dim, 1) if isinstance(dim, str) else dim for dim in tensor.dims]
        feeds[name] = ((rng.uniform(0, 255, shape) - mean) / std).astype(tensor.dtype)
    return feeds
