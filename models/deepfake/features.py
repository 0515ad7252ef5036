"""What the deepfake models see of a face, and what the head reads from the encoder's tokens."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from models.anti_spoofing.crops import region
from models.errors import CatalogueError
from models.geometry import resize
from models.results import Box, DetectedFace, Image
from models.spec import FaceCrop, ModelSpec

#: Side of the chip on which sharpness is measured, pixels: one size for all faces, so that it
#: tells focus and compression from resolution.
SHARPNESS_SIDE = 112


def face_chip(image: Image, box: Box, spec: ModelSpec) -> Image:
    """Cut a face as a model's entry says and resample it to the model's input.

    Args:
        image: (H, W, 3) uint8, RGB.
        box: The detected face, pixels.
        spec: Has a crop and one input (batch, 3, height, width).

    Returns:
        (height, width, 3) uint8, RGB.

    Raises:
        CatalogueError: the entry has no crop, or its input is no image of fixed size.
    """
    (contract,) = spec.inputs.values()
    height, width = contract.dims[-2:]
    if spec.crop is None or not isinstance(height, int) or not isinstance(width, int):
        raise CatalogueError(f"{spec.id}: a face network needs a crop and a fixed input size.")
    return resize(face_patch(image, box, spec.crop), width, height)


def face_patch(image: Image, box: Box, crop: FaceCrop) -> Image:
    """The pixels around a face, at the image's own resolution.

    Args:
        image: (H, W, 3) uint8, RGB.
        box: The detected face, pixels.
        crop: Shifted into the frame where it would leave it.

    Raises:
        CatalogueError: the crop is one with a black border, which no deepfake model was trained on.
    """
    if crop.outside != "shift":
        raise CatalogueError("Deepfake models take crops without a black border.")
    cut = region(box, crop, width=image.shape[1], height=image.shape[0])
    return image[cut.top : cut.bottom, cut.left : cut.right]


def sharpness(patch: Image) -> float:
    """Variance of the Laplacian (Pech-Pacheco et al., 2000) of a face at SHARPNESS_SIDE.

    Args:
        patch: (H, W, 3) uint8, RGB.

    Returns:
        From 0; grey levels squared.
    """
    grey = cv2.cvtColor(resize(patch, SHARPNESS_SIDE, SHARPNESS_SIDE), cv2.COLOR_RGB2GRAY)
    return float(cast("NDArray[np.float64]", cv2.Laplacian(grey, cv2.CV_64F)).var())


def pooled_patches(
    tokens: Mapping[str, NDArray[np.floating[Any]]], names: Sequence[str]
) -> NDArray[np.float32]:
    """Average a layer's patch tokens, and put the layers side by side.

    Args:
        tokens: By output: (N, 1 + patches, D); the first token is the class's, not a patch's.
        names: Outputs, in the order wanted.

    Returns:
        (N, len(names) * D) float32.
    """
    return np.concatenate([tokens[name][:, 1:].mean(axis=1) for name in names], axis=1).astype(
        np.float32
    )


def face_of_crop(image: Image, crop: FaceCrop) -> DetectedFace:
    """The face of an image that is a face's crop already: its box makes `face_patch` take it all.

    Args:
        image: (H, W, 3) uint8, about square.
        crop: Its scale decides how large the box is.

    Returns:
        A face with confidence 1 and all landmarks in the middle.
    """
    height, width = image.shape[:2]
    wide, high = width / crop.scale, height / crop.scale
    middle = (width / 2, height / 2)
    return DetectedFace(
        box=Box(x=middle[0] - wide / 2, y=middle[1] - high / 2, width=wide, height=high),
        confidence=1.0,
        landmarks=np.tile(np.array(middle, np.float32), (5, 1)),
    )
