"""Whether the photos of one enrolment show one person."""

from collections.abc import Sequence

import numpy as np
import pytest

from tests.unit.workers.identities.album import DIMENSIONS, axis, like
from workers.identities.consistency import Consistency, consistency

NOBODY = np.zeros((0, DIMENSIONS), np.float32)


def _checked(photos: Sequence[object], known: Sequence[object] = ()) -> Consistency:
    rows = np.stack([np.asarray(one, np.float32) for one in known]) if known else NOBODY
    return consistency(np.asarray(photos, np.float32), rows, threshold=0.5)


def _found(outliers: set[int] = set(), doubtful: set[int] = set()) -> Consistency:  # noqa: B006 - never changed
    return Consistency(outliers=outliers, doubtful=doubtful)


def test_photos_that_agree_are_one_persons() -> None:
    assert _checked([axis(0), like(0, 0.6), like(0, 0.7)]) == _found()


def test_a_chain_of_similar_photos_is_one_person() -> None:
    # The first and the last are less alike than 0.5, but both are like the one between them.
    first, between, last = like(0, 0.75, beside=1), axis(0), like(0, 0.6, beside=2)
    assert float(first @ last) < 0.5

    assert _checked([first, between, last]) == _found()


def test_one_among_those_that_agree_is_an_outlier() -> None:
    assert _checked([axis(3), axis(0), axis(0), axis(0)]) == _found(outliers={0})


@pytest.mark.parametrize(
    "photos",
    [
        [axis(0), axis(1)],
        [axis(0), axis(0), axis(1), axis(1)],
        [axis(0), axis(1), axis(2)],
    ],
)
def test_where_no_group_is_the_largest_all_are_doubtful(photos: Sequence[object]) -> None:
    assert _checked(photos) == _found(doubtful=set(range(len(photos))))


def test_a_single_photo_of_a_new_person_is_taken_as_it_is() -> None:
    assert _checked([axis(0)]) == _found()


def test_the_persons_own_faces_count_more_than_the_number_of_photos() -> None:
    assert _checked([axis(1), axis(1), like(0, 0.8)], [axis(0)]) == _found(outliers={0, 1})


def test_photos_that_are_all_unlike_the_persons_faces_are_doubtful() -> None:
    assert _checked([axis(1), axis(1)], [axis(0)]) == _found(doubtful={0, 1})
    assert _checked([axis(1)], [axis(0)]) == _found(doubtful={0})
