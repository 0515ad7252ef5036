"""A ZIP of many small photos that all differ, made without holding them."""

import io
import os
import zipfile
from pathlib import Path

from PIL import Image

#: Longest side of each photo: detection takes little of it.
SIDE_PIXELS = 64
#: After the start of a JPEG anything may stand in a comment: ITU-T T.81, B.2.4.5.
_START, _COMMENT = b"\xff\xd8", b"\xff\xfe"


def tiny(photo: Path) -> bytes:
    """A photo scaled down, as a JPEG."""
    with Image.open(photo) as image:
        image.thumbnail((SIDE_PIXELS, SIDE_PIXELS))
        written = io.BytesIO()
        image.convert("RGB").save(written, "JPEG", quality=80)
    return written.getvalue()


def numbered(photo: bytes, number: int) -> bytes:
    """The same picture as another file, told apart by a comment."""
    text = f"{number:08d}".encode()
    comment = _COMMENT + (len(text) + 2).to_bytes(2, "big") + text
    return _START + comment + photo.removeprefix(_START)


def item_id(number: int) -> str:
    """The name of a photo in the archive."""
    return f"photos/{number:06d}.jpg"


def write_archive(path: Path, photo: bytes, items: int, *, photo_kib: int = 0) -> None:
    """Write the ZIP.

    Args:
        path: Of the ZIP.
        photo: A JPEG.
        items: How many of it.
        photo_kib: Fill each up to this size, behind its end, where no decoder looks.
    """
    filling = os.urandom(max(0, photo_kib * 1024 - len(photo)))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for number in range(items):
            archive.writestr(item_id(number), numbered(photo, number) + filling)
