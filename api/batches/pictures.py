"""A photo with the faces that were found drawn into it."""

import io
import threading
from collections.abc import Mapping
from typing import Any

from PIL import Image, ImageDraw, ImageFont, ImageOps

from api.images import FORMATS
from api.offload import offload

#: Longest side of a picture; larger photos are scaled down, which saves memory too.
LONGEST_SIDE = 1600
_QUALITY = 88
#: Pictures drawn at a time in this process: each takes its photo's pixels in memory.
_drawing = threading.BoundedSemaphore(1)
_PLAIN, _SUSPECT = (40, 200, 90), (230, 60, 50)


def annotated(photo: bytes, result: Mapping[str, Any]) -> bytes:
    """The photo as a JPEG, its faces framed and labelled.

    Args:
        photo: A file that was analysed.
        result: What was found in it.

    Raises:
        OSError: the photo can't be decoded.
    """
    with _drawing:
        return offload(_draw, photo, result)


def _draw(photo: bytes, result: Mapping[str, Any]) -> bytes:
    with Image.open(io.BytesIO(photo), formats=FORMATS) as file:
        # Of a JPEG only as many pixels are decoded as are needed.
        file.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
        picture = ImageOps.exif_transpose(file).convert("RGB")
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=max(12, picture.width // 60))
    line = max(2, picture.width // 300)
    for number, face in enumerate(result.get("faces") or [], start=1):
        box = _box(face["bbox_normalized"], picture.size)
        colour = _SUSPECT if _is_suspect(face) else _PLAIN
        draw.rectangle(box, outline=colour, width=line)
        draw.text((box[0], box[3] + line), _label(number, face), fill=colour, font=font)
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=_QUALITY)
    return written.getvalue()


def _box(share: Mapping[str, float], size: tuple[int, int]) -> tuple[float, float, float, float]:
    width, height = size
    left, top = share["x"] * width, share["y"] * height
    return left, top, left + share["width"] * width, top + share["height"] * height


def _is_suspect(face: Mapping[str, Any]) -> bool:
    outcome = (face.get("anti_spoofing") or {}).get("outcome")
    verdict = (face.get("deepfake") or {}).get("verdict")
    return outcome == "spoof" or verdict == "manipulated"


def _label(number: int, face: Mapping[str, Any]) -> str:
    demographics = face.get("demographics") or {}
    age = (demographics.get("age") or {}).get("value")
    words = [
        str(number),
        None if age is None else str(round(age)),
        (demographics.get("gender") or {}).get("value"),
        (face.get("anti_spoofing") or {}).get("outcome"),
        (face.get("deepfake") or {}).get("verdict"),
    ]
    return " ".join(str(word) for word in words if word is not None)
