"""Embeddings in memory as they are stored, float16, in blocks: growing copies nothing."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

#: Rows of a block; of 512 dimensions it has 32 MB, which the system gives as rows are written.
BLOCK_ROWS = 32_768

Halves = NDArray[np.float16]
Rows = NDArray[np.int64]


class Vectors:
    """Rows 0 to len - 1 of so many dimensions. What is taken out is overwritten with zeros.

    Args:
        dimensions: Of an embedding.
    """

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions
        self._blocks: list[Halves] = []
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def blocks(self) -> Iterator[tuple[int, Halves]]:
        """The rows in use, block by block, each with its first row's number."""
        for number, block in enumerate(self._blocks):
            first = number * BLOCK_ROWS
            yield first, block[: min(BLOCK_ROWS, self._size - first)]

    def take(self, rows: Rows) -> Halves:
        """Copies of rows, (N, D).

        Args:
            rows: (N,) ascending.
        """
        found = np.empty((len(rows), self.dimensions), np.float16)
        borders = np.arange(1, len(self._blocks)) * BLOCK_ROWS
        places = [0, *np.searchsorted(rows, borders).tolist(), len(rows)]
        for number, block in enumerate(self._blocks):
            part = slice(places[number], places[number + 1])
            found[part] = block[rows[part] - number * BLOCK_ROWS]
        return found

    def append(self, vectors: Halves) -> None:
        """Add rows at the end."""
        done = 0
        while done < len(vectors):
            if self._size == len(self._blocks) * BLOCK_ROWS:
                self._blocks.append(np.zeros((BLOCK_ROWS, self.dimensions), np.float16))
            place = self._size % BLOCK_ROWS
            part = vectors[done : done + BLOCK_ROWS - place]
            self._blocks[-1][place : place + len(part)] = part
            self._size += len(part)
            done += len(part)

    def remove(self, row: int) -> None:
        """Take a row out; the last one moves into its place."""
        block, place = divmod(self._size - 1, BLOCK_ROWS)
        last = self._blocks[block][place]
        self._blocks[row // BLOCK_ROWS][row % BLOCK_ROWS] = last
        last[:] = 0
        self._size -= 1
        if place == 0:
            self._blocks.pop()

    def clear(self) -> None:
        """Overwrite everything with zeros and give the memory back."""
        for _, block in self.blocks():
            block[:] = 0
        self._blocks.clear()
        self._size = 0

    @property
    def size_bytes(self) -> int:
        """What the rows in use take in memory."""
        return self._size * self.dimensions * np.dtype(np.float16).itemsize
