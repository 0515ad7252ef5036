"""Whether two sets of landmarks see a head leaning the same way."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models.detection.search import tilt_differs


def _leaning(degrees: float) -> NDArray[np.float32]:
    """Five points around the origin, upright ones turned clockwise in the image."""
    upright = np.array([[-20, -15], [20, -15], [0, 5], [-15, 25], [15, 25]], np.float32)
    turn = np.radians(degrees)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    leaning: NDArray[np.float32] = (upright @ rotation).astype(np.float32)
    return leaning


@pytest.mark.parametrize(
    ("own", "other", "differs"),
    [(0, 9, False), (0, 11, True), (-5, -30, True), (175, -178, False), (170, -178, True)],
)
def test_landmarks_differ_when_the_eyes_lean_by_more_than_ten_degrees(
    own: float, other: float, differs: bool
) -> None:
    assert tilt_differs(_leaning(own)[None], _leaning(other)[None]).tolist() == [differs]
