"""The faces of one collection in memory, and the search among them. Not for several threads."""

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workers.identities.embeddings import STORED
from workers.identities.index.codes import LEAST_DIMENSIONS, Codes
from workers.identities.index.contents import Contents
from workers.identities.index.face_rows import FaceRows, face_numbers
from workers.identities.index.person_numbers import PersonNumbers
from workers.identities.index.scan import best_rows, products
from workers.identities.index.vectors import Halves, Rows, Vectors
from workers.identities.records import FaceVector
from workers.identities.search import Candidate

#: Scores of so many queries are in memory at once; of a million faces each has 4 MB.
_QUERIES_AT_ONCE = 8
#: Rows compared exactly for each wanted person at first; several faces may be one person's.
_ROWS_PER_PERSON, _FEWEST_ROWS = 4, 16
#: Rows that codes leave to be compared: one in so many, and at least so many. Measured with
#: `python -m benchmarks identify`, see docs/performance.md.
LEFT_BY_CODES, FEWEST_LEFT_BY_CODES = 256, 2048
_GROWTH = 1.25

Floats = NDArray[np.float32]


class FaceIndex:
    """Embeddings, and whose they are. Every face is there once.

    Args:
        dimensions: Of an embedding.
        exact_faces: With more faces, codes choose what is compared.
    """

    def __init__(self, dimensions: int, *, exact_faces: int) -> None:
        self.dimensions = dimensions
        self._exact_faces = exact_faces
        self._faces = FaceRows()
        self._persons = PersonNumbers()
        self._whose: NDArray[np.uint32] = np.zeros(0, np.uint32)
        self._vectors = Vectors(dimensions)
        self._codes: Codes | None = None
        #: Grows whenever rows are taken out, and so others moved.
        self.removals = 0

    def __len__(self) -> int:
        return len(self._vectors)

    @property
    def persons(self) -> int:
        """Persons with at least one face."""
        return len(self._persons)

    @property
    def kind(self) -> Literal["exact", "codes"]:
        """How it is searched."""
        return "exact" if self._codes is None else "codes"

    @property
    def size_bytes(self) -> int:
        """What this takes in memory, about."""
        return (
            self._vectors.size_bytes
            + (0 if self._codes is None else self._codes.size_bytes)
            + self._whose.nbytes
            + self._faces.size_bytes
            + self._persons.size_bytes
        )

    def add(self, faces: Sequence[FaceVector]) -> None:
        """Add faces, in place of those that are there already; of a face named twice the last."""
        self.remove([face.face_id for face in faces])
        new = list({face.face_id: face for face in faces}.values())
        if not new:
            return
        first = len(self)
        self._faces.append(face_numbers([face.face_id for face in new]))
        vectors = np.frombuffer(b"".join(face.vector for face in new), STORED)
        vectors = vectors.reshape(-1, self.dimensions)
        self._vectors.append(vectors)
        if self._codes is not None:
            self._codes.append(vectors)
        self._make_room(len(self))
        self._whose[first : len(self)] = self._persons.take([face.person_id for face in new])
        self._choose_kind()

    def remove(self, face_ids: Sequence[str]) -> None:
        """Take faces out, overwriting what was there; unknown ones change nothing."""
        numbers = face_numbers(face_ids)
        for number in numbers[self._faces.rows(numbers) >= 0]:
            # Looked up again: each removal moves another row, and a face may be named twice.
            row = int(self._faces.rows(number[np.newaxis])[0])
            if row >= 0:
                self._remove_row(row)
        self._choose_kind()

    def move(self, face_ids: Sequence[str], person_id: str) -> None:
        """Give faces to another person; unknown ones change nothing."""
        for row in self._faces.rows(face_numbers(face_ids)).tolist():
            if row >= 0:
                before = int(self._whose[row])
                [self._whose[row]] = self._persons.take([person_id])
                self._persons.give_back(before)

    def search(self, queries: Floats, persons: int) -> list[list[Candidate]]:
        """For each query the most similar persons, compared exactly, by falling similarity.

        Args:
            queries: (Q, D), each of L2 norm 1.
            persons: How many for each query, 1 and up.
        """
        if self._codes is not None:
            return [self._by_codes(self._codes, query, persons) for query in queries]
        found: list[list[Candidate]] = []
        for first in range(0, len(queries), _QUERIES_AT_ONCE):
            part = queries[first : first + _QUERIES_AT_ONCE]
            scores = np.empty((len(part), len(self)), np.float32)
            for row, block in self._vectors.blocks():
                scores[:, row : row + len(block)] = products(part, block)
            rows = np.arange(len(self))
            found += [self._best(*one, rows, persons) for one in zip(part, scores, strict=True)]
        return found

    def contents(self) -> Contents:
        """Copies of everything but the embeddings, which `block` has."""
        numbers, whose = np.unique(self._whose[: len(self)], return_inverse=True)
        return Contents(
            persons=tuple(self._persons.name(number) for number in numbers.tolist()),
            ids=self._faces.numbers.copy(),
            whose=whose.astype(np.uint32),
        )

    def block(self, first: int, end: int) -> Halves:
        """A copy of the embeddings of rows."""
        return self._vectors.take(np.arange(first, end))

    def load(self, contents: Contents, vectors: Iterable[Halves]) -> None:
        """Begin with these faces, in an index without any.

        Raises:
            ValueError: there are not as many embeddings as faces.
        """
        for block in vectors:
            self._vectors.append(block)
        if len(self) != len(contents.ids):
            raise ValueError("A snapshot has another number of embeddings than of faces.")
        self._faces.append(contents.ids)
        faces = np.bincount(contents.whose, minlength=len(contents.persons)).astype(np.int32)
        self._persons.load(contents.persons, faces)
        self._whose = contents.whose
        self._choose_kind()

    def clear(self) -> None:
        """Overwrite every embedding and forget everything."""
        self.removals += 1
        self._vectors.clear()
        if self._codes is not None:
            self._codes.clear()
        self._codes = None
        self._faces = FaceRows()
        self._persons = PersonNumbers()
        self._whose = np.zeros(0, np.uint32)

    def _by_codes(self, codes: Codes, query: Floats, persons: int) -> list[Candidate]:
        """The best persons among the rows that the codes leave."""
        left = max(FEWEST_LEFT_BY_CODES, len(self) // LEFT_BY_CODES)
        while True:
            rows = codes.nearest(query.astype(np.float16), left)
            scores = products(query[np.newaxis], self._vectors.take(rows))[0]
            best = self._best(query, scores.astype(np.float32), rows, persons)
            if len(best) == persons or len(rows) == len(self):
                return best
            left *= 4

    def _best(self, query: Floats, scores: Floats, rows: Rows, persons: int) -> list[Candidate]:
        """The best persons among rows with these scores."""
        wanted = max(_FEWEST_ROWS, persons * _ROWS_PER_PERSON)
        while True:
            places, bound = best_rows(scores, wanted)
            best = self._ranked(query, rows[places])[:persons]
            is_enough = len(best) == persons and best[-1].similarity >= bound
            if is_enough or len(places) == len(rows):
                return best
            wanted *= 4

    def _ranked(self, query: Floats, rows: Rows) -> list[Candidate]:
        """The persons of rows, each by their most similar one; of equals the ids decide."""
        similarities = np.clip(self._vectors.take(rows).astype(np.float32) @ query, -1, 1)
        faces = sorted(
            (-similarity, self._persons.name(int(self._whose[row])), self._faces.face_id(row))
            for row, similarity in zip(rows.tolist(), similarities.tolist(), strict=True)
        )
        best: dict[str, Candidate] = {}
        for below, person_id, face_id in faces:
            if person_id not in best:
                best[person_id] = Candidate(person_id=person_id, face_id=face_id, similarity=-below)
        return list(best.values())

    def _remove_row(self, row: int) -> None:
        self.removals += 1
        self._persons.give_back(int(self._whose[row]))
        last = self._faces.remove(row)
        self._vectors.remove(row)
        if self._codes is not None:
            self._codes.remove(row)
        self._whose[row] = self._whose[last]

    def _choose_kind(self) -> None:
        """Make codes where there are many faces, drop them where there are few again."""
        if self._codes is None and len(self) > self._exact_faces:
            if self.dimensions >= LEAST_DIMENSIONS:
                self._codes = Codes(self.dimensions)
                for _, block in self._vectors.blocks():
                    self._codes.append(block)
        elif self._codes is not None and len(self) < self._exact_faces // 2:
            self._codes.clear()
            self._codes = None

    def _make_room(self, size: int) -> None:
        if size > len(self._whose):
            grown = np.zeros(int(size * _GROWTH) + 16, np.uint32)
            grown[: len(self._whose)] = self._whose
            self._whose = grown
