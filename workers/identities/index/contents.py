"""What an index holds beside the embeddings, by row."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Contents:
    """Faces by row, and whose they are."""

    #: Ids of persons.
    persons: tuple[str, ...]
    #: (N, 2) faces' ids; see `workers.identities.index.face_rows`.
    ids: NDArray[np.uint64]
    #: (N,) each face's place among the persons.
    whose: NDArray[np.uint32]
