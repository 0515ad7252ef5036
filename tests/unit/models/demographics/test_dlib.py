"""Age and gender from class probabilities with a known answer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.catalogue import load_catalogue
from models.demographics.dlib import (
    AGE_CHIP_SIZE,
    AGE_YEARS,
    GENDER_CHIP_SIZE,
    RANGE_PROBABILITY,
    TEMPLATE,
    DlibAge,
    DlibGender,
    age_of,
    gender_of,
    shortest_range,
)
from models.network import Network
from models.results import Box, DetectedFace
from models.testing import ScriptedSession


def _ages(**shares: float) -> np.ndarray:
    """Probabilities by year: y30=0.5."""
    probabilities = np.zeros(81, np.float32)
    for year, share in shares.items():
        probabilities[int(year[1:])] = share
    return probabilities


def _face(side: float) -> DetectedFace:
    return DetectedFace(
        box=Box(x=0, y=0, width=side, height=side),
        confidence=0.9,
        landmarks=TEMPLATE * np.float32(side),
    )


def test_the_age_is_the_expected_value() -> None:
    estimate = age_of(_ages(y20=0.15, y40=0.85))
    assert estimate.years == pytest.approx(37)
    assert estimate.group == "adult"


def test_the_range_is_read_from_softened_probabilities() -> None:
    sure = age_of(_ages(y20=0.15, y40=0.85))
    # The network gives 40 a share of 85 %; softened it is 65 %, less than the 80 % aimed at.
    share = 0.85 ** (1 / 2.8) / (0.85 ** (1 / 2.8) + 0.15 ** (1 / 2.8))
    assert share == pytest.approx(0.65, abs=0.01)
    assert (sure.low_years, sure.high_years) == (20, 40)
    assert sure.confidence == pytest.approx(1)


def test_a_range_that_reaches_the_last_class_is_open_to_the_oldest() -> None:
    estimate = age_of(_ages(y79=0.5, y80=0.5))
    assert (estimate.low_years, estimate.high_years) == (79, 100)
    assert estimate.years == pytest.approx(79.5)


def test_the_class_of_babies_counts_three_months() -> None:
    assert age_of(_ages(y0=1)).years == pytest.approx(0.25)
    assert AGE_YEARS[[0, 1, 80]].tolist() == [0.25, 1, 80]


def test_the_range_is_the_shortest_that_holds_its_share() -> None:
    estimate = age_of(_ages(y10=1e-6, y30=0.35, y31=0.3, y32=0.35, y60=1e-6))
    assert (estimate.low_years, estimate.high_years) == (30, 32)
    assert estimate.confidence is not None
    assert estimate.confidence > 0.98


def test_the_range_holds_the_age_itself_where_its_mean_lies_outside() -> None:
    estimate = age_of(_ages(y2=0.85, y3=0.05, y60=0.05, y61=0.05))
    assert estimate.low_years == 2
    assert estimate.high_years is not None
    assert estimate.high_years >= int(estimate.years) > 3


def test_of_ranges_of_one_length_the_most_probable_wins() -> None:
    assert shortest_range(np.array([0.25, 0.25, 0.2, 0.3]), 0.5) == (0, 1)
    assert shortest_range(np.array([0.24, 0.26, 0.2, 0.31]), 0.5) == (2, 3)


@given(st.lists(st.floats(0, 1), min_size=81, max_size=81).filter(lambda p: sum(p) > 0.01))
def test_a_range_holds_its_share_and_stays_within_the_classes(shares: list[float]) -> None:
    estimate = age_of(np.array(shares) / sum(shares))
    assert estimate.low_years is not None
    assert estimate.high_years is not None
    assert estimate.confidence is not None
    assert 0 <= estimate.low_years <= int(estimate.years) <= estimate.high_years <= 100
    assert RANGE_PROBABILITY - 1e-9 <= estimate.confidence <= 1
    assert 0.25 <= estimate.years <= 80


def test_the_first_class_is_female_and_the_second_male() -> None:
    female = gender_of(np.array([0.8, 0.2], np.float32))
    assert female.value == "female"
    assert female.confidence == pytest.approx(0.8)
    assert female.probabilities is not None
    assert female.probabilities.male == pytest.approx(0.2)
    male = gender_of(np.array([0.3, 0.7], np.float32))
    assert male.value == "male"
    assert male.confidence == pytest.approx(0.7)


def _network(name: str, session: ScriptedSession) -> Network:
    return Network(spec=load_catalogue().model(name), session=session)


def test_the_age_network_sees_normalised_rgb_chips() -> None:
    session = ScriptedSession.of(
        load_catalogue().model("cydral_age"), {"probabilities": _ages(y50=1)[None]}
    )
    image = np.full((AGE_CHIP_SIZE, AGE_CHIP_SIZE, 3), (250, 117, 0), np.uint8)
    [estimate] = DlibAge(_network("cydral_age", session)).estimate(image, [_face(AGE_CHIP_SIZE)])
    assert estimate.years == pytest.approx(50)
    seen = session.runs[0]["images"]
    assert seen.shape == (1, 3, AGE_CHIP_SIZE, AGE_CHIP_SIZE)
    assert seen[0, :, 30, 30].tolist() == pytest.approx(
        [(250 - 122.782) / 256, (117 - 117.001) / 256, -104.298 / 256], abs=1e-6
    )


def test_the_gender_network_sees_a_chip_of_its_own_size() -> None:
    answer = {"probabilities": np.array([[0.1, 0.9]], np.float32)}
    session = ScriptedSession.of(load_catalogue().model("cydral_gender"), answer)
    image = np.zeros((200, 200, 3), np.uint8)
    [estimate] = DlibGender(_network("cydral_gender", session)).estimate(image, [_face(200)])
    assert estimate.value == "male"
    assert session.runs[0]["images"].shape == (1, 3, GENDER_CHIP_SIZE, GENDER_CHIP_SIZE)


def test_without_faces_nothing_is_run() -> None:
    catalogue = load_catalogue()
    age = ScriptedSession.of(catalogue.model("cydral_age"), {})
    gender = ScriptedSession.of(catalogue.model("cydral_gender"), {})
    image = np.zeros((9, 9, 3), np.uint8)
    assert DlibAge(_network("cydral_age", age)).estimate(image, []) == []
    assert DlibGender(_network("cydral_gender", gender)).estimate(image, []) == []
    assert age.runs == gender.runs == []
