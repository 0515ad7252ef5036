"""Embeddings, on sessions whose answer is known."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from models.catalogue import load_catalogue
from models.contract import Tensors
from models.errors import CatalogueError, InferenceFailed
from models.network import Network
from models.recognition.chips import ARCFACE_SIZE, ARCFACE_TEMPLATE
from models.recognition.embedder import FaceEmbedder, preprocessing_version
from models.results import Box, DetectedFace, Points
from models.session import open_session
from models.spec import ModelSpec, PinnedFile, PixelInput, Variant
from models.testing import ScriptedSession, tiny_embedder

CATALOGUE = load_catalogue()
RNG = np.random.default_rng(1)
PHOTO = RNG.integers(0, 256, (ARCFACE_SIZE, ARCFACE_SIZE, 3), np.uint8)


def face(landmarks: Points = ARCFACE_TEMPLATE, box: Box | None = None) -> DetectedFace:
    whole = Box(x=0, y=0, width=ARCFACE_SIZE, height=ARCFACE_SIZE)
    return DetectedFace(box=box or whole, confidence=0.9, landmarks=landmarks)


def pinned(name: str) -> ModelSpec:
    """The entry with some hash, also where the catalogue has none."""
    file = PinnedFile(name="net.onnx", size_bytes=1, sha256="0" * 64)
    return CATALOGUE.model(name).model_copy(update={"file": file})


def means(spec: ModelSpec) -> Callable[[Tensors], Tensors]:
    """The mean of each channel as the network saw them, then zeros."""
    [feed], [answer] = spec.inputs, spec.outputs
    size = spec.outputs[answer].dims[-1]
    assert isinstance(size, int)

    def run(feeds: Tensors) -> Tensors:
        rows = feeds[feed].mean(axis=(2, 3))
        return {answer: np.pad(rows, ((0, 0), (0, size - 3))).astype(np.float32)}

    return run


def constant(spec: ModelSpec, row: NDArray[np.float32]) -> ScriptedSession:
    [answer] = spec.outputs
    return ScriptedSession.of(spec, {answer: row[None]})


def embedder(spec: ModelSpec, session: ScriptedSession) -> FaceEmbedder:
    return FaceEmbedder(Network(spec=spec, session=session))


RECOGNISERS = sorted(spec.id for spec in CATALOGUE.models.values() if spec.family == "embedder")


def test_an_embedding_has_unit_length_and_float32() -> None:
    spec = pinned("sface")
    image = np.full((ARCFACE_SIZE, ARCFACE_SIZE, 3), (30, 40, 0), np.uint8)

    [embedding] = embedder(spec, ScriptedSession.of(spec, means(spec))).embed(image, [face()])

    assert embedding.vector.dtype == np.float32
    assert embedding.vector[:3].tolist() == pytest.approx([0.6, 0.8, 0])


@pytest.mark.parametrize(
    ("name", "order", "mean", "std"),
    [
        ("sface", (0, 1, 2), 0.0, 1.0),
        ("mobilefacenet_512", (2, 1, 0), 127.0, 128.0),
        ("adaface_ir101", (2, 1, 0), 127.5, 127.5),
        ("arcface_r100", (0, 1, 2), 127.5, 127.5),
        ("edgeface_xs", (0, 1, 2), 127.5, 127.5),
        (
            "mobilefacenet_128",
            (0, 1, 2),
            (0.485 * 255, 0.456 * 255, 0.406 * 255),
            (0.229 * 255, 0.224 * 255, 0.225 * 255),
        ),
    ],
)
def test_each_network_sees_the_aligned_chip_in_its_own_colours(
    name: str, order: tuple[int, ...], mean: float | tuple[float], std: float | tuple[float]
) -> None:
    spec = pinned(name)
    session = ScriptedSession.of(spec, means(spec))

    embedder(spec, session).embed(PHOTO, [face()])

    [seen] = session.runs[0].values()
    expected = (PHOTO[:, :, order].astype(np.float64) - np.array(mean)) / np.array(std)
    np.testing.assert_allclose(seen[0], expected.transpose(2, 0, 1), atol=1e-4)


def test_facenet_sees_the_box_with_its_margin_upright() -> None:
    spec = pinned("facenet_vggface2")
    session = ScriptedSession.of(spec, means(spec))
    image = np.zeros((300, 400, 3), np.uint8)
    # A box of 146 pixels and facenet-pytorch's margin of 14 make a chip of 160 without scaling.
    image[50:210, 100:260] = RNG.integers(0, 256, (160, 160, 3), np.uint8)
    tilted = np.array([[200, 60], [220, 160], [150, 130], [110, 90], [130, 180]], np.float32)

    embedder(spec, session).embed(image, [face(tilted, Box(x=107, y=57, width=146, height=146))])

    [seen] = session.runs[0].values()
    expected = (image[50:210, 100:260].astype(np.float64) - 127.5) / 128
    np.testing.assert_allclose(seen[0], expected.transpose(2, 0, 1), atol=1e-6)


def test_a_facenet_graph_answers_what_it_computes_of_a_normalised_chip() -> None:
    # A real graph of FaceNet's input: the mean of each channel, three times over.
    session = open_session(tiny_embedder(size=9, side=160))
    network = Network(spec=pinned("facenet_vggface2"), session=session)
    image = np.full((200, 300, 3), (255, 127, 0), np.uint8)

    [found] = FaceEmbedder(network).embed(image, [face(box=Box(x=9, y=9, width=90, height=120))])

    means_of_channels = (np.array([255, 127, 0]) - 127.5) / 128
    expected = np.tile(means_of_channels, 3) / np.linalg.norm(np.tile(means_of_channels, 3))
    np.testing.assert_allclose(found.vector, expected, atol=1e-6)


def test_faces_are_run_in_allowed_batches_and_answered_in_order() -> None:
    spec = pinned("sface").model_copy(update={"batch_buckets": (1, 4)})
    session = ScriptedSession.of(spec, means(spec))
    image = np.zeros((ARCFACE_SIZE, 20 * ARCFACE_SIZE, 3), np.uint8)
    for i in range(7):
        image[:, 2 * i * ARCFACE_SIZE : (2 * i + 1) * ARCFACE_SIZE] = (10 + i, 10, 10)
    faces = [
        face(ARCFACE_TEMPLATE + np.array([2 * i * ARCFACE_SIZE, 0], np.float32)) for i in range(7)
    ]

    found = embedder(spec, session).embed(image, faces)

    assert [run["data"].shape[0] for run in session.runs] == [4, 1, 1, 1]
    ratios = [float(item.vector[0] / item.vector[1]) for item in found]
    assert ratios == sorted(ratios)
    assert ratios[0] == pytest.approx(1, abs=0.02)


def test_without_faces_nothing_is_run() -> None:
    spec = pinned("sface")
    session = ScriptedSession.of(spec, means(spec))

    assert embedder(spec, session).embed(np.zeros((9, 9, 3), np.uint8), []) == []
    assert session.runs == []


@pytest.mark.parametrize(
    ("value", "message"),
    [(0.0, "sface .* no direction"), (np.nan, "no numbers"), (np.inf, "no numbers")],
)
def test_a_vector_without_a_direction_is_an_error(value: float, message: str) -> None:
    spec = pinned("sface")
    row = np.full(128, value, np.float32)

    with pytest.raises(InferenceFailed, match=message):
        embedder(spec, constant(spec, row)).embed(PHOTO, [face()])


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_a_very_short_or_long_vector_still_has_its_direction(scale: float) -> None:
    spec = pinned("sface")
    row = np.zeros(128, np.float32)
    row[:2] = (3 * scale, -4 * scale)

    [found] = embedder(spec, constant(spec, row)).embed(PHOTO, [face()])

    assert found.vector[:2].tolist() == pytest.approx([0.6, -0.8])


def test_an_embedding_says_what_made_it() -> None:
    spec = pinned("adaface_ir101")

    [found] = embedder(spec, ScriptedSession.of(spec, means(spec))).embed(PHOTO, [face()])

    assert (found.model.id, found.model.sha256) == ("adaface_ir101", "0" * 64)
    assert found.model.preprocessing_version == "1 arcface_112 bgr mean=127.5 std=127.5"


def test_embeddings_by_rounded_weights_are_not_compared_with_others() -> None:
    spec = pinned("sface")
    session = ScriptedSession.of(spec, means(spec))
    variants: tuple[Variant, ...] = ("fp32", "fused", "int8")

    versions = [
        FaceEmbedder(Network(spec=spec, session=session, variant=variant)).model
        for variant in variants
    ]

    assert versions[0] == versions[1] != versions[2]


def test_another_colour_order_is_another_preprocessing() -> None:
    rgb, bgr = PixelInput(colour="rgb"), PixelInput(colour="bgr")

    versions = {
        preprocessing_version(template, pixels)
        for template in ("arcface_112", "facenet_160")
        for pixels in (rgb, bgr)
    }

    assert len(versions) == 4


@pytest.mark.parametrize("field", ["template", "pixels"])
def test_an_entry_that_does_not_say_how_to_feed_it_is_refused(field: str) -> None:
    spec = pinned("sface").model_copy(update={field: None})

    with pytest.raises(CatalogueError, match="sface"):
        embedder(spec, ScriptedSession.of(spec, means(spec)))


@pytest.mark.parametrize("name", RECOGNISERS)
def test_every_recognition_entry_can_be_fed(name: str) -> None:
    spec = pinned(name)
    session = ScriptedSession.of(spec, means(spec))

    [found] = embedder(spec, session).embed(PHOTO, [face()])

    assert found.vector.shape == (embedder(spec, session).embedding_size,)
