"""Embeddings of a labelled set, kept between evaluations of the same model."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from models.errors import EvaluationDataMissing
from models.evaluation.labels import read_labels
from models.evaluation.verification import FaceVectors, person_of
from models.results import EmbeddingModel


def kept_vectors(
    path: Path | None,
    model: EmbeddingModel,
    photos: AbstractSet[str],
    embed: Callable[[], FaceVectors],
) -> FaceVectors:
    """The embeddings a file holds, or those made now, which are kept in it.

    Args:
        path: The file; None: nothing is kept.
        model: What makes them; a file of another model's is refused.
        photos: Names of those that are wanted; a file that was made without one is refused.
        embed: Makes them.

    Raises:
        EvaluationDataMissing: the file is none of ours, or holds another model's.
        OSError: it can't be written.
    """
    made_by = [model.id, model.sha256, model.preprocessing_version]
    if path is None:
        return embed()
    if path.exists():
        return _read(path, made_by, photos)
    vectors = embed()
    with path.open("xb") as file:
        np.savez(
            file,
            files=np.array(vectors.files),
            vectors=vectors.vectors,
            not_found=np.array(vectors.not_found),
            made_by=np.array(made_by),
            photos=np.array(sorted(photos)),
        )
    return vectors


def _read(path: Path, made_by: list[str], photos: AbstractSet[str]) -> FaceVectors:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            found = FaceVectors(
                files=tuple(map(str, kept["files"])),
                vectors=kept["vectors"],
                not_found=int(kept["not_found"]),
            )
            theirs = list(map(str, kept["made_by"]))
            looked_at = set(map(str, kept["photos"]))
    except (OSError, ValueError, KeyError, BadZipFile, EOFError) as error:
        raise EvaluationDataMissing(f"{path} holds no embeddings: {error}") from error
    if theirs != made_by:
        raise EvaluationDataMissing(
            f"{path} holds embeddings by {theirs[0]} ({theirs[1][:12]}). Give another file."
        )
    if not photos <= looked_at:
        raise EvaluationDataMissing(f"{path} was made of fewer photos. Give another file.")
    return found


def read_same(path: Path) -> dict[str, str]:
    """Names of people whom a set has under two names.

    Args:
        path: CSV with the columns `name` and `same_as`.

    Raises:
        EvaluationDataMissing: there is no such file, or a column is missing.
    """
    return {row["name"]: row["same_as"] for row in read_labels(path, ("name", "same_as"))}


def renamed(vectors: FaceVectors, same: Mapping[str, str]) -> FaceVectors:
    """The same embeddings, with each person under one name."""
    files = []
    for file in vectors.files:
        person = person_of(file)
        files.append(same.get(person, person) + file[len(person) :])
    return replace(vectors, files=tuple(files))
