"""What is cut around a face and read of it, against loops."""

import numpy as np
import pytest

from models.catalogue import load_catalogue
from models.deepfake.features import (
    SHARPNESS_SIDE,
    face_chip,
    face_of_crop,
    face_patch,
    pooled_patches,
    sharpness,
)
from models.errors import CatalogueError
from models.results import Box, Image
from models.spec import FaceCrop

SPEC = load_catalogue().model("facesocial_deepfake")
CROP = FaceCrop(shape="square", scale=0.8, outside="shift")


def noise(height: int, width: int) -> Image:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def test_patches_are_averaged_without_the_class_token_layer_by_layer() -> None:
    rng = np.random.default_rng(0)
    tokens = {name: rng.normal(size=(2, 197, 4)).astype(np.float32) for name in "ab"}

    found = pooled_patches(tokens, ["b", "a"])

    expected = [
        [
            sum(tokens[name][row, patch, at] for patch in range(1, 197)) / 196
            for name in "ba"
            for at in range(4)
        ]
        for row in range(2)
    ]
    assert found.shape == (2, 8)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_sharpness_is_the_variance_of_the_laplacian() -> None:
    grey = np.random.default_rng(1).integers(0, 256, (SHARPNESS_SIDE, SHARPNESS_SIDE), np.uint8)
    image = np.repeat(grey[:, :, None], 3, axis=2)
    padded = np.pad(grey.astype(float), 1, mode="reflect")

    found = sharpness(image)

    laplacian = (
        padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    ) - 4 * padded[1:-1, 1:-1]
    assert found == pytest.approx(laplacian.var(), rel=1e-6)


def test_sharpness_hardly_depends_on_resolution() -> None:
    small = noise(SHARPNESS_SIDE, SHARPNESS_SIDE)
    large = np.repeat(np.repeat(small, 3, axis=0), 3, axis=1)

    assert sharpness(large) == pytest.approx(sharpness(small), rel=1e-6)


def test_the_face_of_a_crop_takes_all_of_it() -> None:
    image = noise(155, 155)

    patch = face_patch(image, face_of_crop(image, CROP).box, CROP)

    np.testing.assert_array_equal(patch, image)


def test_a_chip_is_the_box_scaled_around_its_middle() -> None:
    image = np.zeros((400, 400, 3), np.uint8)
    # 100 pixels times 0.8: from 160 to 240.
    image[160:240, 160:240] = 200

    chip = face_chip(image, Box(x=160, y=150, width=80, height=100), SPEC)

    assert chip.shape == (224, 224, 3)
    assert chip[8:-8, 8:-8].min() == 200


def test_a_crop_at_the_edge_moves_into_the_frame() -> None:
    patch = face_patch(noise(300, 300), Box(x=-40, y=250, width=100, height=100), CROP)

    assert min(patch.shape[:2]) >= 79


def test_crops_with_a_black_border_are_refused() -> None:
    black = FaceCrop(shape="square", scale=1.5, outside="black")

    with pytest.raises(CatalogueError, match="black border"):
        face_patch(noise(50, 50), Box(x=0, y=0, width=50, height=50), black)


def test_an_entry_without_a_crop_is_refused() -> None:
    with pytest.raises(CatalogueError, match="crop"):
        face_chip(
            noise(50, 50),
            Box(x=0, y=0, width=50, height=50),
            SPEC.model_copy(update={"crop": None}),
        )
