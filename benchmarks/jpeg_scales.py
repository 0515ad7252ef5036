"""What decoding a large JPEG at a smaller scale would save, and what shrinking costs after it."""

import io
import statistics
from typing import Any

import cv2
import numpy as np
from PIL import Image

from models.catalogue import Catalogue
from models.geometry import resize
from models.tuning.speed import clock_for, time_in_turn
from models.weights.store import WeightStore
from workers.photos.decode import decode_image

#: Width and height of the photos: 12 MP, as phones write them, and 40 MP.
SIZES = ((4032, 3024), (7296, 5472))
#: Side that a detector's canvas wants, pixels.
CANVAS = 640
QUALITY = 90


def measure_decoding(store: WeightStore, catalogue: Catalogue) -> dict[str, Any]:
    """Milliseconds to decode an enlarged sample photo: in full, and by libjpeg at 1/2 to 1/8.

    Args:
        store: Has the sample photo `t1`.
        catalogue: Where it is described.
    """
    with Image.open(store.path(catalogue.samples["t1"].file)) as photo:
        rgb = photo.convert("RGB")
    return {f"{width}x{height}": _measure(rgb, width, height) for width, height in SIZES}


def _measure(photo: Image.Image, width: int, height: int) -> dict[str, Any]:
    stream = io.BytesIO()
    photo.resize((width, height)).save(stream, "JPEG", quality=QUALITY)
    content = stream.getvalue()
    pixels = decode_image(content, max_pixels=width * height).pixels
    taken = time_in_turn(
        {
            "full": lambda: decode_image(content, max_pixels=width * height),
            "half": lambda: _scaled(content, 2),
            "quarter": lambda: _scaled(content, 4),
            "eighth": lambda: _scaled(content, 8),
            "shrink_to_canvas": lambda: resize(pixels, CANVAS, CANVAS * height // width),
        },
        seconds=3.0,
        clock=clock_for(cv2.getNumThreads()),
    )
    times = {name: round(1000 * statistics.median(times), 1) for name, times in taken.items()}
    return {"size_bytes": len(content), "ms": times}


def _scaled(content: bytes, factor: int) -> Any:  # noqa: ANN401 - only timed
    with Image.open(io.BytesIO(content)) as image:
        image.draft(None, (image.width // factor, image.height // factor))
        return np.asarray(image)
