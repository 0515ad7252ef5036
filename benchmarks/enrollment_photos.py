"""An archive that enrols many people, with a list and with known troubles in it.

The photos are read from a folder of `<person>_<number>.jpg`, as Labeled Faces in the Wild has them.
Where these are too few, slightly changed copies follow: mirrored, then darker, then scaled down,
then brighter. A copy shows the same person, but is another file with another embedding.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageEnhance, ImageOps

from benchmarks.errors import BenchmarkFailed

_NAME = re.compile(r"(?P<person>.+)_(?P<number>\d+)\.jpg")
_QUALITY = 90
#: Of every hundred photos one of each kind of trouble, and one of each at least.
_ONE_IN = 100
#: Changes of copies, in the order of their rounds; see `_copy`.
ROUNDS = ("mirrored", "darker", "smaller", "brighter")


@dataclass(kw_only=True, slots=True)
class People:
    """What is in the archive, and what has to come of it."""

    #: By file who is in it.
    persons: dict[str, str] = field(default_factory=dict)
    #: Files that can't be enrolled, by the code they are refused with.
    refused: dict[str, str] = field(default_factory=dict)
    #: Files of which one is enrolled or refused for its own sake; the other is its duplicate then.
    twins: list[tuple[str, str]] = field(default_factory=list)
    #: Of the photos that are in it: originals, and copies by their change.
    kinds: dict[str, int] = field(default_factory=dict)


def write_people(path: Path, folder: Path, photos: int) -> People:
    """Write the ZIP: the list, the photos, and the troubles.

    Args:
        path: Of the ZIP.
        folder: Of the photos.
        photos: Files in it, troubles included.

    Raises:
        BenchmarkFailed: the folder has too few.
    """
    people, troubles = People(), max(1, photos // _ONE_IN)
    rows: list[tuple[str, str, str]] = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        wanted = photos - 4 * troubles
        for kind, source, person in _photos(folder, wanted):
            name = f"photos/{len(rows):06d}.jpg"
            archive.writestr(name, _content(source, kind))
            people.kinds[kind] = people.kinds.get(kind, 0) + 1
            people.persons[name] = person
            rows.append((name, person, f"{person} (made up for a test)"))
        for number in range(troubles):
            _add_troubles(archive, people, rows, number)
        archive.writestr("manifest.csv", _list(rows))
    return people


def _add_troubles(
    archive: zipfile.ZipFile, people: People, rows: list[tuple[str, str, str]], number: int
) -> None:
    """One of each kind."""
    name, person, _ = rows[number]
    twin = f"photos/again-{number:06d}.jpg"
    archive.writestr(twin, archive.read(name))
    people.twins.append((name, twin))
    rows.append((twin, person, ""))
    people.persons[twin] = person
    broken, empty = f"photos/broken-{number:06d}.jpg", f"photos/empty-{number:06d}.jpg"
    archive.writestr(broken, b"no photo at all")
    archive.writestr(empty, _grey(number))
    rows += [(broken, person, ""), (empty, person, "")]
    unlisted = f"photos/unlisted-{number:06d}.jpg"
    archive.writestr(unlisted, _grey(number))
    missing = f"photos/missing-{number:06d}.jpg"
    rows.append((missing, person, ""))
    people.refused |= {
        broken: "invalid_image_format",
        empty: "face_not_found",
        unlisted: "not_listed",
        missing: "file_missing",
    }


def _photos(folder: Path, wanted: int) -> Iterator[tuple[str, Path, str]]:
    """Kind, file and person of as many photos; originals first."""
    found = [
        (path, matched["person"])
        for path in sorted(folder.glob("*.jpg"))
        if (matched := _NAME.fullmatch(path.name))
    ]
    if len(found) * (1 + len(ROUNDS)) < wanted:
        raise BenchmarkFailed(f"{folder} has {len(found)} photos; that is too few for {wanted}.")
    every = [(kind, *one) for kind in ("original", *ROUNDS) for one in found]
    yield from every[:wanted]


def _content(source: Path, kind: str) -> bytes:
    if kind == "original":
        return source.read_bytes()
    with Image.open(source) as image:
        return _jpeg(_copy(image.convert("RGB"), kind))


def _copy(image: Image.Image, kind: str) -> Image.Image:
    if kind == "mirrored":
        return ImageOps.mirror(image)
    if kind == "smaller":
        return image.resize((image.width * 4 // 5, image.height * 4 // 5))
    return ImageEnhance.Brightness(image).enhance({"darker": 0.8, "brighter": 1.2}[kind])


def _grey(number: int) -> bytes:
    shade = number % 256
    return _jpeg(Image.new("RGB", (160, 160), (shade, 128, number // 256)))


def _jpeg(image: Image.Image) -> bytes:
    written = io.BytesIO()
    image.save(written, "JPEG", quality=_QUALITY)
    return written.getvalue()


def _list(rows: Sequence[tuple[str, str, str]]) -> str:
    written = io.StringIO()
    lines = csv.writer(written)
    lines.writerow(("file", "person_id", "name"))
    lines.writerows(rows)
    return written.getvalue()
