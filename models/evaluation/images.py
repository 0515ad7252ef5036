"""Images of labelled sets, as people see them."""

from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

from models.errors import EvaluationDataMissing
from models.results import Image


def read_image(path: Path) -> Image:
    """Read an image file: (H, W, 3) uint8, RGB, upright by its EXIF orientation.

    Only for labelled sets on this machine's disk: what strangers send is decoded elsewhere, with
    limits.

    Raises:
        EvaluationDataMissing: there is no such file, or it is no image.
    """
    try:
        with Pillow.open(path) as file:
            return np.asarray(ImageOps.exif_transpose(file).convert("RGB"))
    except (OSError, UnidentifiedImageError) as error:
        raise EvaluationDataMissing(f"{path} can't be read as an image: {error}.") from error
