"""Embeddings kept between evaluations: taken back only for the same model and photos."""

from pathlib import Path

import numpy as np
import pytest

from cli.kept_vectors import kept_vectors, read_same, renamed
from models.errors import EvaluationDataMissing
from models.evaluation.verification import FaceVectors
from models.results import EmbeddingModel

MODEL = EmbeddingModel(id="net", sha256="a" * 64, preprocessing_version="1")
VECTORS = FaceVectors(
    files=("p_q_1.jpg", "r_1.jpg"), vectors=np.eye(2, dtype=np.float32), not_found=1
)
PHOTOS = {"p_q_1.jpg", "r_1.jpg", "s_1.jpg"}


def never() -> FaceVectors:
    raise AssertionError("they are kept already")


def test_what_was_embedded_is_not_embedded_again(tmp_path: Path) -> None:
    path = tmp_path / "vectors.npz"

    first = kept_vectors(path, MODEL, PHOTOS, lambda: VECTORS)
    again = kept_vectors(path, MODEL, PHOTOS, never)
    fewer = kept_vectors(path, MODEL, {"r_1.jpg"}, never)

    assert first is VECTORS
    for found in (again, fewer):
        assert (found.files, found.not_found) == (VECTORS.files, 1)
        np.testing.assert_array_equal(found.vectors, VECTORS.vectors)


def test_without_a_file_nothing_is_kept(tmp_path: Path) -> None:
    assert kept_vectors(None, MODEL, PHOTOS, lambda: VECTORS) is VECTORS
    assert list(tmp_path.iterdir()) == []


def test_embeddings_of_another_model_or_of_fewer_photos_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "vectors.npz"
    kept_vectors(path, MODEL, PHOTOS, lambda: VECTORS)
    other = EmbeddingModel(id="net", sha256="b" * 64, preprocessing_version="1")

    with pytest.raises(EvaluationDataMissing, match="holds embeddings by net"):
        kept_vectors(path, other, PHOTOS, never)
    with pytest.raises(EvaluationDataMissing, match="made of fewer photos"):
        kept_vectors(path, MODEL, {*PHOTOS, "t_1.jpg"}, never)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut"])
def test_a_file_that_holds_no_embeddings_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "vectors.npz"
    path.write_bytes(content)

    with pytest.raises(EvaluationDataMissing, match="holds no embeddings"):
        kept_vectors(path, MODEL, PHOTOS, never)


def test_two_names_of_one_person_become_one(tmp_path: Path) -> None:
    path = tmp_path / "same.csv"
    path.write_text("name,same_as\np_q,r\n")

    assert renamed(VECTORS, read_same(path)).files == ("r_1.jpg", "r_1.jpg")
    assert renamed(VECTORS, {}).files == VECTORS.files
