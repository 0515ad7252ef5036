"""Pose from five points: exact for the average head, and the right way round."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.pose import HEAD_MM, pose_of
from models.results import Points


def _seen(yaw: float, pitch: float, roll: float, *, scale: float = 2.0) -> Points:
    """Points of the average head, turned, as a far camera sees it."""
    y, p, r = np.radians([yaw, pitch, roll])
    about_y = [[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]]
    about_x = [[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]]
    about_z = [[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]]
    turned = HEAD_MM @ (np.array(about_z) @ about_y @ about_x).T
    return np.asarray(turned[:, :2] * scale + (300, 200), np.float32)


@given(yaw=st.floats(-60, 60), pitch=st.floats(-35, 35), scale=st.floats(0.2, 20))
def test_a_turned_head_is_read_as_it_was_turned(yaw: float, pitch: float, scale: float) -> None:
    pose = pose_of(_seen(yaw, pitch, 0, scale=scale))
    # A head that is turned and raised at once leans its eyes, which is told as roll.
    bound = 1.5 + abs(yaw) * abs(pitch) / 60
    assert pose.yaw == pytest.approx(yaw, abs=bound)
    assert pose.pitch == pytest.approx(pitch, abs=bound)


@pytest.mark.parametrize("roll", [-170, -90, -20, 0, 20, 90, 170])
def test_roll_is_read_apart_from_yaw_and_pitch(roll: float) -> None:
    pose = pose_of(_seen(25, 0, roll))
    assert pose.roll == pytest.approx(roll, abs=1)
    assert pose.yaw == pytest.approx(25, abs=1)
    assert pose.pitch == pytest.approx(0, abs=1)


def test_a_nose_towards_the_right_of_the_image_is_a_positive_yaw() -> None:
    frontal = _seen(0, 0, 0)
    frontal[2, 0] += 20
    assert pose_of(frontal).yaw > 10


def test_a_nose_nearer_to_the_eyes_is_a_positive_pitch() -> None:
    frontal = _seen(0, 0, 0)
    frontal[2, 1] -= 20
    assert pose_of(frontal).pitch > 10


def test_a_lower_left_eye_is_a_positive_roll() -> None:
    frontal = _seen(0, 0, 0)
    frontal[1, 1] += 20
    assert pose_of(frontal).roll > 5


def test_a_mirrored_face_has_yaw_and_roll_of_the_other_sign() -> None:
    points = _seen(30, 10, 15)
    mirrored = (points * (-1, 1) + (600, 0))[[1, 0, 2, 4, 3]].astype(np.float32)
    one, other = pose_of(points), pose_of(mirrored)
    assert other.yaw == pytest.approx(-one.yaw, abs=1)
    assert other.roll == pytest.approx(-one.roll, abs=1)
    assert other.pitch == pytest.approx(one.pitch, abs=1)


def test_points_that_coincide_have_no_pose() -> None:
    pose = pose_of(np.full((5, 2), 7, np.float32))
    assert (pose.yaw, pose.pitch, pose.roll) == (0, 0, 0)


def test_points_on_a_line_have_no_turn() -> None:
    pose = pose_of(np.array([[0, 0], [4, 0], [2, 0], [1, 0], [3, 0]], np.float32))
    assert (pose.yaw, pose.pitch) == (0, 0)
