"""Who is who from frame to frame."""

import numpy as np
import pytest

from models.results import Box, DetectedFace, Embedding, EmbeddingModel
from models.video.tracking import FaceTracker, TrackingOptions, overlap

#: Angle of a person's embedding, degrees: unrelated people are at right angles.
ANNA, BEN = 0.0, 90.0
SCRIPTED = EmbeddingModel(id="scripted", sha256="0" * 64, preprocessing_version="1")


def face(x: float) -> DetectedFace:
    return DetectedFace(
        box=Box(x=x, y=0, width=100, height=100),
        confidence=0.9,
        landmarks=np.zeros((5, 2), np.float32),
    )


def looks(degrees: float) -> Embedding:
    turned = np.deg2rad(degrees)
    return Embedding(vector=np.array([np.cos(turned), np.sin(turned)], np.float32), model=SCRIPTED)


def step(
    tracker: FaceTracker, seconds: float, *people: tuple[float, float], scene: int = 0
) -> list[int | None]:
    """Track of each person, given as place and look."""
    matches = tracker.update(
        time_seconds=seconds,
        scene=scene,
        faces=[face(x) for x, _ in people],
        embeddings=[looks(degrees) for _, degrees in people],
    )
    return [None if match is None else match.track for match in matches]


@pytest.fixture
def tracker() -> FaceTracker:
    return FaceTracker(TrackingOptions())


def test_people_keep_their_tracks_in_whatever_order_they_are_found(tracker: FaceTracker) -> None:
    assert step(tracker, 0.0, (0, ANNA), (500, BEN)) == [0, 1]
    assert step(tracker, 0.5, (490, BEN), (10, ANNA)) == [1, 0]
    assert step(tracker, 1.0, (20, ANNA)) == [0]


def test_a_face_in_its_place_is_the_same_though_it_looks_little_alike(
    tracker: FaceTracker,
) -> None:
    step(tracker, 0.0, (0, ANNA))

    assert step(tracker, 0.5, (5, 75)) == [0]


def test_another_person_in_the_same_place_is_another_track(tracker: FaceTracker) -> None:
    step(tracker, 0.0, (0, ANNA))

    assert step(tracker, 0.5, (0, BEN)) == [1]


def test_a_place_is_worth_nothing_after_a_cut_or_a_while(tracker: FaceTracker) -> None:
    step(tracker, 0.0, (0, ANNA))

    assert step(tracker, 0.5, (0, 75), scene=1) == [1]
    assert step(tracker, 9.0, (0, 152), scene=1) == [2]


def test_who_comes_back_after_a_cut_joins_the_old_track(tracker: FaceTracker) -> None:
    step(tracker, 0.0, (0, ANNA))
    step(tracker, 5.0, (0, BEN), scene=1)

    assert step(tracker, 60.0, (800, 10), scene=2) == [0]


def test_two_faces_never_share_a_track_in_one_frame(tracker: FaceTracker) -> None:
    step(tracker, 0.0, (0, ANNA))

    assert step(tracker, 0.5, (300, 20), (5, 10)) == [1, 0]


def test_people_who_cross_are_told_apart_by_their_looks(tracker: FaceTracker) -> None:
    step(tracker, 0.0, (0, ANNA), (60, BEN))

    assert step(tracker, 0.5, (60, 20), (0, 70)) == [0, 1]


def test_the_similarity_is_to_the_mean_of_the_earlier_faces(tracker: FaceTracker) -> None:
    step(tracker, 0.0, (0, 0))
    step(tracker, 0.5, (0, 20))

    (match,) = tracker.update(time_seconds=1.0, scene=0, faces=[face(0)], embeddings=[looks(40)])

    assert match is not None
    assert match.similarity == pytest.approx(np.cos(np.deg2rad(30)), abs=1e-6)


def test_tracks_are_bounded_and_further_people_counted() -> None:
    tracker = FaceTracker(TrackingOptions(max_tracks=1))

    assert step(tracker, 0.0, (0, ANNA), (500, BEN)) == [0, None]
    assert tracker.untracked == 1


def test_a_frame_without_faces_changes_nothing(tracker: FaceTracker) -> None:
    step(tracker, 0.0, (0, ANNA))

    assert step(tracker, 0.5) == []
    assert step(tracker, 1.0, (0, ANNA)) == [0]


@pytest.mark.parametrize(("x", "expected"), [(0, 1.0), (50, 1 / 3), (100, 0.0), (300, 0.0)])
def test_the_overlap_of_two_boxes(x: float, expected: float) -> None:
    assert overlap(face(0).box, face(x).box) == pytest.approx(expected)


def test_boxes_without_area_do_not_overlap() -> None:
    point = Box(x=0, y=0, width=0, height=0)

    assert overlap(point, point) == 0
