"""Age and gender against labelled faces: error in years, and where the gender is read wrongly."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.demographics.groups import AGE_GROUPS, age_group
from models.demographics.port import Demographics, DemographicsEstimator
from models.errors import EvaluationDataMissing
from models.evaluation.images import read_image
from models.evaluation.labels import Tick, no_tick, read_labels, thinned
from models.evaluation.report import Figure, Report
from models.evaluation.scores import RESAMPLES, wilson
from models.evaluation.verification import nearest_centre
from models.results import AgeGroup, DetectedFace, Image

#: Estimates the face of a labelled photo; None where no face is found.
Estimate = Callable[[Image], Demographics | None]

#: UTKFace's labels, by their digit.
_GENDERS = {"0": "male", "1": "female"}
_COLUMNS = ("file", "age", "gender_0male_1female")
_PROTOCOL = "The face nearest the middle of each photo is compared with the photo's labels."
_NOTES = (
    "UTKFace's labels are partly machine-made (DEX, then checked): part of each error is theirs.",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """One photo: its labels and what was estimated."""

    #: Whole years.
    age: int
    #: "female" or "male".
    gender: str
    found: Demographics


def on_nearest_face(
    find: Callable[[Image], Sequence[DetectedFace]], estimator: DemographicsEstimator
) -> Estimate:
    """Estimate the face nearest the middle of a photo."""

    def estimate(image: Image) -> Demographics | None:
        face = nearest_centre(image, find(image))
        return None if face is None else estimator.estimate(image, [face])[0]

    return estimate


def evaluate_demographics(
    data: Path,
    estimate: Estimate,
    *,
    model: str,
    limit: int | None = None,
    tick: Tick = no_tick,
) -> Report:
    """Compare estimates with the labels of every photo of a set.

    Args:
        data: A folder with `labels.csv` (file, age, gender_0male_1female) and `images/`.
        estimate: Estimates the face of a photo; see `on_nearest_face`.
        model: Its id, for the report.
        limit: So many photos at most; None for all.
        tick: Told after each photo.

    Raises:
        EvaluationDataMissing: labels or photos are not there or not as expected, or no face was
            found in any photo.
        InferenceFailed: the runtime refused a run.
    """
    rows = thinned(read_labels(data / "labels.csv", _COLUMNS), limit)
    judged: list[Judged] = []
    for number, row in enumerate(rows, 1):
        age, gender = _labels(row, data)
        found = estimate(read_image(data / "images" / row["file"]))
        if found is not None:
            judged.append(Judged(age=age, gender=gender, found=found))
        tick(number, len(rows))
    if not judged:
        raise EvaluationDataMissing(
            f"No face was found in any of the {len(rows)} photos of {data}."
        )
    return Report(
        task="demographics",
        model=model,
        data=data.name,
        protocol=_PROTOCOL,
        counts={"photos": len(rows), "faces not found": len(rows) - len(judged)},
        figures=figures_of(judged),
        notes=_NOTES,
        groups=_groups(judged),
    )


def figures_of(judged: Sequence[Judged]) -> tuple[Figure, ...]:
    """The figures of at least one photo; those a model gives no ground for are left out."""
    ranged = [one for one in judged if one.found.age.low_years is not None]
    sure = [one for one in judged if not one.found.gender.uncertain]
    figures = [
        _mean_error(judged),
        _share("age group accuracy", judged, _in_group),
        _share("age range coverage", ranged, _in_range),
        _share("gender accuracy", judged, _gender_right),
        _share("gender uncertain", judged, _is_uncertain),
        _share("gender accuracy of the certain", sure, _gender_right),
    ]
    return tuple(figure for figure in figures if figure is not None)


def _labels(row: dict[str, str], data: Path) -> tuple[int, str]:
    try:
        return int(row["age"]), _GENDERS[row["gender_0male_1female"]]
    except (ValueError, KeyError) as error:
        raise EvaluationDataMissing(
            f"{data / 'labels.csv'}: {row['file']} has no age in whole years, or no gender 0 or 1."
        ) from error


def _groups(judged: Sequence[Judged]) -> dict[str, tuple[Figure, ...]]:
    """By gender, by age group, and by both, as labelled; empty ones are left out."""
    cells: dict[str, list[Judged]] = {}
    for gender in ("female", "male"):
        cells[gender] = [one for one in judged if one.gender == gender]
    for group in AGE_GROUPS:
        members = [one for one in judged if _labelled_group(one) == group]
        cells[group] = members
        for gender in ("female", "male"):
            cells[f"{group}, {gender}"] = [one for one in members if one.gender == gender]
    return {name: figures_of(members) for name, members in cells.items() if members}


def _mean_error(judged: Sequence[Judged]) -> Figure:
    errors = np.array([abs(one.found.age.years - one.age) for one in judged])
    low, high = _bootstrapped_mean(errors)
    return Figure(name="MAE", value=float(errors.mean()), unit="years", low=low, high=high)


def _bootstrapped_mean(values: NDArray[np.float64]) -> tuple[float, float]:
    """The 95 % interval of a mean: percentiles over resamples with replacement."""
    picks = np.random.default_rng(0).integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.percentile(values[picks].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def _share(name: str, judged: Iterable[Judged], holds: Callable[[Judged], bool]) -> Figure | None:
    outcomes = [holds(one) for one in judged]
    if not outcomes:
        return None
    low, high = wilson(sum(outcomes), len(outcomes))
    return Figure(name=name, value=sum(outcomes) / len(outcomes), unit="share", low=low, high=high)


def _labelled_group(one: Judged) -> AgeGroup:
    return age_group(one.age)


def _in_group(one: Judged) -> bool:
    return one.found.age.group == _labelled_group(one)


def _in_range(one: Judged) -> bool:
    low, high = one.found.age.low_years, one.found.age.high_years
    return low is not None and high is not None and low <= one.age <= high


def _gender_right(one: Judged) -> bool:
    return one.found.gender.value == one.gender


def _is_uncertain(one: Judged) -> bool:
    return one.found.gender.uncertain
