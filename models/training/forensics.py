"""Classic traces of image forensics, as candidates beside the encoder's features.

They did not earn a place in the head: see the table that `models.training.deepfake` writes.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.geometry import resize
from models.results import Image

#: Side all crops are brought to, pixels, so that resolution can't be learnt.
SIDE = 112
#: Rings of the spectrum.
RINGS = 28
#: Residuals are rounded and cut to -TRUNCATION .. TRUNCATION grey levels.
TRUNCATION = 2
#: Keeps logarithms of near-zero energies finite; grey levels.
FLOOR = 0.1

Vector = NDArray[np.float32]


def forensic_features(image: Image) -> Vector:
    """Spectrum, co-occurrences and colour of a crop (H, W, 3) uint8 RGB, side by side."""
    same = resize(image, SIDE, SIDE)
    grey = cv2.cvtColor(same, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.concatenate([radial_spectrum(grey), co_occurrences(grey), colour_traces(same)])


def radial_spectrum(grey: NDArray[np.float32]) -> Vector:
    """Log power by distance from the zero frequency, (RINGS,), less its mean.

    Generated and blended faces lack or repeat high frequencies (Durall et al., 2020).

    Args:
        grey: (S, S) grey levels, S at least 2 * RINGS so that no ring is empty.
    """
    side = grey.shape[0]
    window = np.outer(np.hanning(side), np.hanning(side))
    power = np.abs(np.fft.fftshift(np.fft.fft2((grey - grey.mean()) * window))) ** 2
    offset = np.arange(side) - side // 2
    radius = np.hypot(offset[:, None], offset[None, :]) * 2 / side
    ring = np.minimum((radius * RINGS).astype(np.intp), RINGS).ravel()
    sums = np.bincount(ring, power.ravel(), RINGS + 1)[:RINGS]
    logs = np.log(sums / np.bincount(ring, minlength=RINGS + 1)[:RINGS] + 1e-3)
    return np.asarray(logs - logs.mean(), np.float32)


def co_occurrences(grey: NDArray[np.float32]) -> Vector:
    """Square roots of the shares of triples of second differences, along and across.

    Sub-models of the spatial rich model (Fridrich and Kodovsky, 2012): residuals of neighbours in
    a row or column, rounded and truncated; opposite and mirrored triples count as one.

    Args:
        grey: (H, W) grey levels.

    Returns:
        (2 * (2 * TRUNCATION + 1) ** 3,): triples along the difference, then across it.
    """
    along = np.zeros((2 * TRUNCATION + 1,) * 3)
    across = along.copy()
    for upright in (grey, grey.T):
        cut = np.clip(np.round(np.diff(upright, n=2, axis=1)), -TRUNCATION, TRUNCATION)
        level = cut.astype(np.intp) + TRUNCATION
        along += _triples(level[:, :-2], level[:, 1:-1], level[:, 2:])
        across += _triples(level[:-2], level[1:-1], level[2:])
    return np.asarray(np.sqrt(np.concatenate([along.ravel(), across.ravel()])), np.float32)


def _triples(
    first: NDArray[np.intp], second: NDArray[np.intp], third: NDArray[np.intp]
) -> NDArray[np.float64]:
    levels = 2 * TRUNCATION + 1
    index = (first * levels + second) * levels + third
    counts = np.bincount(index.ravel(), minlength=levels**3).reshape((levels,) * 3) / index.size
    signs = counts + counts[::-1, ::-1, ::-1]
    return np.asarray(signs + signs.transpose(2, 1, 0))


def colour_traces(image: Image) -> Vector:
    """Mean, spread and high-pass energy of each channel of YCrCb, HSV and Lab: face and border.

    A pasted face may differ from what is around it in tint, contrast or sharpness.

    Args:
        image: (S, S, 3) uint8 RGB; its middle two thirds count as the face.
    """
    height, width = image.shape[:2]
    face = np.zeros((height, width), bool)
    face[height // 6 : height - height // 6, width // 6 : width - width // 6] = True
    found: list[float] = []
    for space in (cv2.COLOR_RGB2YCrCb, cv2.COLOR_RGB2HSV, cv2.COLOR_RGB2LAB):
        for channel in cv2.split(cv2.cvtColor(image, space).astype(np.float32)):
            inside, outside = channel[face], channel[~face]
            edges = np.abs(cv2.Laplacian(channel, cv2.CV_32F))
            found += [inside.mean(), inside.std(), outside.mean(), outside.std()]
            found += [np.log(edges[part].mean() + FLOOR) for part in (face, ~face)]
    return np.array(found, np.float32)
