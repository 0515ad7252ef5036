"""The labelled crops a deepfake head is fitted to: which belong together, and what is read of them.

Everything is read from the encoder once and kept in a folder, since that is what takes the time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray

from models.contract import InferenceSession
from models.deepfake.features import face_chip, face_of_crop, face_patch, pooled_patches
from models.errors import CatalogueError
from models.evaluation.images import read_image
from models.evaluation.labels import read_labels
from models.geometry import resize
from models.pixels import to_tensor
from models.results import Box, DetectedFace, Image
from models.spec import ModelSpec

#: Blocks of the encoder (ViT-B/16) that are read, counted from 0. The twelfth is the encoder's
#: published output under another name; logistic heads on it stay at an AUC of 0.75 to 0.78.
BLOCKS = tuple(range(11))
#: Side of the low-resolution view, pixels: three quarters of the crops had more in their video.
SOFT_SIDE = 112
#: Share of the crop that the close view shows.
NEAR_SHARE = 0.8

_log = structlog.get_logger()


#: Finds the faces of a picture, (H, W, 3) uint8 RGB, largest first.
Finder = Callable[[Image], Sequence[DetectedFace]]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Crops:
    """Labelled faces."""

    files: tuple[Path, ...]
    #: Where the face is; None where a file is a face's crop already.
    boxes: tuple[Box | None, ...]
    #: (N,) whether a face is manipulated.
    is_fake: NDArray[np.bool_]
    #: (N,) a number for each original video; a fake and what it was made of share theirs.
    groups: NDArray[np.intp]
    #: (N,) pixels that a crop's shorter side had in its video; the files may have been resized.
    sides: NDArray[np.float64]


def read_crops(folder: Path) -> Crops:
    """Read crops with `labels.csv`: file, is_fake, original_video, crop_w and crop_h.

    Raises:
        EvaluationDataMissing: there is no such file, or a column is missing.
    """
    columns = ("file", "is_fake", "original_video", "crop_w", "crop_h")
    rows = read_labels(folder / "labels.csv", columns)
    # A real crop names no original: its own file is called after the video it shows.
    names = [Path(row["original_video"] or row["file"]).stem for row in rows]
    return Crops(
        files=tuple(folder / row["file"] for row in rows),
        boxes=(None,) * len(rows),
        is_fake=np.array([row["is_fake"] == "1" for row in rows]),
        groups=np.unique(names, return_inverse=True)[1],
        sides=np.array([min(float(row["crop_w"]), float(row["crop_h"])) for row in rows]),
    )


def read_pictures(folder: Path, spec: ModelSpec, find: Finder) -> Crops:
    """Read whole pictures with `labels.csv`: file and is_fake; each is a group of its own.

    Args:
        folder: The set.
        spec: Its crop decides a face's side.
        find: The largest face of each picture counts; pictures without one are left out.

    Raises:
        EvaluationDataMissing: there is no such file, or a column is missing.
    """
    rows = read_labels(folder / "labels.csv", ("file", "is_fake"))
    faces = [(row, next(iter(find(read_image(folder / row["file"]))), None)) for row in rows]
    found = [(row, face.box) for row, face in faces if face is not None]
    scale = spec.crop.scale if spec.crop else 1.0
    return Crops(
        files=tuple(folder / row["file"] for row, _ in found),
        boxes=tuple(box for _, box in found),
        is_fake=np.array([row["is_fake"] == "1" for row, _ in found]),
        groups=np.arange(len(found)),
        sides=np.array([scale * max(box.width, box.height) for _, box in found]),
    )


def joined(first: Crops, second: Crops) -> Crops:
    """Both, with groups kept apart."""
    return Crops(
        files=first.files + second.files,
        boxes=first.boxes + second.boxes,
        is_fake=np.concatenate([first.is_fake, second.is_fake]),
        groups=np.concatenate([first.groups, second.groups + first.groups.max() + 1]),
        sides=np.concatenate([first.sides, second.sides]),
    )


def part(crops: Crops, rows: NDArray[np.intp]) -> Crops:
    """Some of them."""
    return Crops(
        files=tuple(crops.files[row] for row in rows),
        boxes=tuple(crops.boxes[row] for row in rows),
        is_fake=crops.is_fake[rows],
        groups=crops.groups[rows],
        sides=crops.sides[rows],
    )


def patch_of(crops: Crops, row: int, spec: ModelSpec) -> Image:
    """The pixels of one face: (H, W, 3) uint8 RGB, about square.

    Raises:
        CatalogueError: the entry has no crop.
    """
    image, box = read_image(crops.files[row]), crops.boxes[row]
    if spec.crop is None:
        raise CatalogueError(f"{spec.id}: the entry has no crop.")
    return image if box is None else face_patch(image, box, spec.crop)


def near(image: Image) -> Image:
    """The middle of a crop: what a larger box, hence a closer crop, would show."""
    height, width = image.shape[:2]
    top, left = (round(side * (1 - NEAR_SHARE) / 2) for side in (height, width))
    return image[top : height - top, left : width - left]


def soft(image: Image) -> Image:
    """A crop with no more pixels than most have, so that resolution can't be learnt."""
    if min(image.shape[:2]) <= SOFT_SIDE:
        return image
    return resize(image, SOFT_SIDE, SOFT_SIDE)


#: Views of each crop that heads are fitted to; the first is what is measured.
VIEWS: dict[str, Callable[[Image], Image]] = {
    "full": lambda image: image,
    "mirrored": lambda image: np.ascontiguousarray(image[:, ::-1]),
    "soft": soft,
    "near": near,
}


def block_outputs(spec: ModelSpec) -> dict[int, str]:
    """The encoder's outputs by block, after the naming of the entry's own outputs.

    Raises:
        CatalogueError: the entry's outputs are not named by block.
    """
    pattern = next(iter(spec.outputs))
    before, mark, rest = pattern.partition("layers.")
    if not mark:
        raise CatalogueError(f"{spec.id}: '{pattern}' names no block of the encoder.")
    after = rest.lstrip("0123456789")
    return {block: f"{before}layers.{block}{after}" for block in BLOCKS}


def read_features(
    crops: Crops, spec: ModelSpec, session: InferenceSession, *, view: str, cache: Path
) -> NDArray[np.float32]:
    """The mean patch token of every block for every crop, from the cache where it is there.

    Args:
        crops: The crops.
        spec: The entry, with all blocks among its outputs.
        session: Its graph.
        view: A key of VIEWS.
        cache: Folder for `<view>.npy`; delete it when crops or encoder change.

    Returns:
        (N, blocks, D) float32.
    """
    kept = cache / f"{view}.npy"
    if kept.is_file():
        return np.asarray(np.load(kept), np.float32)
    found = []
    for done in range(len(crops.files)):
        found.append(_features(VIEWS[view](patch_of(crops, done, spec)), spec, session))
        if done % 100 == 0:
            _log.info("features_read", view=view, done=done, total=len(crops.files))
    cache.mkdir(parents=True, exist_ok=True)
    features = np.stack(found)
    np.save(kept, features)
    return features


def _features(image: Image, spec: ModelSpec, session: InferenceSession) -> NDArray[np.float32]:
    if spec.crop is None or spec.pixels is None:
        raise CatalogueError(f"{spec.id}: the entry has no crop or no pixels.")
    face = face_of_crop(image, spec.crop)
    tensor = to_tensor([face_chip(image, face.box, spec)], spec.pixels)
    names = list(spec.outputs)
    tokens = session.run({next(iter(spec.inputs)): tensor})
    return pooled_patches(tokens, names).reshape(len(names), -1)
