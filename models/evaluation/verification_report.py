"""What the embeddings of a labelled set say of their model: figures, curves, thresholds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score, roc_curve

from models.evaluation.all_pairs import PairScores, measured_thresholds, pair_scores
from models.evaluation.labels import Tick, no_tick
from models.evaluation.report import Curve, Figure, Report
from models.evaluation.scores import (
    Bools,
    auc_interval,
    best_threshold,
    grouped_interval,
    threshold_at,
    wilson,
)
from models.evaluation.verification import (
    FaceVectors,
    Find,
    LocatedFaces,
    Pair,
    embed_faces,
    locate_faces,
    pair_cosines,
    person_of,
    read_pairs,
)
from models.recognition.ensemble import Embedder
from models.spec import OperatingPoint, VerificationThresholds

PROTOCOL = (
    "Face nearest the centre; a pair's fold is judged by the threshold that is best on the other"
    " folds. Thresholds at a false accept rate: all pairs of the set's photos."
)
ABOUT_D_PRIME = (
    "d' is the distance between the mean cosines of both kinds of pairs. Unlike the accuracy it"
    " shows a wrong colour order."
)
DEPENDENT_PAIRS = (
    "Pairs of all photos share photos, so they are not independent: intervals of TAR come from"
    " resampling persons, and a low FAR rests on few of them."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class VerificationResult:
    """One model on one set."""

    report: Report
    #: None when the set has too few pairs of different persons.
    thresholds: VerificationThresholds | None


def evaluate_verification(
    data: Path, find: Find, embedder: Embedder, *, limit: int | None = None, tick: Tick = no_tick
) -> Report:
    """Measure one model on one set; see `evaluate_located` for several models on the same faces.

    Raises:
        EvaluationDataMissing: the set is not there or not laid out as expected.
        InferenceFailed: the runtime refused a run.
    """
    pairs = read_pairs(data, limit)
    located = locate_faces(data, pairs, find, tick=tick)
    return evaluate_located(located, pairs, embedder, tick=tick).report


def evaluate_located(
    located: LocatedFaces,
    pairs: Sequence[Pair],
    embedder: Embedder,
    *,
    options: str = "",
    tick: Tick = no_tick,
) -> VerificationResult:
    """Measure one model on faces that were found before.

    Args:
        located: The faces.
        pairs: The pairs of their photos.
        embedder: The model.
        options: Further options of the command that measures, for the thresholds' origin.
        tick: Told after each photo.

    Raises:
        EvaluationDataMissing: no face was found in any photo.
        InferenceFailed: the runtime refused a run.
    """
    model, data = embedder.model.id, located.data.name
    vectors = embed_faces(located, embedder, tick=tick)
    scores = pair_scores(vectors.vectors, [person_of(file) for file in vectors.files])
    command = f"facesocial evaluate verification --model {model} --thresholds {options}"
    origin = f"{data}: {command.strip()}"
    thresholds = measured_thresholds(scores, origin=origin)
    points = thresholds.points if thresholds else ()
    report = _report(vectors, pairs, scores, points, names=(model, data))
    return VerificationResult(report=report, thresholds=thresholds)


def pair_figures(cosines: NDArray[np.float32], pairs: Sequence[Pair]) -> tuple[Figure, ...]:
    """What LFW's protocol says of the cosines of pairs: accuracy first, then AUC and d'."""
    same = np.array([pair.same for pair in pairs])
    by_fold = _folds(cosines, same, np.array([pair.fold for pair in pairs]))
    return (
        *_accuracy(by_fold, len(pairs)),
        _optimistic(cosines, same),
        _auc(cosines, same),
        _d_prime(cosines, same),
    )


def _report(
    vectors: FaceVectors,
    pairs: Sequence[Pair],
    scores: PairScores,
    points: Sequence[OperatingPoint],
    *,
    names: tuple[str, str],
) -> Report:
    model, data = names
    cosines = pair_cosines(vectors, pairs)
    same = np.array([pair.same for pair in pairs])
    by_fold = _folds(cosines, same, np.array([pair.fold for pair in pairs]))
    return Report(
        task="verification",
        model=model,
        data=data,
        protocol=PROTOCOL,
        counts={
            "pairs": len(pairs),
            "images": len(vectors.files) + vectors.not_found,
            "faces not found": vectors.not_found,
            "genuine pairs of all": len(scores.genuine),
            "impostor pairs of all": scores.impostor_count,
        },
        figures=(
            *pair_figures(cosines, pairs),
            *(figure for point in points for figure in _at_rate(scores, point)),
        ),
        curves=_curves(model, cosines, same, scores),
        notes=_notes(vectors),
        groups={f"fold {fold}": figures for fold, figures in by_fold.items()},
    )


def _folds(
    cosines: NDArray[np.float32], same: Bools, folds: NDArray[np.intp]
) -> dict[int, tuple[Figure, ...]]:
    found: dict[int, tuple[Figure, ...]] = {}
    for fold in map(int, np.unique(folds)):
        inside = folds == fold
        threshold = best_threshold(cosines[~inside], same[~inside])
        right = (cosines[inside] >= threshold) == same[inside]
        low, high = wilson(int(right.sum()), len(right))
        accuracy = float(right.mean())
        found[fold] = (
            Figure(name="accuracy", value=accuracy, unit="share", low=low, high=high),
            Figure(name="threshold", value=threshold, unit="cosine"),
        )
    return found


def _accuracy(by_fold: dict[int, tuple[Figure, ...]], pairs: int) -> tuple[Figure, ...]:
    accuracies = [figures[0].value for figures in by_fold.values()]
    mean = float(np.mean(accuracies))
    low, high = wilson(round(mean * pairs), pairs)
    return (
        Figure(name="accuracy", value=mean, unit="share", low=low, high=high),
        Figure(
            name="accuracy sd over folds", value=float(np.std(accuracies, ddof=1)), unit="share"
        ),
    )


def _optimistic(cosines: NDArray[np.float32], same: Bools) -> Figure:
    """What is often quoted: one threshold, chosen on the very pairs it judges."""
    right = (cosines >= best_threshold(cosines, same)) == same
    return Figure(
        name="accuracy, threshold chosen on the same pairs", value=float(right.mean()), unit="share"
    )


def _auc(cosines: NDArray[np.float32], same: Bools) -> Figure:
    value = float(roc_auc_score(same, cosines))
    # Where no pair is ranked wrongly, resampling can't show how far off that may be.
    low, high = auc_interval(cosines[same], cosines[~same]) if 0 < value < 1 else (None, None)
    return Figure(name="AUC", value=value, unit="share", low=low, high=high)


def _d_prime(cosines: NDArray[np.float32], same: Bools) -> Figure:
    """The sensitivity index of signal detection theory (Green and Swets, 1966)."""
    genuine, impostors = cosines[same].astype(np.float64), cosines[~same].astype(np.float64)
    spread = float(np.sqrt((genuine.var() + impostors.var()) / 2))
    distance = float(genuine.mean() - impostors.mean())
    return Figure(name="d'", value=distance / spread if spread else 0.0, unit="deviations")


def _at_rate(scores: PairScores, point: OperatingPoint) -> tuple[Figure, Figure]:
    accepted = scores.genuine >= point.similarity
    _, groups = np.unique(scores.person, return_inverse=True)
    low, high = grouped_interval(np.bincount(groups, accepted).astype(int), np.bincount(groups))
    tar, rate = float(accepted.mean()), f"{point.far:.0e}".replace("e-0", "e-")
    return (
        Figure(name=f"TAR@FAR={rate}", value=tar, unit="share", low=low, high=high),
        Figure(name=f"threshold@FAR={rate}", value=point.similarity, unit="cosine"),
    )


def _curves(
    model: str, cosines: NDArray[np.float32], same: Bools, scores: PairScores
) -> tuple[Curve, ...]:
    false_rate, true_rate, _ = roc_curve(same, cosines)
    roc = Curve(kind="roc", name=model, x=_tuple(false_rate), y=_tuple(true_rate))
    if not len(scores.genuine):
        return (roc,)
    det = [
        (far, 1 - scores.accepted(threshold))
        for far in map(float, np.logspace(-5, -2, 31))
        if (threshold := threshold_at(scores.impostors, far, total=scores.impostor_count))
        is not None
    ]
    if not det:
        return (roc,)
    return (
        roc,
        Curve(
            kind="det",
            name=model,
            x=tuple(far for far, _ in det),
            y=tuple(miss for _, miss in det),
        ),
    )


def _tuple(values: NDArray[np.floating]) -> tuple[float, ...]:
    return tuple(map(float, values))


def _notes(vectors: FaceVectors) -> tuple[str, ...]:
    notes = [DEPENDENT_PAIRS, ABOUT_D_PRIME]
    if vectors.not_found:
        notes.append("A pair with a photo in which no face was found counts as no match.")
    return tuple(notes)
