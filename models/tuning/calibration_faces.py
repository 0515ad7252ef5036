"""Faces to calibrate and judge 8-bit graphs on: the sample photos', varied reproducibly.

A user's machine has no labelled data, but it has the catalogue's sample photos: seven faces. Half
of them, varied, give the ranges of the activations; the others decide whether the result is
accepted, so that a graph is never judged on what it was fitted to.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from PIL import Image as Pillow

from models.catalogue import Catalogue
from models.contract import InferenceSession
from models.detection.search import FaceSearch, SearchOptions
from models.detection.yunet import DEFAULT_CONFIDENCE, YuNet
from models.network import Network
from models.recognition.chips import CUTTERS
from models.results import Image
from models.session import open_session
from models.spec import ModelSpec
from models.weights.store import WeightStore

#: Variations of each face, the face itself being the first.
VARIATIONS = 10


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CalibrationFaces:
    """Chips of one model, of faces that share no person."""

    #: Give the ranges; each (S, S, 3) uint8, RGB.
    fit: Sequence[Image]
    #: Judge the result.
    judge: Sequence[Image]


def calibration_faces(
    store: WeightStore, catalogue: Catalogue, spec: ModelSpec
) -> CalibrationFaces:
    """Cut the sample photos' faces for a recognition model, and vary them.

    Args:
        store: Has the sample photos and YuNet.
        catalogue: Where they are described.
        spec: A model with a template.

    Raises:
        WeightsMissing: a sample photo or the detector is not in the store.
        ValueError: the model has no template.
    """
    if spec.template is None:
        raise ValueError(f"{spec.id} takes no aligned faces.")
    yunet = catalogue.model("yunet")
    session: InferenceSession = open_session(store.prepared(yunet))
    search = FaceSearch(YuNet(Network(spec=yunet, session=session)))
    chips: list[Image] = []
    for sample in catalogue.samples.values():
        with Pillow.open(store.path(sample.file)) as photo:
            image = np.asarray(photo.convert("RGB"))
        options = SearchOptions(min_confidence=DEFAULT_CONFIDENCE, max_faces=sample.faces)
        chips += [CUTTERS[spec.template](image, face) for face in search.find(image, options).faces]
    return CalibrationFaces(fit=vary(chips[::2], seed=0), judge=vary(chips[1::2], seed=1))


def vary(chips: Sequence[Image], *, seed: int) -> list[Image]:
    """Each chip and its variations: mirrored, brighter or darker, blurred, noisy, shifted, turned.

    Args:
        chips: Each (S, S, 3) uint8.
        seed: The same one gives the same images.
    """
    rng = np.random.default_rng(seed)
    return [image for chip in chips for image in (chip, *_variations(chip, rng))]


def _variations(chip: Image, rng: np.random.Generator) -> list[Image]:
    return [_varied(chip, rng) for _ in range(VARIATIONS - 1)]


def _varied(chip: Image, rng: np.random.Generator) -> Image:
    size = chip.shape[0]
    middle = (size / 2, size / 2)
    shift = np.zeros((2, 3))
    shift[:, 2] = rng.uniform(-3, 3, 2)
    turn = cv2.getRotationMatrix2D(middle, rng.uniform(-8, 8), rng.uniform(0.92, 1.08)) + shift
    moved = cv2.warpAffine(chip, turn, (size, size), borderMode=cv2.BORDER_REPLICATE)
    if rng.random() < 0.5:  # noqa: PLR2004 - every other one
        moved = cv2.flip(moved, 1)
    blurred = cv2.GaussianBlur(moved, (0, 0), rng.uniform(0.1, 1.5))
    light = blurred.astype(np.float32) * rng.uniform(0.5, 1.4) + rng.uniform(-25, 25)
    noisy = light + rng.normal(0, rng.uniform(0, 6), light.shape)
    return cast("Image", np.clip(noisy, 0, 255).astype(np.uint8))
