"""Which row of an index a face has, and which face a row has: 28 bytes a face.

A dictionary of a million ids takes about 150 bytes a face. Here the ids lie by row, as two numbers
of 64 bits; beside them the rows lie sorted by a hash of the two, as they were when they were last
sorted. What has changed since is in a small dictionary, and what is found is compared with the row
itself, so that an entry of the past says nothing.
"""

import secrets
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

#: Changes that are kept apart before everything is sorted again: at least so many, or one in
#: sixteen of the rows.
_FEWEST_APART, _SHARE_APART = 4096, 16
_GROWTH = 1.25
_PREFIX = "face_"

Numbers = NDArray[np.uint64]
Rows = NDArray[np.int64]


def face_numbers(face_ids: Sequence[str]) -> Numbers:
    """Ids as pairs of numbers, (N, 2)."""
    digits = bytes.fromhex("".join(face_id.removeprefix(_PREFIX) for face_id in face_ids))
    return np.frombuffer(digits, dtype=">u8").astype(np.uint64).reshape(-1, 2)


class FaceRows:
    """Ids of faces by row and rows by id. Rows are 0 to len - 1, without holes."""

    def __init__(self) -> None:
        self._ids: Numbers = np.zeros((0, 2), np.uint64)
        self._size = 0
        self._sorted: Numbers = np.zeros(0, np.uint64)
        self._sorted_rows: NDArray[np.uint32] = np.zeros(0, np.uint32)
        self._apart: dict[tuple[int, int], int] = {}
        # Hashes of ids that somebody chose for it are as different as any: multiplied with numbers
        # nobody knows and added up (M. Dietzfelbinger, "Universal hashing ...", 1996).
        self._factors = np.array([secrets.randbits(64) | 1 for _ in range(2)], np.uint64)

    def __len__(self) -> int:
        return self._size

    @property
    def numbers(self) -> Numbers:
        """The ids by row, (N, 2); not to be kept."""
        return self._ids[: self._size]

    def face_id(self, row: int) -> str:
        """The face of a row."""
        high, low = self._ids[row]
        return f"{_PREFIX}{int(high):016x}{int(low):016x}"

    def rows(self, ids: Numbers) -> Rows:
        """The row of each id; -1 of those that are not there."""
        found = np.full(len(ids), -1, np.int64)
        hashes = self._hashes(ids)
        places = np.searchsorted(self._sorted, hashes)
        each = zip(places.tolist(), hashes, ids.tolist(), strict=True)
        for number, (place, hashed, (high, low)) in enumerate(each):
            row = self._apart.get((high, low))
            found[number] = self._row(place, hashed, high, low) if row is None else row
        return found

    def _row(self, place: int, hashed: np.uint64, high: int, low: int) -> int:
        while place < len(self._sorted) and self._sorted[place] == hashed:
            row = int(self._sorted_rows[place])
            if row < self._size and self._ids[row, 0] == high and self._ids[row, 1] == low:
                return row
            place += 1
        return -1

    def append(self, ids: Numbers) -> None:
        """Give ids that are not there the next rows."""
        first, self._size = self._size, self._size + len(ids)
        if self._size > len(self._ids):
            grown = np.zeros((int(self._size * _GROWTH) + 16, 2), np.uint64)
            grown[:first] = self._ids[:first]
            self._ids = grown
        self._ids[first : self._size] = ids
        if len(ids) > self._most_apart:
            self._sort()
            return
        for row, (high, low) in enumerate(ids.tolist(), start=first):
            self._apart[high, low] = row
        self._sort_if_due()

    def remove(self, row: int) -> int:
        """Take a face out; the last row's moves into its place.

        Returns:
            The row that moved: the last one, and `row` itself where that was the last.
        """
        last = self._size - 1
        high, low = self._ids[row].tolist()
        self._apart.pop((high, low), None)
        if row != last:
            self._ids[row] = self._ids[last]
            high, low = self._ids[row].tolist()
            self._apart[high, low] = row
        self._ids[last] = 0
        self._size = last
        self._sort_if_due()
        return last

    @property
    def size_bytes(self) -> int:
        """What this takes in memory, about."""
        return self._ids.nbytes + self._sorted.nbytes + self._sorted_rows.nbytes

    @property
    def _most_apart(self) -> int:
        return max(_FEWEST_APART, self._size // _SHARE_APART)

    def _sort_if_due(self) -> None:
        if len(self._apart) > self._most_apart:
            self._sort()

    def _sort(self) -> None:
        hashes = self._hashes(self.numbers)
        order = np.argsort(hashes)
        self._sorted = hashes[order]
        self._sorted_rows = order.astype(np.uint32)
        self._apart.clear()

    def _hashes(self, ids: Numbers) -> Numbers:
        hashes: Numbers = ids[:, 0] * self._factors[0] + ids[:, 1] * self._factors[1]
        return hashes
