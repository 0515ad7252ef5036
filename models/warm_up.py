"""The first run of a loaded graph: pays for lazy initialisation, and shows weights gone wrong."""

import numpy as np

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
    answers = session.run(
        {
            name: np.zeros(
                [dim if isinstance(dim, int) else WARM_UP_SIZES[dim] for dim in tensor.dims],
                dtype=tensor.dtype,
            )
            for name, tensor in spec.inputs.items()
        }
    )
    for name, answer in answers.items():
        if not np.isfinite(answer).all():
            raise ContractMismatch(
                f"{spec.id}: output '{name}' holds values that are no numbers for a black image."
                " The weights are damaged or were converted wrongly."
            )
