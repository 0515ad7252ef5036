"""Runs of allowed sizes: one session, many chips."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.contract import InferenceSession
from models.errors import InferenceFailed
from models.network import Network
from models.pixels import to_tensor
from models.results import Image
from models.spec import PixelInput


def batch_sizes(count: int, buckets: Sequence[int]) -> list[int]:
    """Split a count into allowed batch sizes, largest first.

    Args:
        count: How many there are.
        buckets: Allowed sizes; 1 must be among them.

    Raises:
        ValueError: the buckets cannot make up every count.
    """
    if 1 not in buckets:
        raise ValueError(f"Batch sizes {list(buckets)} must include 1.")
    sizes: list[int] = []
    for bucket in sorted(buckets, reverse=True):
        times, count = divmod(count, bucket)
        sizes += [bucket] * times
    return sizes


def run_tensor(
    session: InferenceSession, tensor: NDArray[np.float32], buckets: Sequence[int]
) -> NDArray[np.float32]:
    """Run a tensor through a network with one input and one output, in allowed batches.

    Args:
        session: Its input is (batch, ...) float32, its output (batch, D).
        tensor: (N, ...), N at least 1.
        buckets: Allowed batch sizes; 1 must be among them.

    Returns:
        (N, D) float32, in the order of the tensor.

    Raises:
        InferenceFailed: the runtime refused a run, or an answer holds values that are no numbers.
    """
    (feed,), (answer,) = session.inputs, session.outputs
    rows: list[NDArray[np.float32]] = []
    start = 0
    for size in batch_sizes(len(tensor), buckets):
        rows.append(session.run({feed.name: tensor[start : start + size]})[answer.name])
        start += size
    found = np.concatenate(rows)
    if not np.isfinite(found).all():
        raise InferenceFailed(
            f"The network's output '{answer.name}' holds values that are no numbers. Its weights"
            " are damaged, or the runtime computes wrongly on this device."
        )
    return found


def run_chips(
    session: InferenceSession,
    chips: Sequence[Image],
    pixels: PixelInput,
    buckets: Sequence[int],
) -> list[NDArray[np.float32]]:
    """Run chips through a network with one input and one output, in allowed batches.

    They become tensors one batch at a time: as float32 they take four times their memory.

    Args:
        session: Its input is (batch, ...) float32, its output (batch, D).
        chips: Of one size, (H, W, 3) uint8, RGB; without any nothing is run.
        pixels: What is done to them.
        buckets: Allowed batch sizes; 1 must be among them.

    Returns:
        The answer to each chip, (D,), in their order.

    Raises:
        InferenceFailed: see `run_tensor`.
    """
    rows: list[NDArray[np.float32]] = []
    for size in batch_sizes(len(chips), buckets):
        tensor = to_tensor(chips[len(rows) : len(rows) + size], pixels)
        rows.extend(run_tensor(session, tensor, (1, size)))
    return rows


class ChipNetwork:
    """A network that reads one chip of each face; what its answers mean is its subclass's part."""

    def __init__(self, network: Network) -> None:
        """Take over a loaded model whose graph has one input and one output.

        Raises:
            CatalogueError: its entry does not say `pixels`.
        """
        self._session = network.session
        self._pixels = network.pixels
        self._buckets = network.spec.batch_buckets

    def _rows(self, chips: Sequence[Image]) -> Sequence[NDArray[np.float32]]:
        """The answer to each chip, (D,), in their order; without chips nothing is run.

        Raises:
            InferenceFailed: see `run_tensor`.
        """
        return run_chips(self._session, chips, self._pixels, self._buckets)
