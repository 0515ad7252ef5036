"""Made-up faces for the benchmark of identification: as alike as real ones, and as many as wanted.

Embeddings are drawn from a normal distribution and brought to length 1. Its variances fall like
exp(-k / 50) along 192 directions, so that two persons are as alike as in a real collection: the
cosine of mobilefacenet_512 between different persons of LFW has a standard deviation of 0.096, here
0.1. In a distribution that is alike in all directions it would be 0.044, and searching easier.

A genuine query is a stored face turned by an angle, towards a direction drawn like another face.
The cosine with the stored face is drawn from a normal distribution with the mean and the standard
deviation of all pairs of one person among 2,635 photos of LFW by that model (0.66, 0.12), cut at
0.2 and 0.95. A stranger is one more face that is not stored.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

DIMENSIONS: Final = 512
#: Directions in which faces differ, and how fast their variance falls.
_DIRECTIONS: Final = 192
_FALL: Final = 50.0
#: Of genuine pairs; see above.
GENUINE_MEAN: Final = 0.66
GENUINE_DEVIATION: Final = 0.12
_LEAST_COSINE, _LARGEST_COSINE = 0.2, 0.95
BLOCK: Final = 32_768

Floats = NDArray[np.float32]
Halves = NDArray[np.float16]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Queries:
    """What is searched for, and what an exact search finds."""

    #: (Q, D), each of length 1.
    vectors: Floats
    #: (Q,) the most similar row.
    rows: NDArray[np.int64]
    #: (Q,) its cosine.
    cosines: Floats


class MadeFaces:
    """A gallery in a file, float16, and queries for it.

    Args:
        folder: Where the file is made.
        size: How many faces.
        seed: Of what is drawn.
    """

    def __init__(self, folder: Path, size: int, *, seed: int) -> None:
        self._dice = np.random.default_rng(seed)
        turned, _ = np.linalg.qr(self._dice.standard_normal((DIMENSIONS, DIMENSIONS)))
        deviations = np.exp(-np.arange(_DIRECTIONS) / _FALL / 2)
        self._spread = (turned[:, :_DIRECTIONS] * deviations).T.astype(np.float32)
        self._path = folder / f"faces-{size}.npy"
        shape = (size, DIMENSIONS)
        stored = np.lib.format.open_memmap(self._path, mode="w+", dtype=np.float16, shape=shape)
        for first in range(0, size, BLOCK):
            stored[first : first + BLOCK] = self._draw(min(BLOCK, size - first))
        stored.flush()

    def stored(self) -> Halves:
        """The gallery, read from its file as it is used."""
        stored: Halves = np.load(self._path, mmap_mode="r")
        return stored

    def blocks(self) -> Iterator[Halves]:
        """The gallery, part by part."""
        stored = self.stored()
        for first in range(0, len(stored), BLOCK):
            yield stored[first : first + BLOCK]

    def genuine(self, count: int) -> Queries:
        """Other photos of stored persons."""
        stored = self.stored()
        chosen = np.sort(self._dice.choice(len(stored), count, replace=False))
        known = _unit(stored[chosen].astype(np.float32))
        other = self._draw(count)
        other = _unit(other - (other * known).sum(axis=1, keepdims=True) * known)
        drawn = self._dice.normal(GENUINE_MEAN, GENUINE_DEVIATION, (count, 1))
        cosine = np.clip(drawn, _LEAST_COSINE, _LARGEST_COSINE)
        turned = cosine * known + np.sqrt(1 - cosine**2) * other
        return self._answered(_unit(turned.astype(np.float32)))

    def strangers(self, count: int) -> Queries:
        """Persons who are not stored."""
        return self._answered(self._draw(count))

    def _draw(self, count: int) -> Floats:
        drawn = self._dice.standard_normal((count, _DIRECTIONS), dtype=np.float32)
        return _unit(drawn @ self._spread)

    def _answered(self, vectors: Floats) -> Queries:
        """Compare with every stored face, in float32."""
        rows = np.zeros(len(vectors), np.int64)
        cosines = np.full(len(vectors), -2, np.float32)
        for number, block in enumerate(self.blocks()):
            scores = vectors @ block.astype(np.float32).T
            best = scores.argmax(axis=1)
            found = scores[np.arange(len(vectors)), best]
            is_better = found > cosines
            rows[is_better] = best[is_better] + number * BLOCK
            cosines[is_better] = found[is_better]
        return Queries(vectors=vectors, rows=rows, cosines=cosines)


def _unit(vectors: Floats) -> Floats:
    found: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return found
