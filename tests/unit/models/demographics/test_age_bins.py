"""InsightFace's network of 2018 with its hundred questions, on answers made by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.catalogue import load_catalogue
from models.demographics.age_bins import RANGE_TEMPERATURE, YEARS, GenderAgeBins, read
from models.network import Network
from models.recognition.chips import ARCFACE_TEMPLATE
from models.results import Box, DetectedFace
from models.testing import ScriptedSession

SPEC = load_catalogue().model("gender_age_v1")


def answer(*, female: float = 0.0, male: float = 0.0, older: np.ndarray) -> np.ndarray:
    """Logits: "not older" is 0, "older" as given."""
    pairs = np.stack([np.zeros(YEARS), older], axis=1)
    return np.concatenate([[female, male], pairs.ravel()]).astype(np.float32)


def steps(*, at: int, softness: float = 0.0) -> np.ndarray:
    """A face older than each of the years before `at`."""
    distance = at - 0.5 - np.arange(YEARS)
    return distance / softness if softness else np.sign(distance) * 50


def test_the_age_is_how_many_years_a_face_is_older_than() -> None:
    found = read(answer(older=steps(at=42)))
    assert found.age.years == 42
    assert (found.age.low_years, found.age.high_years) == (42, 42)
    assert found.age.group == "adult"


def test_the_range_lies_where_the_softened_answers_are_undecided() -> None:
    age = read(answer(older=steps(at=40, softness=2.0))).age
    # A logistic curve passes 90 % and 10 % at ln 9 widths from its middle.
    reach = 2.0 * RANGE_TEMPERATURE * np.log(9)
    assert age.low_years == round(40 - reach)
    assert age.high_years == round(40 + reach)
    assert age.confidence == pytest.approx(0.8)


def test_the_first_logit_is_female_the_second_male() -> None:
    gender = read(answer(female=2.0, male=0.0, older=steps(at=30))).gender
    assert gender.value == "female"
    assert gender.confidence == pytest.approx(1 / (1 + np.exp(-2)))
    assert read(answer(female=0.0, male=2.0, older=steps(at=30))).gender.value == "male"


@given(arrays(np.float32, 202, elements=st.floats(-80, 80, width=32)))
def test_any_finite_answer_is_read_within_its_bounds(row: np.ndarray) -> None:
    found = read(row)
    age, gender = found.age, found.gender
    assert age.low_years is not None
    assert age.high_years is not None
    assert 0 <= age.low_years <= age.years <= age.high_years <= 100
    assert gender.probabilities is not None
    assert gender.probabilities.female + gender.probabilities.male == pytest.approx(1)


def test_the_network_sees_an_aligned_rgb_chip_from_0_to_255() -> None:
    session = ScriptedSession.of(SPEC, {"fc1": answer(older=steps(at=30))[None]})
    image = np.full((112, 112, 3), (250, 100, 3), np.uint8)
    face = DetectedFace(
        box=Box(x=0, y=0, width=112, height=112), confidence=0.9, landmarks=ARCFACE_TEMPLATE
    )
    [found] = GenderAgeBins(Network(spec=SPEC, session=session)).estimate(image, [face])
    assert found.age.years == 30
    assert session.runs[0]["data"].shape == (1, 3, 112, 112)
    assert session.runs[0]["data"][0, :, 50, 50].tolist() == [250, 100, 3]


def test_the_entry_says_what_the_code_does() -> None:
    assert SPEC.template == "arcface_112"
    assert SPEC.activation == "logits"
