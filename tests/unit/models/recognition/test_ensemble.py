"""The ensemble: a weighted mean of cosines, and an identity of its own."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from models.catalogue import load_catalogue
from models.errors import EmbeddingsIncomparable
from models.recognition.ensemble import RecognitionEnsemble, ensemble_id, member_weights
from models.recognition.verify import cosine
from models.results import Box, DetectedFace, Embedding, EmbeddingModel, Image

IMAGE = np.zeros((4, 4, 3), np.uint8)
TABLE = load_catalogue().ensembles["recognition"]


class Known:
    """Answers every face with the next of its vectors."""

    def __init__(self, name: str, vectors: Sequence[NDArray[np.float32]]) -> None:
        self.model = EmbeddingModel(id=name, sha256=name * 4, preprocessing_version="1")
        self._vectors = vectors

    def embed(self, _image: Image, faces: Sequence[DetectedFace]) -> list[Embedding]:
        return [
            Embedding(vector=vector, model=self.model)
            for vector, _ in zip(self._vectors, faces, strict=False)
        ]


def unit(seed: int, size: int) -> NDArray[np.float32]:
    vector = np.random.default_rng(seed).normal(size=size)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


FACE = DetectedFace(
    box=Box(x=0, y=0, width=1, height=1), confidence=1, landmarks=np.zeros((5, 2), np.float32)
)
MEMBERS = [Known("b", [unit(1, 8), unit(2, 8)]), Known("a", [unit(3, 5), unit(4, 5)])]


def test_its_cosine_is_the_weighted_mean_of_its_members() -> None:
    ensemble = RecognitionEnsemble(MEMBERS, {"a": 0.5, "b": 1.5, "c": 9})

    one, other = ensemble.embed(IMAGE, [FACE, FACE])

    cosines = {member.model.id: cosine(*member.embed(IMAGE, [FACE, FACE])) for member in MEMBERS}
    expected = (0.5 * cosines["a"] + 1.5 * cosines["b"]) / 2
    assert cosine(one, other) == pytest.approx(expected, abs=1e-6)
    assert np.linalg.norm(one.vector) == pytest.approx(1, abs=1e-6)


def test_its_order_does_not_depend_on_the_members_order() -> None:
    weights = {"a": 1.0, "b": 2.0}
    forth = RecognitionEnsemble(MEMBERS, weights)
    back = RecognitionEnsemble(MEMBERS[::-1], weights)

    [one], [other] = forth.embed(IMAGE, [FACE]), back.embed(IMAGE, [FACE])

    assert forth.model.id == "a+b" == ensemble_id(["b", "a"])
    assert cosine(one, other) == pytest.approx(1)


def test_other_weights_make_embeddings_that_can_t_be_compared() -> None:
    [one] = RecognitionEnsemble(MEMBERS, {"a": 1, "b": 1}).embed(IMAGE, [FACE])
    [other] = RecognitionEnsemble(MEMBERS, {"a": 1, "b": 2}).embed(IMAGE, [FACE])
    [scaled] = RecognitionEnsemble(MEMBERS, {"a": 3, "b": 3}).embed(IMAGE, [FACE])

    assert cosine(one, scaled) == pytest.approx(1)
    with pytest.raises(EmbeddingsIncomparable):
        cosine(one, other)


@pytest.mark.parametrize(
    ("members", "weights"),
    [
        (MEMBERS[:1], {"b": 1.0}),
        ([MEMBERS[0], MEMBERS[0]], {"b": 1.0}),
        (MEMBERS, {"a": 1.0}),
        (MEMBERS, {"a": 1.0, "b": 0.0}),
    ],
)
def test_too_few_members_or_weights_are_refused(
    members: list[Known], weights: dict[str, float]
) -> None:
    with pytest.raises(ValueError, match=r"ensemble|weight"):
        RecognitionEnsemble(members, weights)


def test_the_catalogue_s_weights_are_those_of_the_inventory() -> None:
    assert TABLE == {"adaface_ir101": 0.25, "facenet_vggface2": 0.5, "arcface_r100": 0.25}


def test_a_member_outside_the_table_counts_as_much_as_a_listed_one_on_average() -> None:
    weights = member_weights(["facenet_vggface2", "sface"], TABLE)

    assert weights == {"facenet_vggface2": 0.5, "sface": pytest.approx(1 / 3)}
    assert member_weights(["sface", "net"], {}) == {"sface": 1.0, "net": 1.0}
