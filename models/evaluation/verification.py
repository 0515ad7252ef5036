"""Recognition models on labelled pairs, by the protocol of Labeled Faces in the Wild (LFW).

A set is a folder with `pairs.csv` (fold, same, file_a, file_b) and `images/`; a file is named after
the person, then `_` and a number (G. Huang et al., 2007).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.errors import EvaluationDataMissing
from models.evaluation.images import read_image
from models.evaluation.labels import Tick, no_tick, read_labels, thinned
from models.recognition.ensemble import Embedder
from models.results import DetectedFace, Image

#: Finds the faces of an image, (H, W, 3) uint8 RGB.
Find = Callable[[Image], Sequence[DetectedFace]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Two photos, and whether they show one person."""

    fold: int
    same: bool
    file_a: str
    file_b: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LocatedFaces:
    """The photos of a set with the face of each that counts: found once, for all models."""

    #: The set's folder.
    data: Path
    #: By file name; None where no face was found.
    faces: dict[str, DetectedFace | None]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FaceVectors:
    """The embeddings of a set by one model."""

    #: Names of the photos that have one.
    files: tuple[str, ...]
    #: (N, D) float32, each of L2 norm 1, in the order of the files.
    vectors: NDArray[np.float32]
    #: How many photos have none, because no face was found.
    not_found: int


def read_pairs(data: Path, limit: int | None = None) -> list[Pair]:
    """The pairs of a set, or so many of them, spread over folds and answers.

    Raises:
        EvaluationDataMissing: there is no `pairs.csv`, a column is missing or wrong, or the pairs
            are of one fold only, so that no other fold can choose its threshold.
    """
    path = data / "pairs.csv"
    rows = read_labels(path, ("fold", "same", "file_a", "file_b"))
    try:
        pairs = [
            Pair(
                fold=int(row["fold"]),
                same=bool(int(row["same"])),
                file_a=row["file_a"],
                file_b=row["file_b"],
            )
            for row in rows
        ]
    except ValueError as error:
        raise EvaluationDataMissing(f"{path}: fold and same must be numbers: {error}.") from error
    pairs = thinned(sorted(pairs, key=lambda pair: (pair.fold, pair.same)), limit)
    if len({(pair.fold, pair.same) for pair in pairs}) < 2 * max(
        2, len({pair.fold for pair in pairs})
    ):
        raise EvaluationDataMissing(
            f"{path}: {len(pairs)} pairs are too few: at least two folds are needed, and in each"
            " fold pairs of one person and of two."
        )
    return pairs


def person_of(file: str) -> str:
    """Who a photo shows: its name up to the last underscore."""
    return file.rpartition("_")[0]


def locate_faces(
    data: Path, pairs: Sequence[Pair], find: Find, *, tick: Tick = no_tick
) -> LocatedFaces:
    """Find in each photo of the pairs the face nearest its centre, which is the person named.

    In LFW every fifth photo shows a second person.

    Raises:
        EvaluationDataMissing: a photo is missing.
        InferenceFailed: the runtime refused a run.
    """
    files = sorted({name for pair in pairs for name in (pair.file_a, pair.file_b)})
    faces: dict[str, DetectedFace | None] = {}
    for done, file in enumerate(files, start=1):
        image = read_image(data / "images" / file)
        faces[file] = nearest_centre(image, find(image))
        tick(done, len(files))
    return LocatedFaces(data=data, faces=faces)


def nearest_centre(image: Image, faces: Sequence[DetectedFace]) -> DetectedFace | None:
    """The face whose box lies nearest the middle of the image."""
    height, width = image.shape[:2]

    def distance(face: DetectedFace) -> float:
        box = face.box
        return float(
            np.hypot(box.x + box.width / 2 - width / 2, box.y + box.height / 2 - height / 2)
        )

    return min(faces, key=distance, default=None)


def embed_faces(located: LocatedFaces, embedder: Embedder, *, tick: Tick = no_tick) -> FaceVectors:
    """Embed the located face of each photo once.

    Raises:
        EvaluationDataMissing: in no photo a face was found, or a photo has gone.
        InferenceFailed: the runtime refused a run.
    """
    files: list[str] = []
    rows: list[NDArray[np.float32]] = []
    for done, (file, face) in enumerate(located.faces.items(), start=1):
        if face is not None:
            [embedding] = embedder.embed(read_image(located.data / "images" / file), [face])
            files.append(file)
            rows.append(embedding.vector)
        tick(done, len(located.faces))
    if not rows:
        raise EvaluationDataMissing(f"No face was found in the photos of {located.data}.")
    return FaceVectors(
        files=tuple(files), vectors=np.stack(rows), not_found=len(located.faces) - len(files)
    )


def pair_cosines(vectors: FaceVectors, pairs: Sequence[Pair]) -> NDArray[np.float32]:
    """The cosine of each pair, (P,); -1 where a face was not found, so that nothing matches it."""
    place = {file: i for i, file in enumerate(vectors.files)}

    def cosine(pair: Pair) -> np.float32:
        if pair.file_a not in place or pair.file_b not in place:
            return np.float32(-1)
        a, b = vectors.vectors[place[pair.file_a]], vectors.vectors[place[pair.file_b]]
        return np.float32(a @ b)

    return np.array([cosine(pair) for pair in pairs], np.float32)
