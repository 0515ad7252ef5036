"""How well a detector finds labelled faces: average precision, as WIDER FACE measures it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.errors import EvaluationDataMissing
from models.evaluation.average_precision import (
    Bools,
    Floats,
    Outcomes,
    average_precision,
    interval,
    judge,
    precision_recall,
)
from models.evaluation.images import read_image
from models.evaluation.labels import Tick, no_tick, read_labels, thinned
from models.evaluation.report import Curve, Figure, Report
from models.geometry import resize
from models.results import Box, Image

#: Finds the faces of an RGB image: boxes in its pixels with their confidence, 0 to 1, in any order.
#: For average precision it should leave nothing out that a low threshold would let through.
Find = Callable[[Image], Sequence[tuple[Box, float]]]

#: WIDER FACE's value.
MIN_OVERLAP = 0.5
#: Points of a curve in a report.
CURVE_POINTS = 200
#: Columns of a set's box, x, y, width and height, in pixels of its files. WIDER's files here keep
#: the photos' shape at a width of 416: the columns `sq_y` and `sq_bh` are of squashed ones.
WIDER_BOX = ("sq_x", "aspect_y", "sq_bw", "aspect_bh")
WIDER_SUBSETS = ("easy", "medium", "hard")
DLIB_BOX = ("left", "top", "bw", "bh")


@dataclass(frozen=True, kw_only=True, slots=True)
class DetectionProtocol:
    """What is measured."""

    #: Photos are enlarged so many times before they are searched.
    upscale: float = 1.0
    #: Intersection over union from which a box counts as found.
    min_overlap: float = MIN_OVERLAP


#: As WIDER FACE's own evaluation.
WIDER_PROTOCOL = DetectionProtocol()


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LabelledPhoto:
    """A photo with all its faces."""

    path: Path
    #: (M, 4): x, y, width, height, pixels.
    boxes: Floats
    #: Subset -> (M,): whether the face counts there.
    counted: dict[str, Bools]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Detections:
    """What was found in a photo, best first."""

    #: (N, 4): x, y, width, height, pixels.
    boxes: Floats
    #: (N,)
    scores: Floats
    #: How long it took.
    seconds: float


def evaluate_detection(
    data: Path,
    find: Find,
    *,
    model: str,
    protocol: DetectionProtocol = WIDER_PROTOCOL,
    limit: int | None = None,
    tick: Tick = no_tick,
) -> Report:
    """Measure a detector on labelled photos.

    Args:
        data: A folder as `wider416` or `dlib_faces`, with boxes.csv.
        find: The detector.
        model: Its name, for the report.
        protocol: What is measured.
        limit: So many photos at most; None for all.
        tick: Told after every photo.

    Raises:
        EvaluationDataMissing: the set is not there or not laid out as expected.
        InferenceFailed: the runtime refused a run.
    """
    photos = thinned(read_photos(data), limit)
    found: list[Detections] = []
    for done, photo in enumerate(photos, start=1):
        found.append(_search(read_image(photo.path), find, protocol.upscale))
        tick(done, len(photos))
    figures: list[Figure] = []
    curves: list[Curve] = []
    for subset in photos[0].counted:
        outcomes = judge_all(photos, found, subset, min_overlap=protocol.min_overlap)
        if outcomes.faces.sum():
            figure, curve = _figures(outcomes, subset)
            figures.append(figure)
            curves.append(curve)
    milliseconds = 1000 * float(np.median([item.seconds for item in found]))
    return Report(
        task="detection",
        model=model,
        data=data.name,
        protocol=f"Average precision at an overlap of {protocol.min_overlap:g}, by WIDER FACE's"
        f" rules; photos enlarged {protocol.upscale:g} times.",
        counts=_counts(photos, found),
        figures=tuple(figures),
        curves=tuple(curves),
        notes=(
            "Faces outside a subset are neither hits nor false positives there.",
            "Intervals: bootstrap over photos.",
            f"Median time of a photo in this run: {milliseconds:.0f} ms.",
        ),
    )


def read_photos(data: Path) -> list[LabelledPhoto]:
    """The photos of a set that boxes.csv names, with their boxes.

    Raises:
        EvaluationDataMissing: the file is missing, has other columns, or labels nothing.
    """
    labels = data / "boxes.csv"
    is_wider = (data / "images").is_dir()
    columns = WIDER_BOX if is_wider else DLIB_BOX
    rows = read_labels(labels, ("file", *columns, *(WIDER_SUBSETS if is_wider else ("ignore",))))
    by_file: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        by_file.setdefault(row["file"], []).append(row)
    if not by_file:
        raise EvaluationDataMissing(f"{labels} labels no face.")
    folder = data / "images" if is_wider else data
    return [
        LabelledPhoto(
            path=folder / name,
            boxes=np.array([[float(face[column]) for column in columns] for face in faces]),
            counted=_counted(faces, is_wider=is_wider),
        )
        for name, faces in by_file.items()
    ]


def judge_all(
    photos: Sequence[LabelledPhoto],
    found: Sequence[Detections],
    subset: str,
    *,
    min_overlap: float,
) -> Outcomes:
    """What became of all detections, as far as a subset of the faces is concerned."""
    judged = [
        judge(item.boxes, photo.boxes, photo.counted[subset], min_overlap=min_overlap)
        for photo, item in zip(photos, found, strict=True)
    ]
    scores = np.concatenate([item.scores for item in found])
    order = np.argsort(-scores, kind="stable")
    lengths = [len(item.scores) for item in found]
    return Outcomes(
        scores=scores[order],
        hits=np.concatenate([hits for hits, _ in judged])[order],
        misses=np.concatenate([misses for _, misses in judged])[order],
        photos=np.repeat(np.arange(len(photos)), lengths)[order],
        faces=np.array([photo.counted[subset].sum() for photo in photos]),
    )


def _search(image: Image, find: Find, upscale: float) -> Detections:
    height, width = image.shape[:2]
    if upscale != 1:
        image = resize(image, round(width * upscale), round(height * upscale))
    start = time.perf_counter()
    faces = find(image)
    seconds = time.perf_counter() - start
    scores = np.array([score for _, score in faces], np.float64)
    boxes = np.array([(box.x, box.y, box.width, box.height) for box, _ in faces], np.float64)
    grown = np.array([image.shape[1] / width, image.shape[0] / height] * 2)
    order = np.argsort(-scores, kind="stable")
    return Detections(
        boxes=boxes.reshape(-1, 4)[order] / grown, scores=scores[order], seconds=seconds
    )


def _counted(faces: Sequence[dict[str, str]], *, is_wider: bool) -> dict[str, Bools]:
    if is_wider:
        return {name: np.array([face[name] == "1" for face in faces]) for name in WIDER_SUBSETS}
    return {"all": np.array([face["ignore"] == "0" for face in faces])}


def _figures(outcomes: Outcomes, subset: str) -> tuple[Figure, Curve]:
    precision, recall = precision_recall(outcomes)
    low, high = interval(outcomes)
    figure = Figure(
        name=f"AP {subset}",
        value=average_precision(precision, recall),
        unit="share",
        low=low,
        high=high,
    )
    # Every threshold is a point; a plot needs no more than these.
    points = np.unique(np.linspace(0, len(recall), CURVE_POINTS, endpoint=False).astype(int))
    points = points[: len(recall)]
    return figure, Curve(
        kind="precision_recall",
        name=subset,
        x=tuple(recall[points].tolist()),
        y=tuple(precision[points].tolist()),
    )


def _counts(photos: Sequence[LabelledPhoto], found: Sequence[Detections]) -> dict[str, int]:
    return {
        "photos": len(photos),
        **{
            f"faces {subset}": int(sum(photo.counted[subset].sum() for photo in photos))
            for subset in photos[0].counted
        },
        "detections": sum(len(item.scores) for item in found),
    }
