"""Embeddings, on a session whose answer is known."""

import numpy as np
import pytest

from models.catalogue import load_catalogue
from models.contract import Tensors
from models.network import Network
from models.recognition.embedder import CHIP_SIZE, TEMPLATE, FaceEmbedder
from models.results import Box, DetectedFace, Points
from models.testing import ScriptedSession


def _face(landmarks: Points) -> DetectedFace:
    return DetectedFace(box=Box(x=0, y=0, width=1, height=1), confidence=0.9, landmarks=landmarks)


def _means(feeds: Tensors) -> Tensors:
    """The mean of each channel, then zeros."""
    means = feeds["data"].mean(axis=(2, 3))
    return {"fc1": np.pad(means, ((0, 0), (0, 125))).astype(np.float32)}


def _network(session: ScriptedSession, buckets: tuple[int, ...] = (1,)) -> Network:
    spec = load_catalogue().model("sface").model_copy(update={"batch_buckets": buckets})
    return Network(spec=spec, session=session)


@pytest.fixture
def session() -> ScriptedSession:
    return ScriptedSession.of(load_catalogue().model("sface"), _means)


def test_an_embedding_has_unit_length_and_float32(session: ScriptedSession) -> None:
    image = np.full((CHIP_SIZE, CHIP_SIZE, 3), (30, 40, 0), np.uint8)
    [embedding] = FaceEmbedder(_network(session)).embed(image, [_face(TEMPLATE)])
    assert embedding.vector.dtype == np.float32
    assert embedding.vector[:3].tolist() == pytest.approx([0.6, 0.8, 0])


def test_the_network_sees_the_aligned_chip_red_first_unscaled(session: ScriptedSession) -> None:
    image = np.random.default_rng(1).integers(0, 256, (CHIP_SIZE, CHIP_SIZE, 3), np.uint8)
    FaceEmbedder(_network(session)).embed(image, [_face(TEMPLATE)])
    np.testing.assert_array_equal(session.runs[0]["data"][0], image.transpose(2, 0, 1))


def test_faces_are_run_in_allowed_batches_and_answered_in_order(session: ScriptedSession) -> None:
    image = np.zeros((CHIP_SIZE, 20 * CHIP_SIZE, 3), np.uint8)
    for i in range(7):
        image[:, 2 * i * CHIP_SIZE : (2 * i + 1) * CHIP_SIZE] = (10 + i, 10, 10)
    faces = [_face(TEMPLATE + np.array([2 * i * CHIP_SIZE, 0], np.float32)) for i in range(7)]
    found = FaceEmbedder(_network(session, (1, 4))).embed(image, faces)
    assert [run["data"].shape[0] for run in session.runs] == [4, 1, 1, 1]
    ratios = [float(item.vector[0] / item.vector[1]) for item in found]
    assert ratios == sorted(ratios)
    assert ratios[0] == pytest.approx(1, abs=0.02)


def test_without_faces_nothing_is_run(session: ScriptedSession) -> None:
    assert FaceEmbedder(_network(session)).embed(np.zeros((9, 9, 3), np.uint8), []) == []
    assert session.runs == []


def test_the_size_is_that_of_the_graph(session: ScriptedSession) -> None:
    assert FaceEmbedder(_network(session)).embedding_size == 128
