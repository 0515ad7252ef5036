"""The first run of a loaded graph: pays for lazy initialisation, and shows weights gone wrong."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.contract import InferenceSession
from models.errors import ContractMismatch
from models.run_sizes import USUAL, Sizes, run_sizes
from models.spec import ModelSpec


def warm_up(session: InferenceSession, spec: ModelSpec) -> None:
    """Run once on zeros, so that the first job does not pay for lazy initialisation.

    Raises:
        ContractMismatch: the graph answers with values that are no numbers.
        InferenceFailed: the runtime refused the run.
    """
    answers = session.run(_feeds(spec, np.zeros))
    for name, answer in answers.items():
        if not np.isfinite(answer).all():
            raise ContractMismatch(
                f"{spec.id}: output '{name}' holds values that are no numbers for a black image."
                " The weights are damaged or were converted wrongly."
            )


def warm_buckets(
    session: InferenceSession,
    spec: ModelSpec,
    buckets: Sequence[int] | None = None,
    *,
    times: int = 2,
) -> None:
    """Run every size on zeros, the largest first, so that smaller ones fit into its memory.

    Measured on a CPU arena with a network of 249 MiB and batches up to 16: 159 MiB in this order,
    240 in the other. The second run of a size may need more than the first.

    Args:
        session: The graph.
        spec: Its entry.
        buckets: Batch sizes; the entry's when not given.
        times: Runs of each.

    Raises:
        InferenceFailed: the runtime refused a run.
    """
    for sizes in run_sizes(spec, buckets or spec.batch_buckets):
        feeds = _feeds(spec, np.zeros, sizes)
        for _ in range(times):
            session.run(feeds)


def require_response(session: InferenceSession, spec: ModelSpec) -> None:
    """Refuse a graph that answers noise exactly as it answers black: it does not look at images.

    Its weights are zeros, or it is a placeholder; an embedder like that takes everybody for one
    person.

    Raises:
        ContractMismatch: all outputs are equal.
        InferenceFailed: the runtime refused a run.
    """
    noise = np.random.default_rng(0)
    black = session.run(_feeds(spec, np.zeros))
    other = session.run(_feeds(spec, lambda dims: noise.integers(0, 256, dims)))
    if all(np.array_equal(black[name], other[name]) for name in black):
        raise ContractMismatch(
            f"{spec.id}: the graph gives noise the same answer as a black image. It does not look"
            " at what it is shown."
        )


def _feeds(
    spec: ModelSpec,
    fill: Callable[[list[int]], NDArray[Any]],
    sizes: Sizes = USUAL,
) -> dict[str, NDArray[Any]]:
    return {
        name: fill([dim if isinstance(dim, int) else sizes[dim] for dim in tensor.dims]).astype(
            tensor.dtype
        )
        for name, tensor in spec.inputs.items()
    }
