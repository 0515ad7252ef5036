"""Models, gates and verdicts put together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from models.catalogue import load_catalogue
from models.deepfake.classifier import DeepfakeClassifier
from models.deepfake.detector import DeepfakeDetector, model_of
from models.deepfake.judge import Gate
from models.deepfake.results import VerdictThresholds
from models.errors import CatalogueError
from models.network import Network
from models.results import Box, DetectedFace, Image
from models.spec import ModelSpec
from models.testing import ScriptedSession

CATALOGUE = load_catalogue()
GATE = Gate(min_face_pixels=60, min_sharpness=5)
THRESHOLDS = VerdictThresholds(authentic=0.3, manipulated=0.7)


@dataclass
class Brightness:
    """Says how bright a face's box is, 0 to 1."""

    spec: ModelSpec
    thresholds: VerdictThresholds | None = THRESHOLDS
    factor: float = 1.0

    def chips(self, image: Image, faces: Sequence[DetectedFace]) -> list[Image]:
        found = []
        for face in faces:
            x, y, side = int(face.box.x), int(face.box.y), int(face.box.width)
            found.append(image[y : y + side, x : x + side])
        return found

    def of_chips(self, chips: Sequence[Image]) -> list[float]:
        return [float(chip.mean()) / 255 * self.factor for chip in chips]


OWN = Brightness(CATALOGUE.model("facesocial_deepfake"))
OTHER = Brightness(CATALOGUE.model("meso4_df"), thresholds=None, factor=0.5)


def face(x: float, side: float = 80) -> DetectedFace:
    box = Box(x=x, y=0, width=side, height=side)
    return DetectedFace(box=box, confidence=1, landmarks=np.zeros((5, 2), np.float32))


def image() -> Image:
    """Sharp grey noise, dark on the left, bright in the middle; smooth and bright on the right."""
    noise = np.random.default_rng(0).integers(0, 40, (100, 300, 1)).repeat(3, axis=2)
    levels = np.repeat([10, 215], [100, 200])[None, :, None] + noise
    levels[:, 200:] = 250
    return levels.astype(np.uint8)


def test_faces_are_scored_in_their_order_and_gated() -> None:
    detector = DeepfakeDetector([OWN], gate=GATE)

    dark, bright, smooth, small = detector.score(
        image(), [face(0), face(110), face(210), face(110, 50)]
    )

    assert dark.probability < 0.2
    assert bright.probability > 0.8
    assert (dark.usable, bright.usable) == (True, True)
    assert smooth.reasons == ("face_blurred",)
    assert small.reasons == ("face_too_small",)
    assert (smooth.usable, small.usable) == (False, False)


def test_verdicts_follow_the_scores_and_the_gate() -> None:
    detector = DeepfakeDetector([OWN], gate=GATE)

    verdicts = detector.judge(image(), [face(0), face(110), face(210)])

    assert [found.verdict for found in verdicts] == ["authentic", "manipulated", "inconclusive"]
    assert detector.judge_image(image(), [face(0), face(110)]).verdict == "manipulated"
    assert detector.judge_image(image(), []).reasons == ("no_face",)


def test_the_first_model_decides_and_the_others_are_shown() -> None:
    detector = DeepfakeDetector([OWN, OTHER], gate=GATE)

    (score,) = detector.score(image(), [face(110)])

    assert score.probability == score.by_model["facesocial_deepfake"]
    assert score.by_model["meso4_df"] == pytest.approx(score.probability / 2)
    assert detector.thresholds == THRESHOLDS


def test_an_average_of_models_has_no_measured_thresholds() -> None:
    weights = {"facesocial_deepfake": 1.0, "meso4_df": 1.0}
    detector = DeepfakeDetector([OWN, OTHER], weights=weights, gate=GATE)

    (score,) = detector.score(image(), [face(110)])

    assert score.probability == pytest.approx(0.75 * score.by_model["facesocial_deepfake"])
    assert detector.thresholds is None
    assert detector.judge(image(), [face(110)])[0].reasons == ("model_uncalibrated",)


def test_a_model_with_all_the_weight_brings_its_thresholds() -> None:
    weights = {"facesocial_deepfake": 1.0, "meso4_df": 0.0}

    assert DeepfakeDetector([OTHER, OWN], weights=weights, gate=GATE).thresholds == THRESHOLDS


def test_models_and_weights_must_be_there() -> None:
    with pytest.raises(ValueError, match="at least one"):
        DeepfakeDetector([])
    with pytest.raises(ValueError, match="not loaded"):
        DeepfakeDetector([OWN], weights={"meso4_df": 1.0})
    with pytest.raises(ValueError, match="above 0"):
        DeepfakeDetector([OWN], weights={"facesocial_deepfake": 0.0})


def test_the_family_decides_the_class() -> None:
    spec = CATALOGUE.model("meso_inception_df")
    session = ScriptedSession.of(spec, {"prob_real": np.zeros((1, 1), np.float32)})

    assert isinstance(model_of(Network(spec=spec, session=session)), DeepfakeClassifier)


def test_other_families_are_no_deepfake_detectors() -> None:
    spec = CATALOGUE.model("yunet")
    session = ScriptedSession.of(spec, {})

    with pytest.raises(CatalogueError, match="yunet"):
        model_of(Network(spec=spec, session=session))
