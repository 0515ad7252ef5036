"""Close enough, or refused with the figure."""

import numpy as np
import pytest

from models.errors import VariantRefused
from models.graphs.closeness import MIN_MEDIAN_COSINE, closeness, require_close

EXPECTED = np.random.default_rng(0).normal(size=(9, 16))


def test_length_plays_no_part() -> None:
    measured = closeness(EXPECTED, EXPECTED * 3)

    assert measured.median == pytest.approx(1)
    assert measured.lowest == pytest.approx(1)
    assert measured.count == 9


def test_the_median_forgives_one_stray_and_the_lowest_tells_it() -> None:
    found = EXPECTED.copy()
    found[4] *= -1

    measured = closeness(EXPECTED, found)

    require_close("net", measured)
    assert measured.lowest == pytest.approx(-1)


@pytest.mark.parametrize("broken", [0.0, np.nan])
def test_embeddings_without_a_direction_are_refused(broken: float) -> None:
    with pytest.raises(VariantRefused, match=r"-1\.0000 on 9 chips"):
        require_close("net", closeness(EXPECTED, np.full_like(EXPECTED, broken)))


def test_the_figure_is_told_and_the_bound_is_kept() -> None:
    angle = np.arccos(MIN_MEDIAN_COSINE)
    near, far = (np.array([[np.cos(a), np.sin(a)]]) for a in (angle * 0.99, angle * 1.01))
    axis = np.array([[1.0, 0.0]])

    require_close("net", closeness(axis, near))
    with pytest.raises(VariantRefused, match=r"net: the median cosine to fp32 is 0\.9949"):
        require_close("net", closeness(axis, far))
