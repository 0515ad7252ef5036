"""The first run of a loaded graph: pays for lazy initialisation, and shows weights gone wrong."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.contract import InferenceSession
from models.errors import ContractMismatch
from models.spec import ModelSpec

#: Size of a named dimension in the warm-up run, unless the entry's input is square and smaller.
WARM_UP_SIZES = {"batch": 1, "height": 640, "width": 640}


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


def _feeds(spec: ModelSpec, fill: Callable[[list[int]], NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {
        name: fill(
            [dim if isinstance(dim, int) else WARM_UP_SIZES[dim] for dim in tensor.dims]
        ).astype(tensor.dtype)
        for name, tensor in spec.inputs.items()
    }
