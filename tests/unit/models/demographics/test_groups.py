"""Age groups and the band in which a gender is not to be relied on."""

import pytest

from models.demographics.groups import AGE_GROUPS, UNCERTAIN_BELOW, age_group, gender_from


@pytest.mark.parametrize(
    ("years", "group"),
    [
        (0.0, "child"),
        (12.0, "child"),
        (12.99, "child"),
        (13.0, "teenager"),
        (19.0, "teenager"),
        (20.0, "young_adult"),
        (30.0, "young_adult"),
        (31.0, "adult"),
        (50.0, "adult"),
        (51.0, "middle_aged"),
        (65.0, "middle_aged"),
        (66.0, "senior"),
        (100.0, "senior"),
    ],
)
def test_an_age_belongs_to_the_group_of_its_years(years: float, group: str) -> None:
    assert age_group(years) == group


def test_the_groups_are_told_youngest_first() -> None:
    assert list(AGE_GROUPS) == list(dict.fromkeys(age_group(year) for year in range(101)))


@pytest.mark.parametrize(
    ("female", "value", "uncertain"),
    [
        (0.5, "female", True),
        (UNCERTAIN_BELOW - 0.01, "female", True),
        (UNCERTAIN_BELOW, "female", False),
        (1 - UNCERTAIN_BELOW + 0.01, "male", True),
        (0.01, "male", False),
    ],
)
def test_a_gender_near_even_odds_is_uncertain(female: float, value: str, uncertain: bool) -> None:
    estimate = gender_from(female, 1 - female)
    assert estimate.value == value
    assert estimate.uncertain is uncertain
    assert estimate.confidence == pytest.approx(max(female, 1 - female))


def test_rounding_never_makes_more_than_certainty() -> None:
    assert gender_from(1.0000001, 0.0).confidence == 1
