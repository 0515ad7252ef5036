"""Finding all faces of an image with one detector: where to look, and what the looks add up to.

A detector sees an image scaled to its own canvas. Two sorts of faces are lost on the way: those
that fill the frame (SCRFD finds none that is taller than 3/4 of it) and those too small to be left
on the canvas. So there are further looks: at the image inside a wide border when the first look
found nothing or only faces that large, and, if asked for, at overlapping tiles.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from models.detection.candidates import Candidates, finite, keep
from models.detection.letterbox import from_canvas
from models.detection.merging import Seen, merge
from models.detection.padding import padded, unpadded, why_padded
from models.detection.port import FaceDetector
from models.detection.tiling import Tile, tiles_of
from models.errors import InferenceFailed, LandmarksUnavailable
from models.geometry import suppress
from models.landmarks import FaceLandmarks, five_of
from models.results import Box, DetectedFace, Image

#: How far a confidence may lie above 1: float16 and 8-bit exports round.
ROUNDING = 1e-2


#: The landmark net's points replace those of a detector that does not follow tilt where the lines
#: through the eyes differ by more. SFace on 60 LFW photos against themselves turned by 40 degrees:
#: 23 % fall below the threshold of FAR 1e-3 with YuNet's own points, 5 % so. Of LFW's 2,635 upright
#: photos 29 change, TAR at FAR 1e-5 rises from 94.1 to 94.6 %, the thresholds stay within 0.001.
TILT_DEGREES = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchOptions:
    """What counts as a face, and how thoroughly to look."""

    #: 0 to 1; less confident faces are dropped.
    min_confidence: float
    #: Only so many of the largest are kept.
    max_faces: int
    #: Faces whose box has a shorter longer side are dropped, pixels.
    min_face_pixels: float = 0
    #: Whether overlapping tiles are looked at as well: finds smaller faces for up to 16 more runs.
    tiles: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """One look that was taken."""

    #: "image", "padded", or "tile 1/4".
    name: str
    reason: str
    #: Faces it found, before looks were merged.
    faces: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Boxes:
    """The faces of an image before their landmarks are completed."""

    #: (H, W, 3) uint8, RGB.
    image: Image
    #: Largest first, in pixels of the image.
    found: Candidates
    #: In the order they were taken.
    looks: tuple[Look, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchResult:
    """The faces of an image, and how they were looked for."""

    #: Largest first, in pixels of the image.
    faces: tuple[DetectedFace, ...]
    #: In the order they were taken.
    looks: tuple[Look, ...]


class FaceSearch:
    """Finds the faces of images with one detector."""

    def __init__(self, detector: FaceDetector, *, landmarks: FaceLandmarks | None = None) -> None:
        """Take a detector, and what completes its faces.

        Args:
            detector: Finds boxes.
            landmarks: Finds the five points in them, for detectors that give none or whose points
                do not follow a tilted head.

        Raises:
            LandmarksUnavailable: the detector gives none, and `landmarks` is missing.
        """
        if not detector.has_landmarks and landmarks is None:
            raise LandmarksUnavailable
        self._detector = detector
        self._landmarks = landmarks

    def find(self, image: Image, options: SearchOptions) -> SearchResult:
        """The faces of an image, largest first, in its pixels.

        Args:
            image: (H, W, 3) uint8, RGB, any size from 1x1 on.
            options: What counts.

        Raises:
            InferenceFailed: the runtime refused a run.
            ContractMismatch: the network answers otherwise than the catalogue says.
        """
        return self.complete([self.boxes(image, options)])[0]

    def boxes(self, image: Image, options: SearchOptions) -> Boxes:
        """The first part of `find`: everything but the landmark net's run."""
        looks, seen = zip(*self._looks(image, options), strict=True)
        found = merge(seen, max_overlap=self._detector.max_overlap)
        return Boxes(image=image, found=largest(found, options), looks=looks)

    def complete(self, several: Sequence[Boxes]) -> list[SearchResult]:
        """The second part of `find`, for one image or for several together.

        Raises:
            InferenceFailed: the runtime refused a run of the landmark net.
        """
        boxes = [_boxes_of(one.found) for one in several]
        better = iter(self._better([one.image for one in several], boxes))
        results: list[SearchResult] = []
        for one, own_boxes in zip(several, boxes, strict=True):
            points = list(islice(better, len(own_boxes)))
            faces = _faces(own_boxes, one.found, self._points(one.found.landmarks, points))
            results.append(SearchResult(faces=faces, looks=one.looks))
        return results

    def _looks(self, image: Image, options: SearchOptions) -> Iterator[tuple[Look, Seen]]:
        first = self._look(image, options)
        yield _named("image", "every image", first)
        if reason := why_padded(first.found, width=image.shape[1], height=image.shape[0]):
            yield _named("padded", reason, self._padded_look(image, options))
        if options.tiles:
            tiles = tiles_of(image.shape[1], image.shape[0])
            for number, tile in enumerate(tiles, start=1):
                name = f"tile {number}/{len(tiles)}"
                yield _named(name, "tiles were asked for", self._tile_look(image, tile, options))

    def _look(self, image: Image, options: SearchOptions) -> Seen:
        answered = self._detector.look(image, min_confidence=options.min_confidence)
        found = sound(answered, width=image.shape[1], height=image.shape[0])
        kept = suppress(found.boxes, found.scores, max_overlap=self._detector.max_overlap)
        return Seen(found=keep(found, kept), cut=np.zeros(len(kept), bool))

    def _padded_look(self, image: Image, options: SearchOptions) -> Seen:
        canvas, placed = padded(image)
        found = self._look(canvas, options).found
        inside = unpadded(found, placed, width=image.shape[1], height=image.shape[0])
        return Seen(found=inside, cut=np.zeros(len(inside.scores), bool))

    def _tile_look(self, image: Image, tile: Tile, options: SearchOptions) -> Seen:
        found = self._look(np.ascontiguousarray(tile.of(image)), options).found
        moved = from_canvas(found, tile.placement)
        cut = tile.cuts(moved.boxes, width=image.shape[1], height=image.shape[0])
        return Seen(found=moved, cut=cut)

    @property
    def _completes(self) -> bool:
        """Whether the landmark net is asked at all."""
        return not (self._detector.has_landmarks and self._detector.landmarks_follow_tilt)

    def _better(
        self, images: Sequence[Image], boxes: Sequence[Sequence[Box]]
    ) -> NDArray[np.float32]:
        """The landmark net's five points of all faces, one image after the other."""
        net = self._landmarks
        if net is None or not self._completes:
            return np.empty((0, 5, 2), np.float32)
        pairs = list(zip(images, boxes, strict=True))
        chips = [chip for image, own in pairs for chip in net.chips(image, own)]
        return five_of(net.all68_of(chips, [box for own in boxes for box in own]))

    def _points(
        self, own: NDArray[np.float32] | None, better: Sequence[NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """The five points of each face: the detector's own, completed or put right by the net's."""
        if own is not None and (self._landmarks is None or not self._completes):
            return own
        net = np.asarray(better, np.float32).reshape(-1, 5, 2)
        return net if own is None else np.where(tilt_differs(own, net)[:, None, None], net, own)


def _boxes_of(found: Candidates) -> list[Box]:
    return [
        Box(x=x, y=y, width=width, height=height)
        for x, y, width, height in found.boxes.astype(float).tolist()
    ]


def _faces(
    boxes: Sequence[Box], found: Candidates, points: NDArray[np.float32]
) -> tuple[DetectedFace, ...]:
    return tuple(
        DetectedFace(box=box, confidence=float(score), landmarks=five)
        for box, score, five in zip(boxes, found.scores, points, strict=True)
    )


def sound(found: Candidates, *, width: int, height: int) -> Candidates:
    """Those that can be faces: finite, with an area, with a part inside the image.

    What a network's answer may be is checked here once for all families, in pixels of the image:
    a number that is finite on a canvas may overflow on the way from there.

    Raises:
        InferenceFailed: a confidence above 1, which is none.
    """
    if (found.scores > 1 + ROUNDING).any():
        raise InferenceFailed(
            f"The detector answered with a confidence of {found.scores.max():g}, which is none. Its"
            " weights are damaged, or not those the catalogue describes."
        )
    possible = replace(found, scores=np.minimum(found.scores, 1))
    low, high = found.boxes[:, :2], found.boxes[:, :2] + found.boxes[:, 2:]
    inside = (found.boxes[:, 2:] > 0) & (high > 0) & (low < np.array([width, height]))
    return keep(possible, finite(found) & inside.all(axis=1))


def tilt_differs(own: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which faces two sets of landmarks, (N, 5, 2), see leaning differently, (N,)."""
    lean, other_lean = (
        np.degrees(np.arctan2(across[:, 1], across[:, 0]))
        for across in (points[:, 1] - points[:, 0] for points in (own, other))
    )
    differs: NDArray[np.bool_] = np.abs((lean - other_lean + 180) % 360 - 180) > TILT_DEGREES
    return differs


def largest(found: Candidates, options: SearchOptions) -> Candidates:
    """Those that are large enough, largest first, and not too many."""
    areas = found.boxes[:, 2:].prod(axis=1)
    order = np.argsort(-areas, kind="stable")
    big_enough = found.boxes[order, 2:].max(axis=1) >= options.min_face_pixels
    return keep(found, order[big_enough][: options.max_faces])


def _named(name: str, reason: str, seen: Seen) -> tuple[Look, Seen]:
    return Look(name=name, reason=reason, faces=len(seen.cut)), seen
