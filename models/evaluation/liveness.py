"""Anti-spoofing on labelled pictures, with the rates of ISO/IEC 30107-3.

APCER: share of attacks that were taken for live, of the kind of attack where it is highest (kinds
with fewer than MIN_ATTACKS pictures stand apart, as `few`). BPCER: share of live faces that were
not. ACER: the mean of both. A set is a folder with `labels.csv`, or with `live.csv` and `print.csv`
(file, kind, is_live, subject).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import det_curve, roc_curve

from models.anti_spoofing.judge import LIVE_FROM
from models.anti_spoofing.results import Outcome
from models.errors import EvaluationDataMissing
from models.evaluation.images import read_image
from models.evaluation.labels import Tick, no_tick, read_labels, thinned
from models.evaluation.report import Curve, Figure, Report
from models.evaluation.scores import RESAMPLES, grouped_interval
from models.results import Image

PROTOCOL = (
    "Largest face of each picture; a score from the threshold on counts as live. Intervals"
    " resample the persons."
)
LABEL_FILES = ("labels.csv", "live.csv", "print.csv")
#: A kind of attack with fewer pictures has no rate of its own that could decide the worst.
MIN_ATTACKS = 10
_COLUMNS = ("file", "kind", "is_live", "subject")


@dataclass(frozen=True, kw_only=True, slots=True)
class LivenessSample:
    """What a model or an ensemble says of a picture's face."""

    #: Probability that it is live, 0 to 1.
    live: float
    #: The verdict, which takes into account how well the face can be seen.
    outcome: Outcome


#: Judges the largest face of a picture, (H, W, 3) uint8 RGB; None without a face.
Score = Callable[[Image], LivenessSample | None]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LabelledScores:
    """The scored faces of a set; all arrays have one entry for each."""

    #: 0 to 1.
    scores: NDArray[np.float64]
    live: NDArray[np.bool_]
    #: "live", or the kind of attack.
    kinds: NDArray[np.str_]
    subjects: NDArray[np.str_]
    outcomes: NDArray[np.str_]


def read_pictures(data: Path, limit: int | None = None) -> list[dict[str, str]]:
    """The labelled pictures of a set, or so many of them, spread over kinds and persons.

    Raises:
        EvaluationDataMissing: there are no labels, or not both live faces and attacks.
    """
    files = [data / name for name in LABEL_FILES if (data / name).is_file()]
    if not files:
        raise EvaluationDataMissing(f"{data} has none of {', '.join(LABEL_FILES)}.")
    rows = [row for file in files for row in read_labels(file, _COLUMNS)]
    rows = thinned(sorted(rows, key=lambda row: (row["kind"], row["subject"])), limit)
    if {row["is_live"] for row in rows} != {"0", "1"}:
        raise EvaluationDataMissing(f"{data}: is_live must be 1 for some pictures, 0 for others.")
    return rows


def evaluate_liveness(
    data: Path,
    score: Score,
    *,
    model: str,
    threshold: float = LIVE_FROM,
    limit: int | None = None,
    tick: Tick = no_tick,
) -> Report:
    """Measure one model or ensemble on one set.

    Args:
        data: The set's folder.
        score: What is measured.
        model: Its name in the report.
        threshold: Score from which a face counts as live, 0 to 1.
        limit: So many pictures at most; None for all.
        tick: Told after each picture.

    Raises:
        EvaluationDataMissing: the set is not there or not laid out as expected, or no live face or
            no attack was found.
        InferenceFailed: the runtime refused a run.
    """
    rows = read_pictures(data, limit)
    said: list[LivenessSample | None] = []
    for done, row in enumerate(rows, start=1):
        said.append(score(read_image(data / row["file"])))
        tick(done, len(rows))
    found = _labelled(rows, said)
    if found.live.all() or not found.live.any():
        raise EvaluationDataMissing(f"{data}: faces were found of one kind of picture only.")
    return report_of(found, threshold, names=(model, data.name), not_found=said.count(None))


def report_of(
    found: LabelledScores, threshold: float, *, names: tuple[str, str], not_found: int = 0
) -> Report:
    """The report on scored faces, of which some are live and some are not.

    Args:
        found: The faces.
        threshold: Score from which a face counts as live.
        names: Of the model and of the data set.
        not_found: In how many pictures no face was found.
    """
    model, data = names
    own = eer_threshold(found)
    persons = len(np.unique(found.subjects))
    return Report(
        task="liveness",
        model=model,
        data=data,
        protocol=PROTOCOL,
        counts={
            "live faces": int(found.live.sum()),
            **{f"attacks: {kind}": int(of.sum()) for kind, of in _attacks(found).items()},
            "persons": persons,
            "faces not found": not_found,
        },
        figures=(
            _auc(found),
            Figure(name="threshold", value=threshold, unit="share"),
            *_rates(found, threshold, ""),
            Figure(name="EER threshold", value=own, unit="share"),
            *_rates(found, own, " at the EER threshold"),
            *_verdicts(found),
        ),
        curves=_curves(model, found),
        notes=(
            f"{persons} persons: intervals from so few are rough.",
            "The EER threshold was chosen on these very pictures; elsewhere it does worse.",
        ),
        groups={
            f"person {person}": _person(found, found.subjects == person, threshold)
            for person in np.unique(found.subjects)
        },
    )


