"""Published classifiers: which number means manipulated, and what is fed."""

import numpy as np
import pytest

from models.catalogue import load_catalogue
from models.contract import Tensors
from models.deepfake.classifier import DeepfakeClassifier, manipulated
from models.errors import CatalogueError
from models.network import Network
from models.results import Box, DetectedFace, Image
from models.spec import ModelSpec
from models.testing import ScriptedSession

VIT = load_catalogue().model("deepfake_vit")
MESO = load_catalogue().model("meso4_df")


def face(x: float, y: float = 0, side: float = 100) -> DetectedFace:
    box = Box(x=x, y=y, width=side, height=side)
    return DetectedFace(box=box, confidence=1, landmarks=np.zeros((5, 2), np.float32))


def half_and_half() -> Image:
    """Red on the left, blue on the right."""
    image = np.zeros((200, 400, 3), np.uint8)
    image[:, :200, 0] = 255
    image[:, 200:, 2] = 255
    return image


def red_and_blue(feeds: Tensors) -> Tensors:
    """Two logits: mean of the red and of the blue plane."""
    (tensor,) = feeds.values()
    return {"logits": tensor[:, [0, 2]].mean(axis=(2, 3))}


def vit(spec: ModelSpec = VIT) -> tuple[DeepfakeClassifier, ScriptedSession]:
    session = ScriptedSession.of(spec, red_and_blue)
    return DeepfakeClassifier(Network(spec=spec, session=session)), session


@pytest.mark.parametrize(
    ("row", "labels", "activation", "expected"),
    [
        ([0.9], ["authentic"], "probabilities", 0.1),
        ([0.9], ["manipulated"], "probabilities", 0.9),
        ([2.0], ["manipulated"], "logits", 0.880797),
        ([2.0], ["authentic"], "logits", 0.119203),
        ([2.0, 0.0], ["manipulated", "authentic"], "logits", 0.880797),
        ([2.0, 0.0], ["authentic", "manipulated"], "logits", 0.119203),
        ([0.3, 0.1], ["manipulated", "authentic"], "probabilities", 0.75),
        ([-2000.0, 0.0], ["manipulated", "authentic"], "logits", 0.0),
    ],
)
def test_the_labels_say_which_value_is_manipulated(
    row: list[float], labels: list[str], activation: str, expected: float
) -> None:
    found = manipulated(np.array(row, np.float32), labels, activation)

    assert found == pytest.approx(expected, abs=1e-6)


def test_an_answer_with_other_classes_than_labelled_is_refused() -> None:
    with pytest.raises(CatalogueError, match="names"):
        manipulated(np.zeros(3, np.float32), ["manipulated", "authentic"], "logits")


def test_the_vit_reads_class_0_as_manipulated_and_takes_minus_one_to_one() -> None:
    classifier, session = vit()

    red, blue = classifier.probabilities(half_and_half(), [face(50, 50), face(250, 50)])

    # Red is fed as 1, what is missing as -1: softmax of (1, -1) and of (-1, 1).
    assert red == pytest.approx(0.880797, abs=1e-5)
    assert blue == pytest.approx(0.119203, abs=1e-5)
    assert {run["pixel_values"].shape for run in session.runs} == {(2, 3, 224, 224)}


def test_a_batch_gives_what_single_faces_give() -> None:
    faces = [face(x, 20, 90) for x in (0, 60, 120, 180, 240, 300, 309)]
    classifier, _ = vit()

    together = classifier.probabilities(half_and_half(), faces)

    alone = [classifier.probabilities(half_and_half(), [one])[0] for one in faces]
    assert together == alone
    assert len(set(together)) > 2


def test_mesonet_gets_rgb_from_0_to_1_and_its_value_is_the_probability_of_real() -> None:
    session = ScriptedSession.of(
        MESO, lambda feeds: {"prob_real": feeds["input"][:, :1].mean(axis=(2, 3))}
    )
    classifier = DeepfakeClassifier(Network(spec=MESO, session=session))

    red, blue = classifier.probabilities(half_and_half(), [face(50, 50), face(250, 50)])

    assert red == pytest.approx(0, abs=1e-6)
    assert blue == pytest.approx(1, abs=1e-6)


def test_without_faces_nothing_is_run() -> None:
    classifier, session = vit()

    assert classifier.probabilities(half_and_half(), []) == []
    assert session.runs == []


@pytest.mark.parametrize(
    "missing",
    [
        {"pixels": None},
        {"crop": None},
        {"activation": None},
        {"labels": ()},
        {"labels": ("real", "fake")},
    ],
)
def test_an_entry_that_leaves_something_open_is_refused(missing: dict[str, object]) -> None:
    with pytest.raises(CatalogueError, match="needs"):
        vit(VIT.model_copy(update=missing))
