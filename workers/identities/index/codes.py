"""Short codes of embeddings: one bit for the sign of each number, 64 bytes of 512 dimensions.

Two directions at an angle differ in the sign of a number with a probability of angle / 180 degrees
(M. Charikar, "Similarity estimation techniques from rounding algorithms", 2002), so the count of
different bits tells the angle up to chance. The rows with the fewest are worth an exact comparison.
"""

import numpy as np
from numpy.typing import NDArray

from workers.identities.index.vectors import BLOCK_ROWS, Halves, Rows

#: Of so few dimensions a code says too little, and comparing everything costs little.
LEAST_DIMENSIONS = 512
_WORD_BITS = 64
#: One row in so many is looked at to guess which count leaves enough rows.
_SAMPLE_EVERY = 61

Words = NDArray[np.uint64]
Counts = NDArray[np.uint16]


class Codes:
    """Codes of rows, in the rows' order. What is taken out is overwritten with zeros.

    A block holds the first word of all its rows, then the second of all, and so on: that way each
    step of a scan reads memory in order and adds up as many rows at once as a register holds.

    Args:
        dimensions: Of an embedding.
    """

    def __init__(self, dimensions: int) -> None:
        self._words = -(-dimensions // _WORD_BITS)
        self._blocks: list[Words] = []
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def append(self, vectors: Halves) -> None:
        """Add the codes of embeddings at the end."""
        codes = self._code(vectors)
        done = 0
        while done < codes.shape[1]:
            if self._size == len(self._blocks) * BLOCK_ROWS:
                self._blocks.append(np.zeros((self._words, BLOCK_ROWS), np.uint64))
            place = self._size % BLOCK_ROWS
            part = codes[:, done : done + BLOCK_ROWS - place]
            self._blocks[-1][:, place : place + part.shape[1]] = part
            self._size += part.shape[1]
            done += part.shape[1]

    def remove(self, row: int) -> None:
        """Take a row out; the last one moves into its place."""
        block, place = divmod(self._size - 1, BLOCK_ROWS)
        last = self._blocks[block][:, place]
        self._blocks[row // BLOCK_ROWS][:, row % BLOCK_ROWS] = last
        last[:] = 0
        self._size -= 1
        if place == 0:
            self._blocks.pop()

    def clear(self) -> None:
        """Overwrite everything with zeros and give the memory back."""
        for block in self._blocks:
            block[:] = 0
        self._blocks.clear()
        self._size = 0

    def nearest(self, query: Halves, count: int) -> Rows:
        """The rows whose codes differ least from the query's, ascending.

        So many of them, and all others that differ as much as the last of these.
        """
        if count >= self._size:
            return np.arange(self._size)
        counts = self._differing(self._code(query[np.newaxis]))
        sample = counts[::_SAMPLE_EVERY]
        most = int(np.partition(sample, place := count * len(sample) // self._size)[place])
        while np.count_nonzero(counts < most) >= count:
            most -= 1
        while np.count_nonzero(counts <= most) < count:
            most += 1
        return np.flatnonzero(counts <= most)

    @property
    def size_bytes(self) -> int:
        """What the rows in use take in memory."""
        return self._size * self._words * np.dtype(np.uint64).itemsize

    def _differing(self, code: Words) -> Counts:
        """In how many bits each row's code is another than this one."""
        counts = np.empty(self._size, np.uint16)
        different = np.empty((self._words, BLOCK_ROWS), np.uint64)
        bits = np.empty((self._words, BLOCK_ROWS), np.uint8)
        for number, block in enumerate(self._blocks):
            first = number * BLOCK_ROWS
            size = min(BLOCK_ROWS, self._size - first)
            np.bitwise_xor(block[:, :size], code, out=different[:, :size])
            np.bitwise_count(different[:, :size], out=bits[:, :size])
            np.add.reduce(bits[:, :size], axis=0, dtype=np.uint16, out=counts[first : first + size])
        return counts

    def _code(self, vectors: Halves) -> Words:
        """The codes of (N, D) embeddings, (W, N)."""
        # The sign of a float16 is its highest bit, as of an int16.
        signs = np.packbits(np.ascontiguousarray(vectors).view(np.int16) < 0, axis=1)
        padded = np.zeros((len(signs), self._words * 8), np.uint8)
        padded[:, : signs.shape[1]] = signs
        return padded.view(np.uint64).T
