"""Persons of an index as small numbers, so that each row needs four bytes to say whose it is."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

#: What a person's id takes on average in a list and a dictionary, bytes; measured with 16 letters.
_BYTES_PER_PERSON = 160
_GROWTH = 1.25

Numbers = NDArray[np.uint32]


class PersonNumbers:
    """Numbers of persons, counted by their faces: without any, a person is forgotten."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._faces: NDArray[np.int32] = np.zeros(0, np.int32)
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self._numbers)

    def name(self, number: int) -> str:
        """The person's id."""
        return self._names[number]

    def take(self, person_ids: Sequence[str]) -> Numbers:
        """Their numbers, for one more face of each mention."""
        taken = np.empty(len(person_ids), np.uint32)
        for place, person_id in enumerate(person_ids):
            number = self._numbers.get(person_id)
            taken[place] = number = self._new(person_id) if number is None else number
            self._faces[number] += 1
        return taken

    def load(self, person_ids: Sequence[str], faces: NDArray[np.int32]) -> None:
        """Begin with these persons, numbered in their order, each of whom has so many faces."""
        self._names = list(person_ids)
        self._numbers = {person_id: number for number, person_id in enumerate(self._names)}
        self._faces = faces

    def give_back(self, number: int) -> None:
        """One face fewer."""
        self._faces[number] -= 1
        if self._faces[number] == 0:
            del self._numbers[self._names[number]]
            self._names[number] = ""
            self._free.append(number)

    @property
    def size_bytes(self) -> int:
        """What this takes in memory, about."""
        return self._faces.nbytes + len(self._names) * _BYTES_PER_PERSON

    def _new(self, person_id: str) -> int:
        if self._free:
            number = self._free.pop()
            self._names[number] = person_id
        else:
            number = len(self._names)
            self._names.append(person_id)
            if number >= len(self._faces):
                grown = np.zeros(int(number * _GROWTH) + 16, np.int32)
                grown[:number] = self._faces[:number]
                self._faces = grown
        self._numbers[person_id] = number
        return number
