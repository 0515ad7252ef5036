"""Draws an answer over its photo: boxes, landmarks, who it is, apparent age and gender."""

import unicodedata
from collections.abc import Mapping, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont, ImageOps

BOX_COLOUR = (64, 220, 120)
LANDMARK_COLOUR = (255, 96, 64)
LABEL_COLOUR = (16, 24, 20)
#: Boxes of faces that were looked for among known people, by the decision.
DECISION_COLOURS = {"match": BOX_COLOUR, "uncertain": (255, 190, 60), "unknown": (176, 182, 190)}
#: Sizes are shares of the photo's longer side, so that a drawing looks alike at any size.
LINE_SHARE = 1 / 320
LANDMARK_SHARE = 1 / 260
FONT_SHARE = 1 / 52


def annotate(photo: Path, result: Mapping[str, Any], target: Path) -> None:
    """Write a copy of a photo with an analysis drawn on it.

    Args:
        photo: The file that was analysed.
        result: The job's `result`.
        target: Where to write; the suffix decides the format.
    """
    with Image.open(photo) as opened:
        image = ImageOps.exif_transpose(opened).convert("RGB")
    longer = max(image.size)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=max(11, longer * FONT_SHARE))
    line = max(1, round(longer * LINE_SHARE))
    radius = max(1.5, longer * LANDMARK_SHARE)
    for face in result["faces"]:
        box = face["bbox"]
        corners = (box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"])
        colour = _box_colour(face)
        draw.rectangle(corners, outline=colour, width=line)
        for point in face["landmarks"].values():
            x, y = point["x"], point["y"]
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=LANDMARK_COLOUR)
        _label(draw, (corners[0], corners[1]), face_label(face), font, colour)
    image.save(target)


def picture_names(photos: Sequence[Path]) -> list[str]:
    """Names of the annotated copies of photos, in their order, each another one.

    None is that of a photo: a copy that is put beside its photo must not replace it.
    """
    # Some file systems take upper and lower case for the same.
    taken = {photo.name.casefold() for photo in photos}
    names: list[str] = []
    for photo in photos:
        possible = (
            f"{photo.stem}.faces{number}.png" for number in chain([""], (f"-{n}" for n in count(2)))
        )
        names.append(next(name for name in possible if name.casefold() not in taken))
        taken.add(names[-1].casefold())
    return names


def _box_colour(face: Mapping[str, Any]) -> tuple[int, int, int]:
    """Green; amber and grey where it is uncertain or unknown who it is."""
    identity = face.get("identity")
    return DECISION_COLOURS[identity["decision"]] if identity else BOX_COLOUR


def face_label(face: Mapping[str, Any]) -> str:
    """What is written at a face: "Ada 0.71" of somebody known, or "female, 29, live (0.94)".

    The number behind a name is the similarity, the one in brackets the detection's confidence.
    """
    words = []
    identity = face.get("identity")
    if identity:
        words.append(_who(identity))
    if demographics := face.get("demographics"):
        words += [demographics["gender"]["value"], f"{demographics['age']['value']:.0f}"]
    if liveness := face.get("anti_spoofing"):
        words.append(liveness["outcome"])
    if (deepfake := face.get("deepfake")) and deepfake["verdict"]:
        words.append(deepfake["verdict"])
    label = ", ".join(words)
    return label if identity else f"{label} ({face['confidence']:.2f})".strip()


def _drawable(name: str) -> str:
    """A name in the letters the font has, plain Latin ones; "" where it can't be written so."""
    letters = unicodedata.normalize("NFKD", name)
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return plain if plain.isascii() and plain.isprintable() else ""


def _who(identity: Mapping[str, Any]) -> str:
    person = identity["person"]
    # Nobody is named who is no match, candidates included.
    if identity["decision"] != "match":
        return str(identity["decision"])
    return f"{_drawable(person['name'] or '') or person['id']} {identity['similarity']:.2f}"


def _label(
    draw: ImageDraw.ImageDraw,
    corner: tuple[float, float],
    text: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    colour: tuple[int, int, int],
) -> None:
    """Put a label over the box's top left corner, inside the picture."""
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    pad = (bottom - top) / 4
    x = min(corner[0], draw.im.size[0] - (right - left) - 2 * pad)
    y = max(0.0, corner[1] - (bottom - top) - 2 * pad)
    draw.rectangle((x, y, x + right - left + 2 * pad, corner[1]), fill=colour)
    draw.text((x + pad - left, y + pad - top), text, fill=LABEL_COLOUR, font=font)
