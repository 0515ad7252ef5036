"""Is this an image we take? Decided from its header, without decoding a pixel."""

import io
from dataclasses import dataclass
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from api.errors import ApiError

#: Pillow's names of the formats we take.
FORMATS = ("JPEG", "PNG", "WEBP")
#: Brands of the files that phones and browsers keep photos in and that are not taken, by name.
_BRANDS = {
    "HEIC": (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"),
    "HEIF": (b"mif1", b"msf1"),
    "AVIF": (b"avif", b"avis"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageHeader:
    """What an image's header says."""

    #: "jpeg", "png" or "webp".
    format: str
    #: Pixels, before EXIF rotation.
    width: int
    height: int


def check_image(
    content: BinaryIO | bytes, *, max_bytes: int, max_pixels: int, field: str = "image"
) -> ImageHeader:
    """Read an image's header and refuse what can't be analysed.

    Args:
        content: The file; seekable, and at its beginning afterwards.
        max_bytes: Largest file taken.
        max_pixels: Most pixels taken.
        field: Where it stands in the request.

    Raises:
        ApiError: `image_empty`, `file_too_large`, `invalid_image_format`, `image_unreadable`,
            `animated_image` or `image_too_large`.
    """
    file = io.BytesIO(content) if isinstance(content, bytes) else content
    try:
        return _checked(file, max_bytes, max_pixels)
    except ApiError as error:
        error.field = field
        raise
    finally:
        file.seek(0)


def _checked(file: BinaryIO, max_bytes: int, max_pixels: int) -> ImageHeader:
    size_bytes = file.seek(0, io.SEEK_END)
    file.seek(0)
    if not size_bytes:
        raise ApiError("image_empty", "The image has no bytes.")
    if size_bytes > max_bytes:
        raise too_large_file(max_bytes)
    width, height, format_, is_animated = _read_header(file)
    if width * height > max_pixels:
        raise ApiError(
            "image_too_large",
            f"The image has {width}x{height} pixels; the limit is {max_pixels}. Scale it down.",
        )
    if is_animated:
        raise ApiError("animated_image", "Send one frame as a still image.")
    return ImageHeader(format=format_.lower(), width=width, height=height)


def too_large_file(max_bytes: int, *, field: str = "image") -> ApiError:
    """The error for a file above the limit."""
    return ApiError(
        "file_too_large",
        f"The file is larger than {max_bytes} bytes. Scale it down or compress it.",
        field=field,
    )


def _read_header(file: BinaryIO) -> tuple[int, int, str, bool]:
    try:
        with Image.open(file, formats=FORMATS) as image:
            if image.format == "MPO":
                # A JPEG with further pictures behind the photo: phones keep depth or gain maps so.
                return image.width, image.height, "JPEG", False
            is_animated = bool(getattr(image, "is_animated", False))
            return image.width, image.height, str(image.format), is_animated
    except Image.DecompressionBombError:
        raise ApiError("image_too_large", "The image has far too many pixels.") from None
    except UnidentifiedImageError:
        raise ApiError("invalid_image_format", _no_image(file)) from None
    except (OSError, ValueError, SyntaxError, OverflowError):  # what Pillow's parsers raise
        raise ApiError("image_unreadable", "The image's header is damaged or cut off.") from None


def _no_image(file: BinaryIO) -> str:
    """Why a file is not taken, and what to do where its sender sees a photo in it."""
    file.seek(0)
    head = file.read(12)
    for name, brands in _BRANDS.items():
        if head[4:8] == b"ftyp" and head[8:] in brands:
            return f"The file is a photo in the {name} format. Send it as JPEG, PNG or WebP."
    return "The file is not a JPEG, PNG or WebP image, or its first bytes are missing."
