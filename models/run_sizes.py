"""Which sizes a model's graph is run with: what a warm-up has to go through, largest first."""

import math
from collections.abc import Mapping, Sequence

from models.spec import ModelSpec

#: Sizes of named dimensions in one run.
Sizes = Mapping[str, int]

_ITEM_BYTES: Sizes = {"float32": 4, "uint8": 1, "int64": 8}
#: Size of a named dimension where nothing else says it.
USUAL: Sizes = {"batch": 1, "height": 640, "width": 640}
#: Canvases of detectors that take an image's own proportions, largest first: a square one is the
#: largest there is, the others stand for photos held either way and for YuNet's second look.
_CANVASES: tuple[Sizes, ...] = (
    {"height": 640, "width": 640},
    {"height": 640, "width": 480},
    {"height": 480, "width": 640},
    {"height": 320, "width": 320},
)
#: MTCNN's pyramid over an image of its largest size: its first level is 12/20 of 1280 pixels, each
#: further one 0.709 of the one before; and the windows its further networks see in one run.
_PYRAMID: tuple[Sizes, ...] = tuple(
    {"height": side, "width": side} for side in (768, 544, 386, 274, 194, 137, 97, 69, 49, 35, 24)
)
_WINDOWS: tuple[Sizes, ...] = tuple({"batch": windows} for windows in (256, 64, 16, 4, 1))

#: By id, for models whose code does not run batches of the entry's buckets or canvases of `USUAL`.
_OWN: Mapping[str, tuple[Sizes, ...]] = {
    "yunet": _CANVASES,
    "yunet_dynamic": _CANVASES,
    "centerface": _CANVASES,
    "mtcnn": _PYRAMID,
    "mtcnn_rnet": _WINDOWS,
    "mtcnn_onet": _WINDOWS,
}


def run_sizes(spec: ModelSpec, buckets: Sequence[int]) -> tuple[Sizes, ...]:
    """Sizes of all named dimensions, one mapping for each kind of run, largest first.

    Args:
        spec: The model.
        buckets: Batch sizes; without effect on models that are not run in these.
    """
    own = _OWN.get(spec.id)
    if own is None:
        return tuple({**USUAL, "batch": bucket} for bucket in sorted(buckets, reverse=True))
    return tuple({**USUAL, **sizes} for sizes in own)


def is_run_in_buckets(spec: ModelSpec) -> bool:
    """Whether a larger batch size means more memory: not for models with sizes of their own."""
    return spec.id not in _OWN


def input_bytes(spec: ModelSpec, sizes: Sizes) -> int:
    """Bytes of one run's inputs at certain sizes of all named dimensions."""
    return sum(
        math.prod(dim if isinstance(dim, int) else sizes[dim] for dim in tensor.dims)
        * _ITEM_BYTES[tensor.dtype]
        for tensor in spec.inputs.values()
    )
