"""Who is named: nobody below the threshold, or where two are alike, or at an unkept rate."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.identities.decision import decide
from workers.identities.levels import IdentifyLevels, ThresholdPoint
from workers.identities.search import Candidate

LEVELS = IdentifyLevels(
    threshold=0.5,
    uncertain=0.4,
    margin=0.05,
    far=1e-3,
    faces=10,
    fpir=1e-2,
    expected_fpir=1e-2,
    fpir_supported=True,
    source="preset",
    points=(),
    origin=None,
)


def people(*similarities: float) -> list[Candidate]:
    return [
        Candidate(person_id=f"p{i}", face_id=f"face_{i:032x}", similarity=similarity)
        for i, similarity in enumerate(similarities)
    ]


@pytest.mark.parametrize(
    ("similarities", "outcome", "reason", "listed"),
    [
        ((), "unknown", "no_faces", 0),
        ((0.39,), "unknown", "below_threshold", 0),
        ((0.4,), "uncertain", "near_threshold", 1),
        ((0.49, 0.48, 0.39), "uncertain", "near_threshold", 2),
        ((0.5,), "match", "above_threshold", 1),
        ((0.6, 0.41, 0.3), "match", "above_threshold", 2),
        ((0.6, 0.56), "uncertain", "too_close", 2),
        ((0.6, 0.3), "match", "above_threshold", 1),
    ],
)
def test_the_best_person_is_named_from_the_threshold_on_and_ahead_of_the_second(
    similarities: tuple[float, ...], outcome: str, reason: str, listed: int
) -> None:
    found = decide(people(*similarities), LEVELS)

    assert (found.outcome, found.reason, len(found.candidates)) == (outcome, reason, listed)
    assert (found.person is not None) is (outcome == "match")


def test_candidates_are_ranked_whatever_their_order() -> None:
    found = decide(people(0.45, 0.7, 0.5), LEVELS)

    assert [one.person_id for one in found.candidates] == ["p1", "p2", "p0"]
    assert found.person is found.candidates[0]
    assert found.similarity == 0.7
    assert found.margin == pytest.approx(0.2)


def test_nobody_is_named_at_a_rate_that_no_measured_threshold_keeps() -> None:
    found = decide(people(0.99), replace(LEVELS, fpir_supported=False))

    assert (found.outcome, found.reason, found.person) == ("uncertain", "fpir_unsupported", None)
    assert [one.person_id for one in found.candidates] == ["p0"]


@pytest.mark.parametrize(
    ("similarity", "outcome", "reason"),
    [
        (0.39, "unknown", "below_threshold"),
        (0.44, "uncertain", "near_threshold"),
        (0.45, "uncertain", "fpir_unsupported"),
        (0.49, "uncertain", "fpir_unsupported"),
        (0.5, "match", "above_threshold"),
    ],
)
def test_beyond_what_was_measured_only_the_extrapolated_threshold_names(
    similarity: float, outcome: str, reason: str
) -> None:
    strictest = ThresholdPoint(far=1e-5, similarity=0.45, tar=None, far_limit=1e-5)
    levels = replace(LEVELS, fpir_supported=False, is_extrapolated=True, points=(strictest,))

    found = decide(people(similarity), levels)

    assert (found.outcome, found.reason) == (outcome, reason)


def test_a_chosen_threshold_names_without_a_rate() -> None:
    assert decide(people(0.5), replace(LEVELS, fpir=None, fpir_supported=None)).outcome == "match"


def test_a_second_person_at_exactly_the_margin_is_far_enough_away() -> None:
    levels = replace(LEVELS, margin=0.25)

    assert decide(people(0.75, 0.5), levels).outcome == "match"
    assert decide(people(0.75, 0.5625), levels).reason == "too_close"


def test_without_a_second_person_there_is_no_margin() -> None:
    assert decide(people(0.5), LEVELS).margin is None


def test_the_similarity_of_an_unknown_face_is_told_without_a_person() -> None:
    found = decide(people(0.1, 0.05), LEVELS)

    assert (found.similarity, found.person, found.candidates) == (0.1, None, ())


def test_one_person_twice_is_an_error_of_the_caller() -> None:
    with pytest.raises(ValueError, match="twice"):
        decide([*people(0.6), *people(0.59)], LEVELS)


@given(
    similarities=st.lists(st.floats(-1, 1), max_size=6),
    threshold=st.floats(-1, 1),
    below=st.floats(0, 1),
    margin=st.floats(0, 0.5),
    supported=st.sampled_from([True, False, None]),
)
def test_whoever_is_named_reaches_the_threshold_ahead_of_all_others(
    similarities: list[float],
    threshold: float,
    below: float,
    margin: float,
    supported: bool | None,
) -> None:
    levels = replace(
        LEVELS,
        threshold=threshold,
        uncertain=threshold - below,
        margin=margin,
        fpir_supported=supported,
    )
    found = decide(people(*similarities), levels)
    others = sorted(similarities, reverse=True)[1:]

    named = found.person
    if named is not None:
        assert named.similarity >= threshold
        assert all(named.similarity - other >= margin for other in others)
        assert supported is not False
        assert found.candidates[0] is named
    assert (named is not None) is (found.outcome == "match")
    assert all(one.similarity >= levels.uncertain for one in found.candidates)
    assert bool(found.candidates) is (found.outcome != "unknown")
    assert list(found.candidates) == sorted(found.candidates, key=lambda one: -one.similarity)
