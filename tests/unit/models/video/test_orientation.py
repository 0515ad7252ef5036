"""Turning and mirroring by a display matrix."""

import numpy as np
import pytest

from models.video.orientation import upright

#: 0 1 2
#: 3 4 5
NUMBERS = np.repeat(np.arange(6, dtype=np.uint8).reshape(2, 3)[:, :, None], 3, axis=2)


def matrix(
    a: float, b: float, c: float, d: float
) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    return (np.array([[a, b, 0], [c, d, 0], [0, 0, 16384]]) * 65536).astype(np.int32)


@pytest.mark.parametrize(
    ("turn", "expected"),
    [
        ((1, 0, 0, 1), [[0, 1, 2], [3, 4, 5]]),
        # x' = a x + c y, y' = b x + d y: what lay to the right comes to lie above.
        ((0, -1, 1, 0), [[2, 5], [1, 4], [0, 3]]),
        ((0, 1, -1, 0), [[3, 0], [4, 1], [5, 2]]),
        ((-1, 0, 0, -1), [[5, 4, 3], [2, 1, 0]]),
        ((-1, 0, 0, 1), [[2, 1, 0], [5, 4, 3]]),
        ((1, 0, 0, -1), [[3, 4, 5], [0, 1, 2]]),
        ((0, 1, 1, 0), [[0, 3], [1, 4], [2, 5]]),
        ((0.99, -0.1, 0.1, 0.99), [[0, 1, 2], [3, 4, 5]]),
    ],
)
def test_pixels_go_where_the_matrix_sends_them(
    turn: tuple[float, float, float, float], expected: list[list[int]]
) -> None:
    turned = upright(NUMBERS, matrix(*turn))

    assert turned[:, :, 0].tolist() == expected
    assert turned.flags.c_contiguous


def test_without_a_matrix_nothing_is_turned() -> None:
    assert upright(NUMBERS, None).tolist() == NUMBERS.tolist()
