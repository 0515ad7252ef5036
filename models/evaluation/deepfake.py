"""Deepfake detection on labelled pictures: AUC, verdicts, calibration.

A set is a folder with `labels.csv` (file, is_fake, and where known original_video: the video that
a fake was made of, whose own name a real picture's file bears).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score, roc_curve

from models.deepfake.detector import DeepfakeDetector
from models.deepfake.features import face_of_crop
from models.deepfake.results import Verdict
from models.errors import EvaluationDataMissing
from models.evaluation.images import read_image
from models.evaluation.labels import Tick, no_tick, read_labels, thinned
from models.evaluation.report import Curve, Figure, Report
from models.evaluation.scores import RESAMPLES, grouped_interval
from models.results import DetectedFace, Image
from models.spec import FaceCrop

PROTOCOL = (
    "Most suspicious usable face of each picture; P(manipulated) as the score. Intervals resample"
    " original videos with all that was made of them."
)
#: Below it a detector shows no more than file size does (0.63 on 1,000 DFDC crops).
MEANINGFUL_AUC = 0.65
#: Where both classes are equally likely.
EVEN = 0.5
#: Bins of the calibration curve.
BINS = 10
_SIDES: tuple[Literal["left", "right"], ...] = ("left", "right")
#: Sets whose pictures are face crops already.
CROP_SETS = frozenset({"dfdc_faces"})
#: Sets that shipped heads were fitted to, by model.
FITTED_TO = {"facesocial_deepfake": frozenset({"dfdc_faces", "stylegan2_ffhq_norm"})}


@dataclass(frozen=True, kw_only=True, slots=True)
class DeepfakeSample:
    """What a model says of a picture."""

    #: P(manipulated), 0 to 1.
    probability: float
    verdict: Verdict


#: Finds the faces of a picture, (H, W, 3) uint8 RGB.
Finder = Callable[[Image], Sequence[DetectedFace]]
#: Judges a picture, (H, W, 3) uint8 RGB; None without a face.
Score = Callable[[Image], DeepfakeSample | None]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LabelledPictures:
    """The scored pictures of a set; all arrays have one entry for each."""

    #: 0 to 1.
    likely: NDArray[np.float64]
    is_fake: NDArray[np.bool_]
    #: Number of the original video.
    groups: NDArray[np.intp]
    verdicts: NDArray[np.str_]


def picture_scorer(detector: DeepfakeDetector, find: Finder) -> Score:
    """What scores whole pictures with a detector.

    Args:
        detector: Judges the faces.
        find: Finds them; see `take_whole` for sets of face crops.
    """

    def score(image: Image) -> DeepfakeSample | None:
        verdict = detector.judge_image(image, find(image))
        if verdict.verdict is None or verdict.score is None:
            return None
        return DeepfakeSample(probability=verdict.score, verdict=verdict.verdict)

    return score


def take_whole(crop: FaceCrop) -> Finder:
    """Takes each picture as one face, for sets in CROP_SETS: detection would cut them again."""
    return lambda image: [face_of_crop(image, crop)]


def evaluate_deepfake(
    data: Path,
    score: Score,
    *,
    model: str,
    limit: int | None = None,
    tick: Tick = no_tick,
) -> Report:
    """Measure one model on one set.

    Args:
        data: The set's folder.
        score: What is measured.
        model: Its id.
        limit: So many pictures at most, of both classes; None for all.
        tick: Told after each picture.

    Raises:
        EvaluationDataMissing: the set is not there or not laid out as expected, or faces were
            found in pictures of one class only.
        InferenceFailed: the runtime refused a run.
    """
    rows = read_labels(data / "labels.csv", ("file", "is_fake"))
    rows = thinned(sorted(rows, key=lambda row: (row["is_fake"], row["file"])), limit)
    said: list[DeepfakeSample | None] = []
    for done, row in enumerate(rows, start=1):
        said.append(score(read_image(data / row["file"])))
        tick(done, len(rows))
    found = _labelled(rows, said)
    if found.is_fake.all() or not found.is_fake.any():
        raise EvaluationDataMissing(f"{data}: faces were found in pictures of one class only.")
    return report_of(found, names=(model, data.name), not_found=said.count(None))


def report_of(found: LabelledPictures, *, names: tuple[str, str], not_found: int = 0) -> Report:
    """The report on scored pictures of both classes.

    Args:
        found: The pictures.
        names: Of the model and of the data set.
        not_found: In how many pictures no face was found.
    """
    model, data = names
    auc = _auc(found)
    return Report(
        task="deepfake",
        model=model,
        data=data,
        protocol=PROTOCOL,
        counts={
            "authentic": int((~found.is_fake).sum()),
            "manipulated": int(found.is_fake.sum()),
            "original videos": len(np.unique(found.groups)),
            "faces not found": not_found,
        },
        figures=(auc, _accuracy(found), *_verdicts(found), _brier(found)),
        curves=_curves(model, found),
        notes=_notes(model, data, auc),
    )


def _labelled(
    rows: Sequence[dict[str, str]], said: Sequence[DeepfakeSample | None]
) -> LabelledPictures:
    faces = [(row, one) for row, one in zip(rows, said, strict=True) if one is not None]
    names = [Path(row.get("original_video") or row["file"]).stem for row, _ in faces]
    return LabelledPictures(
        likely=np.array([one.probability for _, one in faces], np.float64),
        is_fake=np.array([row["is_fake"] == "1" for row, _ in faces], np.bool_),
        groups=np.unique(names, return_inverse=True)[1].astype(np.intp),
        verdicts=np.array([one.verdict for _, one in faces], np.str_),
    )


def _auc(found: LabelledPictures) -> Figure:
    low, high = grouped_auc_interval(found.likely, found.is_fake, found.groups)
    return Figure(
        name="AUC",
        value=float(roc_auc_score(found.is_fake, found.likely)),
        unit="share",
        low=low,
        high=high,
    )


def grouped_auc_interval(
    scores: NDArray[np.float64], is_fake: NDArray[np.bool_], groups: NDArray[np.intp]
) -> tuple[float, float]:
    """95 % interval of the area under the ROC curve: whole groups are resampled, seeded.

    Args:
        scores: (N,), higher for manipulated.
        is_fake: (N,), both classes.
        groups: (N,) numbers from 0.
    """
    groups_count = int(groups.max()) + 1
    rng = np.random.default_rng(0)
    weights = rng.multinomial(groups_count, np.full(groups_count, 1 / groups_count), RESAMPLES)
    fake, real = weights[:, groups[is_fake]], weights[:, groups[~is_fake]]
    order = np.argsort(scores[~is_fake], kind="stable")
    ranked = scores[~is_fake][order]
    below = np.concatenate([np.zeros((RESAMPLES, 1)), np.cumsum(real[:, order], axis=1)], axis=1)
    # For each fake the authentic ones below it, and half of those equal to it.
    first, last = (np.searchsorted(ranked, scores[is_fake], side=side) for side in _SIDES)
    beaten = (fake * (below[:, first] + below[:, last]) / 2).sum(axis=1)
    pairs = fake.sum(axis=1) * real.sum(axis=1)
    # A resample without one of the classes has no area.
    low, high = np.percentile(beaten[pairs > 0] / pairs[pairs > 0], [2.5, 97.5])
    return float(low), float(high)


def _accuracy(found: LabelledPictures) -> Figure:
    right = (found.likely >= EVEN) == found.is_fake
    return _share("accuracy at 0.5", right, np.ones_like(right), found.groups)


def _verdicts(found: LabelledPictures) -> tuple[Figure, ...]:
    kinds = {"authentic": ~found.is_fake, "manipulated": found.is_fake}
    return (
        *(
            _share(f"{kind} called {verdict}", found.verdicts == verdict, of, found.groups)
            for kind, of in kinds.items()
            for verdict in ("authentic", "manipulated")
        ),
        _share(
            "inconclusive",
            found.verdicts == "inconclusive",
            np.ones_like(found.is_fake),
            found.groups,
        ),
    )


def _share(
    name: str,
    hits: NDArray[np.bool_],
    of: NDArray[np.bool_],
    groups: NDArray[np.intp],
) -> Figure:
    totals = np.bincount(groups[of])
    successes = np.bincount(groups[of & hits], minlength=len(totals))
    low, high = grouped_interval(successes[totals > 0], totals[totals > 0])
    return Figure(name=name, value=float(hits[of].mean()), unit="share", low=low, high=high)


def _brier(found: LabelledPictures) -> Figure:
    """Mean squared difference of probability and label; 0.25 is what a constant 0.5 has."""
    squares = (found.likely - found.is_fake) ** 2
    return Figure(name="Brier score", value=float(squares.mean()), unit="share")


def _curves(model: str, found: LabelledPictures) -> tuple[Curve, ...]:
    false, true, _ = roc_curve(found.is_fake, found.likely)
    place = np.minimum((found.likely * BINS).astype(np.intp), BINS - 1)
    used = np.unique(place)
    return (
        Curve(kind="roc", name=model, x=tuple(false.tolist()), y=tuple(true.tolist())),
        Curve(
            kind="calibration",
            name=model,
            x=tuple(float(found.likely[place == index].mean()) for index in used),
            y=tuple(float(found.is_fake[place == index].mean()) for index in used),
        ),
    )


def _notes(model: str, data: str, auc: Figure) -> tuple[str, ...]:
    notes = []
    if data in FITTED_TO.get(model, ()):
        notes.append(
            "This head was fitted to these very pictures: these figures say how well it knows them"
            " by heart. The cross-validated ones are in docs/explanation/deepfake-model-card.md."
        )
    if auc.low is not None and auc.low < MEANINGFUL_AUC:
        notes.append(
            f"The interval of the AUC reaches below {MEANINGFUL_AUC}, where file size alone gets:"
            " this does not show that the model detects manipulation."
        )
    return tuple(notes)
