"""What searches in the benchmark of identification: our index, and what it is compared with."""

from typing import Final, Protocol

import faiss
import numpy as np
from numpy.typing import NDArray
from usearch.index import Index

from benchmarks.identify_faces import DIMENSIONS, Floats, MadeFaces
from cli.launcher.cores import usable_cores
from workers.identities.index.contents import Contents
from workers.identities.index.face_index import FaceIndex

#: Persons our index is asked for; the others are asked for the one most similar face.
PERSONS: Final = 5
#: HNSW: links of a node, and how many candidates are kept while it is built. These are faiss' own
#: defaults, and usearch's.
FAISS_LINKS, FAISS_BUILD = 32, 40
USEARCH_LINKS, USEARCH_BUILD = 16, 128
#: How many candidates graphs keep while they are searched, unless something else is asked for:
#: sixteen times faiss' default, four times usearch's.
CANDIDATES: Final = 256
#: Of usearch's candidates so many are compared exactly.
USEARCH_RANKED = 16


class Engine(Protocol):
    """Finds the most similar stored face."""

    def build(self, faces: MadeFaces) -> None:
        """Take the gallery into memory."""
        ...

    def nearest(self, query: Floats) -> int:
        """The row of the most similar face, by one thread."""
        ...


class OurIndex:
    """The index of a worker, as a snapshot fills it; every face is a person's."""

    def __init__(self, exact_faces: int) -> None:
        self.index = FaceIndex(DIMENSIONS, exact_faces=exact_faces)

    def build(self, faces: MadeFaces) -> None:
        """See Engine."""
        size = len(faces.stored())
        self.index.load(_contents_of(size), faces.blocks())

    def nearest(self, query: Floats) -> int:
        """See Engine."""
        [found] = self.index.search(query[np.newaxis], PERSONS)
        return int(found[0].face_id[-16:], 16)


class PlainNumpy:
    """A float32 matrix times the query, by BLAS."""

    def __init__(self) -> None:
        self._matrix: Floats = np.empty((0, DIMENSIONS), np.float32)

    def build(self, faces: MadeFaces) -> None:
        """See Engine."""
        self._matrix = np.empty((len(faces.stored()), DIMENSIONS), np.float32)
        done = 0
        for block in faces.blocks():
            self._matrix[done : done + len(block)] = block
            done += len(block)

    def nearest(self, query: Floats) -> int:
        """See Engine."""
        return int((self._matrix @ query).argmax())


class Faiss:
    """An index of faiss, float32.

    Args:
        candidates: Of a graph; None: everything is compared.
    """

    def __init__(self, candidates: int | None = None) -> None:
        self._index: faiss.Index = faiss.IndexFlatIP(DIMENSIONS)
        if candidates is not None:
            graph = faiss.IndexHNSWFlat(DIMENSIONS, FAISS_LINKS, faiss.METRIC_INNER_PRODUCT)
            graph.hnsw.efConstruction = FAISS_BUILD
            graph.hnsw.efSearch = candidates
            self._index = graph

    def build(self, faces: MadeFaces) -> None:
        """See Engine."""
        faiss.omp_set_num_threads(usable_cores())
        for block in faces.blocks():
            self._index.add(block.astype(np.float32))
        faiss.omp_set_num_threads(1)

    def nearest(self, query: Floats) -> int:
        """See Engine."""
        _, rows = self._index.search(query[np.newaxis], 1)
        return int(rows[0, 0])


class UsearchGraph:
    """HNSW of usearch on int8, its best candidates compared exactly with the float16 rows."""

    def __init__(self, candidates: int) -> None:
        self._graph = Index(
            ndim=DIMENSIONS,
            metric="cos",
            dtype="i8",
            connectivity=USEARCH_LINKS,
            expansion_add=USEARCH_BUILD,
            expansion_search=candidates,
        )
        self._rows: NDArray[np.float16] = np.empty((0, DIMENSIONS), np.float16)

    def build(self, faces: MadeFaces) -> None:
        """See Engine."""
        self._rows = np.array(faces.stored())
        done = 0
        for block in faces.blocks():
            keys = np.arange(done, done + len(block))
            self._graph.add(keys, block.astype(np.float32), threads=usable_cores())
            done += len(block)

    def nearest(self, query: Floats) -> int:
        """See Engine."""
        keys = self._graph.search(query, USEARCH_RANKED, threads=1).keys.astype(np.int64)
        return int(keys[(self._rows[keys].astype(np.float32) @ query).argmax()])


def _contents_of(size: int) -> Contents:
    """Faces whose ids end with their rows, each of a person of its own."""
    rows = np.arange(size, dtype=np.uint64)
    # Ids are digests: their first numbers are spread (Knuth's multiplicative hashing).
    ids = np.stack([rows * np.uint64(0x9E3779B97F4A7C15), rows], axis=1)
    persons = tuple(f"person-{row:08d}" for row in range(size))
    return Contents(persons=persons, ids=ids, whose=rows.astype(np.uint32))