def eer_threshold(found: LabelledScores) -> float:
    """The lowest threshold at which APCER, over all attacks, and BPCER differ least."""
    order = np.unique(found.scores)
    cuts = np.concatenate([order, [np.nextafter(order[-1], 2)]])
    live, spoof = np.sort(found.scores[found.live]), np.sort(found.scores[~found.live])
    refused = np.searchsorted(live, cuts) / len(live)
    accepted = 1 - np.searchsorted(spoof, cuts) / len(spoof)
    return float(cuts[np.abs(refused - accepted).argmin()])


def _labelled(
    rows: Sequence[dict[str, str]], said: Sequence[LivenessSample | None]
) -> LabelledScores:
    faces = [(row, one) for row, one in zip(rows, said, strict=True) if one is not None]
    return LabelledScores(
        scores=np.array([one.live for _, one in faces], np.float64),
        live=np.array([row["is_live"] == "1" for row, _ in faces], np.bool_),
        kinds=np.array([row["kind"] for row, _ in faces], np.str_),
        subjects=np.array([row["subject"] for row, _ in faces], np.str_),
        outcomes=np.array([one.outcome for _, one in faces], np.str_),
    )


def _attacks(found: LabelledScores) -> dict[str, NDArray[np.bool_]]:
    """The faces of each kind of attack; of all kinds with too few of them under `few`."""
    kinds, counts = np.unique(found.kinds[~found.live], return_counts=True)
    several = {
        str(kind): (found.kinds == kind) & ~found.live
        for kind, count in zip(kinds, counts, strict=True)
        if count >= MIN_ATTACKS
    }
    few = ~found.live & ~np.isin(found.kinds, list(several))
    return {**several, "few": few} if few.any() else several


def _rates(found: LabelledScores, threshold: float, suffix: str) -> tuple[Figure, ...]:
    accepted = found.scores >= threshold
    apcer = {
        kind: _share(f"APCER {kind}{suffix}", accepted, of, found.subjects)
        for kind, of in _attacks(found).items()
    }
    weighty = [figure for kind, figure in apcer.items() if kind != "few"] or list(apcer.values())
    worst = max(weighty, key=lambda figure: figure.value)
    bpcer = _share(f"BPCER{suffix}", ~accepted, found.live, found.subjects)
    return (
        *apcer.values(),
        Figure(
            name=f"APCER{suffix}", value=worst.value, unit="share", low=worst.low, high=worst.high
        ),
        bpcer,
        Figure(name=f"ACER{suffix}", value=(worst.value + bpcer.value) / 2, unit="share"),
    )


def _verdicts(found: LabelledScores) -> tuple[Figure, ...]:
    """What a caller gets who asks for verdicts: retakes are neither right nor wrong."""
    attack = ~found.live
    return tuple(
        _share(name, found.outcomes == outcome, of, found.subjects)
        for name, outcome, of in (
            ("attacks judged live", "live", attack),
            ("attacks to retake", "retake", attack),
            ("live faces judged spoof", "spoof", found.live),
            ("live faces to retake", "retake", found.live),
        )
    )


def _share(
    name: str, hit: NDArray[np.bool_], of: NDArray[np.bool_], subjects: NDArray[np.str_]
) -> Figure:
    """The share of faces that were hit, with an interval over persons; at least one face."""
    persons = np.unique(subjects[of])
    hits = np.array([int((hit & of & (subjects == person)).sum()) for person in persons])
    totals = np.array([int((of & (subjects == person)).sum()) for person in persons])
    low, high = grouped_interval(hits, totals)
    value = float(hits.sum() / totals.sum())
    return Figure(name=name, value=value, unit="share", low=low, high=high)


def _auc(found: LabelledScores) -> Figure:
    """The share of pairs of a live face and an attack that are in the right order.

    It is a sum over pairs of persons, so drawing persons anew needs no scores any more.
    """
    persons = np.unique(found.subjects)
    live = [np.sort(found.scores[found.live & (found.subjects == one)]) for one in persons]
    spoof = [np.sort(found.scores[~found.live & (found.subjects == one)]) for one in persons]
    # Of two equal scores each is first half of the time.
    right = np.array(
        [
            [(np.searchsorted(b, a) + np.searchsorted(b, a, side="right")).sum() / 2 for b in spoof]
            for a in live
        ]
    )
    pairs = np.outer([len(one) for one in live], [len(one) for one in spoof])
    count = len(persons)
    draws = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), RESAMPLES)
    drawn_pairs = ((draws @ pairs) * draws).sum(axis=1)
    usable = drawn_pairs > 0
    drawn = ((draws @ right) * draws).sum(axis=1)[usable] / drawn_pairs[usable]
    low, high = np.percentile(drawn, [2.5, 97.5]) if usable.any() else (0.0, 1.0)
    value = float(right.sum() / pairs.sum())
    return Figure(name="AUC", value=value, unit="share", low=float(low), high=float(high))


def _person(found: LabelledScores, own: NDArray[np.bool_], threshold: float) -> tuple[Figure, ...]:
    accepted = found.scores >= threshold
    figures = []
    for name, of, wrong in (
        ("APCER", own & ~found.live, accepted),
        ("BPCER", own & found.live, ~accepted),
    ):
        if of.any():
            figures.append(Figure(name=name, value=float(wrong[of].mean()), unit="share"))
    return tuple(figures)


def _curves(model: str, found: LabelledScores) -> tuple[Curve, ...]:
    false_live, true_live, _ = roc_curve(found.live, found.scores)
    attacks, refused, _ = det_curve(found.live, found.scores)
    return (
        Curve(kind="roc", name=model, x=tuple(false_live.tolist()), y=tuple(true_live.tolist())),
        Curve(kind="det", name=model, x=tuple(attacks.tolist()), y=tuple(refused.tolist())),
    )
