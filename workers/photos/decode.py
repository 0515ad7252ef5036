"""From the bytes of an image file to pixels; the bytes are a stranger's and may be hostile.

OpenCV is not used for reading: it accepts cut JPEGs in silence and lets small files claim
gigabytes.
"""

import io
import struct
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import (
    Image,
    WebPImagePlugin,  # noqa: F401 - registers itself; else the first image loads every plugin
)

from workers.errors import ImageRejected

# Pillow warns of odd metadata and of sizes that are checked here anyway. Once for all threads:
# filters belong to the process, and two threads that change them for a while keep each other's.
warnings.filterwarnings("ignore", module="PIL")

#: Formats that are read, by content; a file's name plays no part.
FORMATS = ("JPEG", "PNG", "WEBP")
#: What Pillow calls a JPEG followed by more pictures (a brightness or depth map, a second eye), as
#: many phones write them; the first one is the photo.
_MULTI_PICTURE = "MPO"

#: What Pillow raises for files it can't read.
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)
#: And for metadata it can't make sense of.
_BROKEN_METADATA = (*_BROKEN, TypeError, LookupError, OverflowError)
#: Pixels converted at a time, so that a conversion needs no second copy of a large image.
_STRIP_PIXELS = 1 << 20
_ORIENTATION_TAG = 0x0112
_UPRIGHT = 1
#: How to undo each EXIF orientation.
_TURNS: dict[int, Callable[[NDArray[np.uint8]], object]] = {
    2: lambda pixels: cv2.flip(pixels, 1),
    3: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_180),
    4: lambda pixels: cv2.flip(pixels, 0),
    5: cv2.transpose,
    6: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_90_CLOCKWISE),
    7: lambda pixels: cv2.flip(cv2.transpose(pixels), -1),
    8: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_90_COUNTERCLOCKWISE),
}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DecodedImage:
    """An image as people see it."""

    #: (H, W, 3) uint8, RGB, C-contiguous, upright by its EXIF orientation.
    pixels: NDArray[np.uint8]
    #: "JPEG", "PNG" or "WEBP".
    format: str
    #: 1 to 8, as the file said; 1 when it said nothing or nonsense.
    exif_orientation: int


def decode_image(data: bytes, *, max_pixels: int) -> DecodedImage:
    """Decode a still JPEG, PNG or WebP image.

    Grey, palette and CMYK images become RGB, 16-bit values are scaled to 8 bits. Transparent
    parts are laid over white, as on a page: colours hidden below them are seen by nobody and so
    are not analysed. Colour profiles are ignored.

    Args:
        data: The file's bytes; what they are is found out from them alone.
        max_pixels: Most pixels accepted, checked in the header before anything is decoded.

    Raises:
        ImageRejected: with code `image_undecodable`, `image_truncated`, `image_too_large` or
            `animated_image`.
    """
    try:
        pixels, name, orientation = _read(data, max_pixels)
    except Image.DecompressionBombError as error:
        raise _too_large(max_pixels) from error
    except _BROKEN as error:
        raise _rejection(data, error) from error
    if turn := _TURNS.get(orientation):
        pixels = cast("NDArray[np.uint8]", turn(pixels))
    return DecodedImage(pixels=pixels, format=name, exif_orientation=orientation)


def _read(data: bytes, max_pixels: int) -> tuple[NDArray[np.uint8], str, int]:
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        _check_header(image, max_pixels)
        image.load()
        name = "JPEG" if image.format == _MULTI_PICTURE else str(image.format)
        return _rgb(image), name, _orientation(image)


def _check_header(image: Image.Image, max_pixels: int) -> None:
    if image.width * image.height > max_pixels:
        raise _too_large(max_pixels)
    if image.format != _MULTI_PICTURE and getattr(image, "n_frames", 1) > 1:
        raise ImageRejected("animated_image", "The image is animated. Send one frame of it.")


def _too_large(max_pixels: int) -> ImageRejected:
    # Pillow refuses on its own from twice its own limit on.
    limit = min(max_pixels, 2 * (Image.MAX_IMAGE_PIXELS or max_pixels))
    return ImageRejected("image_too_large", f"The image has more than {limit} pixels. Shrink it.")


def _rejection(data: bytes, error: Exception) -> ImageRejected:
    # Pillow has no class of its own for a file that ends early; only the message tells.
    if "truncated" in str(error).lower() or _is_cut_webp(data):
        return ImageRejected(
            "image_truncated", "The image file ends too early. Check the upload and send it again."
        )
    return ImageRejected(
        "image_undecodable", "The file is no JPEG, PNG or WebP image, or it is damaged."
    )


def _is_cut_webp(data: bytes) -> bool:
    """Whether the bytes are fewer than a WebP's container header says; its decoder can't tell."""
    is_webp = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    return is_webp and int.from_bytes(data[4:8], "little") + 8 > len(data)


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(_ORIENTATION_TAG)
    except _BROKEN_METADATA:
        # Metadata that can't be read says nothing; the picture is good.
        return _UPRIGHT
    return value if isinstance(value, int) and value in _TURNS else _UPRIGHT


def _rgb(image: Image.Image) -> NDArray[np.uint8]:
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    rows = max(1, _STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        pixels[top : top + rows] = _strip_rgb(strip)
    return pixels


def _strip_rgb(strip: Image.Image) -> NDArray[np.uint8]:
    if strip.mode.startswith("I;16"):
        return _rgb_of_grey16(strip)
    if strip.has_transparency_data:
        white = Image.new("RGBA", strip.size, "white")
        white.alpha_composite(strip.convert("RGBA"))
        strip = white
    return np.asarray(strip if strip.mode == "RGB" else strip.convert("RGB"))


def _rgb_of_grey16(strip: Image.Image) -> NDArray[np.uint8]:
    # Pillow's own conversion would clip at 255 instead of scaling.
    values = np.asarray(strip)
    grey = cv2.convertScaleAbs(values, alpha=255 / 65535)
    transparent = strip.info.get("transparency")
    if isinstance(transparent, int):
        grey[values == transparent] = 255
    return cast("NDArray[np.uint8]", cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB))
