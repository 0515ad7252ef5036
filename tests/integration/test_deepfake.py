"""Deepfake detection with real weights: directions, traps, and a known answer."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from models.catalogue import load_catalogue
from models.deepfake.classifier import DeepfakeClassifier
from models.deepfake.clip_head import ClipHead, load_head
from models.deepfake.detector import DeepfakeDetector
from models.deepfake.features import face_of_crop
from models.deepfake.results import DeepfakeScore
from models.detection.search import FaceSearch, SearchOptions
from models.detection.yunet import YuNet
from models.evaluation.images import read_image
from models.geometry import resize
from models.loading import open_network
from models.network import Network
from models.results import DetectedFace, Image
from models.session import open_session
from models.weights.store import WeightStore

CATALOGUE = load_catalogue()
MESONETS = {"meso4_df": "Meso4_DF.onnx", "meso_inception_df": "MesoInception_DF.onnx"}

pytestmark = pytest.mark.weights


def find(store: WeightStore, image: Image) -> Sequence[DetectedFace]:
    yunet = YuNet(open_network(store, CATALOGUE, CATALOGUE.model("yunet")))
    options = SearchOptions(min_confidence=0.5, max_faces=20)
    return FaceSearch(yunet).find(image, options).faces


def sample(store: WeightStore, name: str) -> Image:
    return read_image(store.path(CATALOGUE.samples[name].file))


@pytest.fixture(scope="module")
def own(weights: WeightStore) -> ClipHead:
    return ClipHead(open_network(weights, CATALOGUE, CATALOGUE.model("facesocial_deepfake")))


@pytest.fixture(scope="module")
def group_photo(weights: WeightStore) -> tuple[Image, Sequence[DetectedFace]]:
    """Six real faces of about 130 pixels in a JPEG."""
    image = sample(weights, "t1")
    return image, find(weights, image)


def mesonet(shared: Path, model: str) -> DeepfakeClassifier:
    session = open_session(shared / "models" / MESONETS[model])
    return DeepfakeClassifier(Network(spec=CATALOGUE.model(model), session=session))


def test_the_head_gives_the_known_answer(own: ClipHead, weights: WeightStore) -> None:
    image = sample(weights, "astronaut")

    found = own.scores(image, find(weights, image))

    # The encoder quantises while it runs, so a processor's rounding moves a score a little; scores
    # of faces lie between about -13 and 13.
    assert found.raw[0, 0] == pytest.approx(-12.54, abs=1)
    assert found.raw[0, 1] == pytest.approx(0.22, abs=1)
    assert found.probabilities[0] < load_head().thresholds.manipulated


def test_real_faces_of_a_group_photo_are_not_called_manipulated(
    own: ClipHead, group_photo: tuple[Image, Sequence[DetectedFace]]
) -> None:
    image, faces = group_photo

    verdicts = DeepfakeDetector([own]).judge(image, faces)

    assert len(verdicts) == 6
    assert "manipulated" not in [verdict.verdict for verdict in verdicts]


def test_several_faces_score_what_each_scores_alone(
    own: ClipHead, group_photo: tuple[Image, Sequence[DetectedFace]]
) -> None:
    image, faces = group_photo

    together = own.probabilities(image, faces[:3])

    alone = [own.probabilities(image, [face])[0] for face in faces[:3]]
    assert together == pytest.approx(alone, rel=1e-9)


def test_small_enlarged_faces_are_inconclusive_however_alarming_mesonet_finds_them(
    shared: Path, group_photo: tuple[Image, Sequence[DetectedFace]]
) -> None:
    image, faces = group_photo
    smaller = resize(image, image.shape[1] // 2, image.shape[0] // 2)
    halves = [_halved(face) for face in faces]
    detector = DeepfakeDetector([mesonet(shared, "meso_inception_df")])

    scores = detector.score(smaller, halves)
    verdict = detector.judge_image(smaller, halves)

    # The trap: all six people are real.
    assert max(score.probability for score in scores) > 0.9
    assert {score.reasons for score in scores} == {("face_too_small",)}
    assert (verdict.verdict, verdict.reasons) == ("inconclusive", ("face_too_small",))


def test_mesonet_gives_no_firm_verdict_on_large_faces_either(
    shared: Path, group_photo: tuple[Image, Sequence[DetectedFace]]
) -> None:
    image, faces = group_photo
    detector = DeepfakeDetector([mesonet(shared, "meso_inception_df")])

    large = [
        face
        for face, score in zip(faces, detector.score(image, faces), strict=True)
        if score.usable
    ]

    assert {verdict.verdict for verdict in detector.judge(image, large)} == {"inconclusive"}
    assert {verdict.reasons for verdict in detector.judge(image, large)} == {
        ("model_uncalibrated",)
    }


@pytest.mark.parametrize("model", sorted(MESONETS))
def test_mesonet_tells_its_authors_samples_apart_in_the_right_direction(
    shared: Path, model: str
) -> None:
    classifier = mesonet(shared, model)
    folder = shared / "data" / "deepfake_stills" / "mesonet"
    crop = classifier.spec.crop
    assert crop is not None

    def manipulated(name: str) -> float:
        image = read_image(folder / name)
        return classifier.probabilities(image, [face_of_crop(image, crop)])[0]

    assert min(manipulated("df00204.jpg"), manipulated("df01254.jpg")) > 0.9
    assert max(manipulated("real00240.jpg"), manipulated("real00772.jpg")) < 0.1


def test_a_mesonet_batch_gives_what_single_faces_give(
    shared: Path, group_photo: tuple[Image, Sequence[DetectedFace]]
) -> None:
    image, faces = group_photo
    classifier = mesonet(shared, "meso4_df")

    together = classifier.probabilities(image, faces)

    alone = [classifier.probabilities(image, [face])[0] for face in faces]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_a_real_and_a_fake_dfdc_frame_are_told_apart(
    own: ClipHead, weights: WeightStore, shared: Path
) -> None:
    folder = shared / "data" / "deepfake_stills" / "dfdc"
    detector = DeepfakeDetector([own])

    def scored(name: str) -> DeepfakeScore:
        image = read_image(folder / name)
        return detector.score(image, find(weights, image)[:1])[0]

    real, fake = scored("lynaeydofd_fr0.jpg"), scored("mqzvfufzoq_fr0.jpg")
    assert real.usable
    assert fake.usable
    assert real.probability < 0.5 < fake.probability


def _halved(face: DetectedFace) -> DetectedFace:
    box = face.box
    return DetectedFace(
        box=type(box)(x=box.x / 2, y=box.y / 2, width=box.width / 2, height=box.height / 2),
        confidence=face.confidence,
        landmarks=face.landmarks / np.float32(2),
    )
