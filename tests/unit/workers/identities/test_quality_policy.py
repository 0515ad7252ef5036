"""How strict enrolment is about a photo."""

import pytest

from tests.unit.workers.identities.album import GOOD
from workers.answers.analysis import PoseAnswer
from workers.identities.quality import refusals


def test_a_good_face_is_refused_by_nobody() -> None:
    assert [refusals(GOOD, policy) for policy in ("off", "standard", "strict")] == [()] * 3


@pytest.mark.parametrize(("pixels", "is_refused"), [(59.9, True), (60.0, False)])
def test_a_strict_collection_wants_larger_faces(pixels: float, *, is_refused: bool) -> None:
    face = GOOD.model_copy(update={"size_pixels": pixels})

    assert refusals(face, "strict") == (("face_too_small",) if is_refused else ())
    assert refusals(face, "standard") == ()


@pytest.mark.parametrize(
    ("yaw", "pitch", "is_refused"),
    [(30, 0, False), (30.1, 0, True), (-31, 0, True), (0, 31, True), (0, -31, True)],
)
def test_a_strict_collection_wants_faces_that_look_into_the_camera(
    yaw: float, pitch: float, *, is_refused: bool
) -> None:
    pose = PoseAnswer(yaw=yaw, pitch=pitch, roll=80)
    face = GOOD.model_copy(update={"pose_degrees": pose})

    assert refusals(face, "strict") == (("extreme_pose",) if is_refused else ())
    assert refusals(face, "standard") == ()


def test_a_reason_is_told_once() -> None:
    pose = PoseAnswer(yaw=60, pitch=0, roll=0)
    face = GOOD.model_copy(update={"pose_degrees": pose, "reasons": ("extreme_pose",)})

    assert refusals(face, "strict") == ("extreme_pose",)
