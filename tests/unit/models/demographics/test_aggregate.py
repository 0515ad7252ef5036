"""Counts that single out nobody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.demographics.aggregate import SMALLEST_GROUP, count
from models.demographics.groups import age_group, gender_from
from models.demographics.port import Demographics
from models.results import AgeEstimate


def face(years: float, female: float) -> Demographics:
    age = AgeEstimate(
        years=years, group=age_group(years), low_years=None, high_years=None, confidence=None
    )
    return Demographics(age=age, gender=gender_from(female, 1 - female))


def test_groups_that_are_large_enough_are_counted() -> None:
    counts = count([face(40, 0.9)] * 6 + [face(70, 0.1)] * 5)

    assert counts.faces == 11
    assert counts.age_groups == {"adult": 6, "senior": 5}
    assert counts.genders == {"female": 6, "male": 5}
    assert counts.smallest_group == SMALLEST_GROUP


def test_uncertain_genders_are_a_group_of_their_own() -> None:
    assert count([face(40, 0.6)] * 5).genders == {"uncertain": 5}


def test_one_small_group_hides_the_next_larger_too() -> None:
    # Were 30 and 7 told of 38, everybody would know that one child is there.
    counts = count([face(40, 0.9)] * 30 + [face(25, 0.9)] * 7 + [face(5, 0.9)])

    assert counts.age_groups == {"adult": 30}
    assert counts.genders == {"female": 38}


def test_small_groups_that_are_many_together_hide_no_other() -> None:
    counts = count([face(40, 0.9)] * 6 + [face(5, 0.9)] * 3 + [face(70, 0.9)] * 3)

    assert counts.age_groups == {"adult": 6}


def test_few_faces_are_only_counted() -> None:
    counts = count([face(40, 0.9)] * 4)

    assert (counts.faces, counts.age_groups, counts.genders) == (4, {}, {})


def test_no_faces_are_no_groups() -> None:
    assert count([]).age_groups == {}


def test_a_smallest_group_of_none_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        count([], smallest_group=0)


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(0, 1)), max_size=60),
    st.integers(1, 12),
)
def test_neither_a_count_nor_a_difference_is_of_few_faces(
    faces: list[tuple[float, float]], smallest: int
) -> None:
    counts = count([face(*one) for one in faces], smallest_group=smallest)

    for told in (counts.age_groups, counts.genders):
        assert all(number >= smallest for number in told.values())
        hidden = counts.faces - sum(told.values())
        assert hidden == 0 or hidden >= smallest or not told


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 1)), max_size=60))
def test_groups_of_one_face_hide_nothing(faces: list[tuple[float, float]]) -> None:
    counts = count([face(*one) for one in faces], smallest_group=1)

    assert sum(counts.age_groups.values()) == sum(counts.genders.values()) == len(faces)
