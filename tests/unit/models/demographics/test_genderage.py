"""InsightFace's joint network, on a session whose answer is known."""

import numpy as np
import pytest

from models.catalogue import load_catalogue
from models.demographics.genderage import GenderAge, crop, read
from models.errors import CatalogueError, InferenceFailed
from models.network import Network
from models.results import Box, DetectedFace, Image
from models.spec import PixelInput
from models.testing import ScriptedSession

SPEC = load_catalogue().model("genderage")
CORNERS = np.array([[1, 1], [2, 1], [1, 2], [2, 2], [1, 3]], np.float32)


def face(box: Box) -> DetectedFace:
    return DetectedFace(box=box, confidence=0.9, landmarks=CORNERS)


def answer(female: float, male: float, age: float) -> np.ndarray:
    return np.array([female, male, age], np.float32)


def test_the_larger_score_is_the_gender_female_first() -> None:
    assert read(answer(1.2, -0.3, 0.3)).gender.value == "female"
    assert read(answer(-1.2, -0.3, 0.3)).gender.value == "male"


def test_scores_of_unknown_scale_are_no_probabilities() -> None:
    gender = read(answer(9, -9, 0.3)).gender
    assert (gender.confidence, gender.probabilities, gender.uncertain) == (None, None, True)


@pytest.mark.parametrize(("third", "years"), [(0.344, 34), (0.346, 35), (-0.2, 0), (1.4, 100)])
def test_the_age_is_in_hundredths_and_stays_within_a_life(third: float, years: int) -> None:
    age = read(answer(0, 1, third)).age
    assert age.years == years
    assert (age.low_years, age.high_years, age.confidence) == (None, None, None)
    assert age.reason is not None


def test_the_crop_is_a_square_of_one_and_a_half_times_the_longer_side() -> None:
    image: Image = np.zeros((200, 200, 3), np.uint8)
    image[40:160, 40:160] = 255  # 1.5 times the box's height around its middle.
    chip = crop(image, Box(x=80, y=60, width=40, height=80), scale=1.5, size=96)
    assert chip.shape == (96, 96, 3)
    assert chip[1:-1, 1:-1].min() == 255
    wider = crop(image, Box(x=80, y=58, width=40, height=84), scale=1.5, size=96)
    assert wider[:, 0].max() < 255


def test_the_crop_is_neither_turned_nor_mirrored_and_black_outside() -> None:
    image: Image = np.full((100, 100, 3), 200, np.uint8)
    image[:, :50] = (250, 0, 0)
    chip = crop(image, Box(x=-20, y=10, width=80, height=80), scale=1.5, size=96)
    assert chip[48, 2].tolist() == [0, 0, 0]
    assert chip[48, 70].tolist() == [250, 0, 0]
    assert chip[48, 94].tolist() == [200, 200, 200]


def test_the_network_sees_rgb_from_0_to_255() -> None:
    session = ScriptedSession.of(
        SPEC, lambda feeds: {"fc1": np.tile(answer(0, 1, 0.5), (len(feeds["data"]), 1))}
    )
    image: Image = np.full((60, 60, 3), (250, 100, 3), np.uint8)
    found = GenderAge(Network(spec=SPEC, session=session)).estimate(
        image, [face(Box(x=20, y=20, width=20, height=20))] * 3
    )
    assert [one.age.years for one in found] == [50, 50, 50]
    seen = np.concatenate([run["data"] for run in session.runs])
    assert seen.shape == (3, 3, 96, 96)
    assert seen[0, :, 48, 48].tolist() == [250, 100, 3]


def test_without_faces_nothing_is_run() -> None:
    session = ScriptedSession.of(SPEC, {})
    network = Network(spec=SPEC, session=session)
    assert GenderAge(network).estimate(np.zeros((9, 9, 3), np.uint8), []) == []
    assert session.runs == []


def test_an_entry_without_a_crop_is_refused() -> None:
    spec = SPEC.model_copy(update={"crop": None})
    with pytest.raises(CatalogueError, match="needs a crop"):
        GenderAge(Network(spec=spec, session=ScriptedSession.of(spec, {})))


def test_the_colour_order_is_the_entry_s() -> None:
    spec = SPEC.model_copy(update={"pixels": PixelInput(colour="bgr")})
    session = ScriptedSession.of(spec, {"fc1": answer(0, 1, 0.5)[None]})
    image: Image = np.full((60, 60, 3), (250, 100, 3), np.uint8)
    GenderAge(Network(spec=spec, session=session)).estimate(
        image, [face(Box(x=20, y=20, width=20, height=20))]
    )
    assert session.runs[0]["data"][0, :, 48, 48].tolist() == [3, 100, 250]


def test_an_answer_that_is_no_number_is_no_estimate() -> None:
    session = ScriptedSession.of(SPEC, {"fc1": answer(float("nan"), 0, 0.5)[None]})
    with pytest.raises(InferenceFailed, match="no numbers"):
        GenderAge(Network(spec=SPEC, session=session)).estimate(
            np.zeros((60, 60, 3), np.uint8), [face(Box(x=20, y=20, width=20, height=20))]
        )
