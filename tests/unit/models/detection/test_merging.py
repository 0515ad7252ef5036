"""Merging looks: one face, one candidate, and the better one."""

import numpy as np

from models.detection.candidates import Candidates
from models.detection.merging import Seen, merge

Boxes = list[tuple[float, float, float, float]]


def _seen(boxes: Boxes, scores: list[float], *, cut: bool = False) -> Seen:
    found = Candidates(
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        scores=np.array(scores, np.float32),
        landmarks=None,
    )
    return Seen(found=found, cut=np.full(len(boxes), cut))


def _merged(*looks: Seen) -> Boxes:
    return [tuple(box) for box in merge(looks, max_overlap=0.3).boxes.tolist()]


def test_the_surer_of_two_looks_at_a_face_is_kept() -> None:
    assert _merged(_seen([(0, 0, 10, 10)], [0.6]), _seen([(1, 0, 10, 10)], [0.7])) == [
        (1, 0, 10, 10)
    ]


def test_a_whole_face_goes_before_a_surer_cut_one() -> None:
    whole, part = _seen([(0, 0, 10, 10)], [0.5]), _seen([(0, 0, 10, 7)], [0.9], cut=True)
    assert _merged(part, whole) == [(0, 0, 10, 10)]


def test_a_small_part_of_a_face_does_not_survive_beside_it() -> None:
    whole, part = _seen([(0, 0, 100, 100)], [0.5]), _seen([(80, 80, 15, 15)], [0.9], cut=True)
    assert _merged(whole, part) == [(0, 0, 100, 100)]


def test_a_cut_face_that_nothing_else_shows_is_kept() -> None:
    assert (
        len(_merged(_seen([(0, 0, 10, 10)], [0.5]), _seen([(50, 0, 9, 9)], [0.6], cut=True))) == 2
    )


def test_faces_that_overlap_a_little_are_two() -> None:
    assert len(_merged(_seen([(0, 0, 100, 100)], [0.9]), _seen([(90, 0, 20, 20)], [0.8]))) == 2


def test_looks_that_found_nothing_add_nothing() -> None:
    assert _merged(_seen([], []), _seen([(0, 0, 10, 10)], [0.5]), _seen([], [])) == [(0, 0, 10, 10)]
