"""Forensic features against loops."""

import numpy as np
import pytest

from models.training.forensics import (
    RINGS,
    TRUNCATION,
    co_occurrences,
    colour_traces,
    forensic_features,
    radial_spectrum,
)


def test_the_spectrum_is_the_mean_power_of_each_ring() -> None:
    grey = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    window = np.hanning(64)
    power = np.abs(np.fft.fft2((grey - grey.mean()) * window[:, None] * window)) ** 2
    rings: list[list[float]] = [[] for _ in range(RINGS)]
    for row in range(64):
        for column in range(64):
            y, x = (at - 64 if at >= 32 else at for at in (row, column))
            ring = int(np.hypot(y, x) * 2 / 64 * RINGS)
            if ring < RINGS:
                rings[ring].append(power[row, column])

    found = radial_spectrum(grey)

    filled = [index for index, ring in enumerate(rings) if ring]
    expected = np.log([np.mean(rings[index]) + 1e-3 for index in filled])
    np.testing.assert_allclose(np.diff(found[filled]), np.diff(expected), rtol=1e-3, atol=1e-3)


def test_co_occurrences_count_triples_of_second_differences() -> None:
    grey = np.random.default_rng(1).integers(0, 6, (7, 9)).astype(np.float32)
    levels = 2 * TRUNCATION + 1
    expected = np.zeros((2, levels, levels, levels))
    for flat in (grey, grey.T):
        height, width = flat.shape
        residual = [
            [
                int(np.clip(flat[y, x] - 2 * flat[y, x + 1] + flat[y, x + 2], -2, 2)) + 2
                for x in range(width - 2)
            ]
            for y in range(height)
        ]
        along = [tuple(row[x : x + 3]) for row in residual for x in range(width - 4)]
        columns = list(zip(*residual, strict=True))
        across = [tuple(col[y : y + 3]) for col in columns for y in range(height - 2)]
        for kind, triples in enumerate((along, across)):
            for one, two, three in triples:
                for a, b, c in ((one, two, three), (4 - one, 4 - two, 4 - three)):
                    expected[kind, a, b, c] += 1 / len(triples)
                    expected[kind, c, b, a] += 1 / len(triples)

    found = co_occurrences(grey)

    np.testing.assert_allclose(found, np.sqrt(expected.ravel()), atol=1e-6)


def test_colour_is_read_inside_and_around_the_face() -> None:
    image = np.zeros((60, 60, 3), np.uint8)
    image[10:50, 10:50] = 200

    luma_inside, _, luma_outside = colour_traces(image)[:3]

    assert (luma_inside, luma_outside) == pytest.approx((200, 0))


def test_forensic_features_hardly_depend_on_resolution() -> None:
    small = np.random.default_rng(0).integers(0, 256, (112, 112, 3), np.uint8)
    large = small.repeat(3, axis=0).repeat(3, axis=1)

    difference = np.abs(forensic_features(large) - forensic_features(small))

    assert difference.max() < 1e-4
