"""What holds of the rule whatever was measured."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.identities.levels import ThresholdPoint
from workers.identities.records import (
    CalibratedSearch,
    ThresholdPolicy,
)
from workers.identities.thresholds import CollectionThresholds


@st.composite
def measured(draw: st.DrawFn) -> CollectionThresholds:
    """Points as a sample gives them: the stricter the rate, the higher the similarity."""
    rates = sorted(draw(st.sets(st.integers(1, 600), min_size=1, max_size=8)))
    similarities = sorted(
        draw(st.lists(st.floats(-1, 1), min_size=len(rates), max_size=len(rates)))
    )
    points = tuple(
        ThresholdPoint(
            far=(far := 10 ** (-rate / 100 - 1)),
            similarity=similarity,
            tar=None,
            far_limit=far * draw(st.floats(1, 3)),
        )
        for rate, similarity in zip(rates, similarities, strict=True)
    )
    searches = st.builds(
        CalibratedSearch,
        fpir=st.floats(1e-4, 0.2),
        similarity=st.floats(-1, 1),
        measured=st.just(0.0),
        faces=st.integers(1, 10**6),
    )
    return CollectionThresholds(
        policy=ThresholdPolicy(),
        model="net",
        points=points,
        origin="drawn",
        searches=tuple(draw(st.lists(searches, max_size=3))),
    )


def rates_at(thresholds: CollectionThresholds, faces: int) -> list[tuple[float, float]]:
    """Each measured similarity with the share of strangers that may reach it, the slow way."""
    pairs = [(p.similarity, min(1, p.far_limit * faces)) for p in thresholds.points]
    searches = [
        (s.similarity, min(1, s.fpir if faces <= s.faces else s.fpir * faces / s.faces))
        for s in thresholds.searches
    ]
    return pairs + searches


@given(thresholds=measured(), faces=st.integers(0, 10**7), fpir=st.floats(1e-9, 0.999))
def test_a_supported_rate_is_kept_and_no_looser_threshold_would_keep_it(
    thresholds: CollectionThresholds, faces: int, fpir: float
) -> None:
    found = thresholds.identify(faces=faces, fpir=fpir)
    known = rates_at(thresholds, faces)
    keeping = [similarity for similarity, rate in known if rate <= fpir * (1 + 1e-6)]

    assert found.fpir_supported is bool(keeping)
    strictest = max(one for one, _ in known)
    assert keeping or found.is_extrapolated or found.threshold == strictest
    assert found.threshold == min(keeping) if keeping else found.threshold >= strictest
    assert found.uncertain <= found.threshold
    assert found.expected_fpir is not None
    assert not keeping or found.expected_fpir <= fpir * (1 + 1e-6)


@given(thresholds=measured(), faces=st.integers(0, 10**6), more=st.integers(0, 10**6))
def test_among_fewer_faces_no_rate_is_unsupported_that_more_faces_support(
    thresholds: CollectionThresholds, faces: int, more: int
) -> None:
    few, many = (thresholds.identify(faces=n, fpir=0.01) for n in (faces, faces + more))

    assert few.fpir_supported or not many.fpir_supported
    assert few.threshold <= many.threshold or not (many.fpir_supported or many.is_extrapolated)


@given(thresholds=measured(), faces=st.integers(0, 10**6), similarity=st.floats(-1, 1))
def test_a_chosen_similarity_is_never_said_to_let_fewer_through_than_was_measured(
    thresholds: CollectionThresholds, faces: int, similarity: float
) -> None:
    found = thresholds.identify(faces=faces, threshold=similarity)
    known = [rate for measured_at, rate in rates_at(thresholds, faces) if measured_at <= similarity]

    assert found.uncertain <= found.threshold == similarity
    assert found.expected_fpir == (pytest.approx(min(known)) if known else None)
