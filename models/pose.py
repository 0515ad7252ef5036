"""Where a head points, from five landmarks and a head of average shape: pure geometry."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.results import Points

#: (5, 3) mm: x to the person's left, y down, z away from the camera; order of LANDMARK_NAMES.
#: Across and down: ArcFace's five-point template, the mean of many frontal photos, at 63 mm between
#: the eyes (the mean of adults). In depth: the eyes lie 27 mm and the mouth's corners 25 mm behind
#: the tip of the nose, as in the widespread six-point head model of the 3DMM ("Head pose estimation
#: using OpenCV", S. Mallick, 2016).
HEAD_MM = np.array(
    [
        [-31.5, 0.2, 27.0],
        [31.5, -0.2, 27.0],
        [0.2, 36.0, 0.0],
        [-25.7, 72.9, 25.0],
        [26.4, 72.6, 25.0],
    ]
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pose:
    """Rotation of a head, degrees; all zero for a face that looks into the camera, upright."""

    #: Positive: turned to the person's own left, which is the right side of the image.
    yaw: float
    #: Positive: looking up.
    pitch: float
    #: Positive: leaning to the person's own left, clockwise in the image; from the eyes alone.
    roll: float


def pose_of(landmarks: Points) -> Pose:
    """Estimate where a head points.

    Scaled orthography: the linear map from the average head to the points that fits them best,
    then the rotation nearest to it. It needs no camera, and no start values.

    Args:
        landmarks: (5, 2), pixels, in the order of LANDMARK_NAMES.

    Returns:
        Yaw and pitch within -90 and 90, roll within -180 and 180; all zero when the points
        coincide.
    """
    points = landmarks.astype(np.float64)
    across = points[1] - points[0]
    roll = float(np.degrees(np.arctan2(across[1], across[0])))
    turn = _rotation(points)
    if turn is None:
        return Pose(yaw=0.0, pitch=0.0, roll=roll)
    # The third row is the direction of sight's part along each axis of the head; the columns tell
    # where the head's own axes point in the image. z of the head points into the image.
    forward = -turn[:, 2]
    upright = _turned(forward[:2], -roll)
    yaw = float(np.degrees(np.arcsin(np.clip(upright[0], -1, 1))))
    pitch = float(np.degrees(np.arcsin(np.clip(-upright[1], -1, 1))))
    return Pose(yaw=yaw, pitch=pitch, roll=roll)


def _rotation(points: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The (3, 3) rotation from the head to the camera whose projection fits the points best."""
    head = HEAD_MM - HEAD_MM.mean(axis=0)
    image = points - points.mean(axis=0)
    fitted, *_ = np.linalg.lstsq(head, image, rcond=None)
    left, sizes, right = np.linalg.svd(fitted.T, full_matrices=False)
    if sizes[1] <= 1e-9 * max(sizes[0], 1e-9):
        return None
    rows = left @ right
    return np.vstack([rows, np.cross(rows[0], rows[1])])


def _turned(vector: NDArray[np.float64], degrees: float) -> NDArray[np.float64]:
    angle = np.radians(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin], [sin, cos]]) @ vector
