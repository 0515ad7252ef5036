"""The figures of open-set identification: how many strangers are named, how many known ones not."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from cli.open_set import FPIRS, Searched, Tally, rules_of, search_split, splits
from models.errors import EvaluationDataMissing
from models.evaluation.labels import Tick
from models.evaluation.pair_intervals import person_interval
from models.evaluation.report import Curve, Figure, Report
from models.evaluation.verification import FaceVectors
from models.spec import VerificationThresholds
from workers.identities.records import EmbeddingContract

PROTOCOL = (
    "In each split half of the people are enrolled and half are strangers; of an enrolled person"
    " with several photos one is kept back and searched for. FPIR: share of strangers' photos that"
    " are named; FNIR: share of the kept back photos that are not named rightly."
)
NOTES = (
    "Intervals come from persons, whose photos are counted together over all splits.",
    "Calibrated thresholds are measured on the enrolled faces of the split alone.",
    "Preset thresholds come from the catalogue; on LFW they were measured on these photos.",
    "Extrapolated: the threshold goes on from the measured ones, none of which keeps the FPIR.",
)
#: Thresholds of a curve.
_SWEEP = tuple(round(0.2 + step / 100, 2) for step in range(51))


def evaluate_open_set(  # noqa: PLR0913 - what is measured, and how much of it
    vectors: FaceVectors,
    contract: EmbeddingContract,
    preset: VerificationThresholds | None,
    *,
    data: str,
    sizes: Sequence[int | None],
    count: int,
    tick: Tick,
) -> Report:
    """Measure identification.

    Args:
        vectors: One face of each photo.
        contract: What made them.
        preset: The model's thresholds; None: it has none.
        data: Name of the set.
        sizes: How many persons of the half are enrolled; None: all of it.
        count: Splits of each size.
        tick: Told after each split.

    Raises:
        EvaluationDataMissing: nobody has two photos, or there is nobody to leave out.
    """
    groups: dict[str, tuple[Figure, ...]] = {}
    curves: list[Curve] = []
    for place, persons in enumerate(sizes):
        searched: list[Searched] = []
        for split in splits(vectors.files, count=count, persons=persons):
            searched.append(search_split(vectors, contract, split))
            tick(place * count + len(searched), len(sizes) * count)
        if not any(one.split.mates for one in searched) or not searched[0].split.strangers:
            raise EvaluationDataMissing(f"{data}: too few people, or nobody with two photos.")
        faces = round(float(np.mean([one.faces for one in searched])))
        name = f"{faces} faces"
        figures = _figures(name, searched, contract.model, preset)
        groups |= figures
        curves += [_curve(name, searched, contract.model, preset), *_marks(name, figures)]
    return Report(
        task="identification",
        model=contract.model,
        data=data,
        protocol=PROTOCOL,
        counts={
            "images": len(vectors.files) + vectors.not_found,
            "faces not found": vectors.not_found,
            "splits of each size": count,
        },
        figures=(),
        curves=tuple(curves),
        notes=NOTES,
        groups=groups,
    )


def _figures(
    name: str, searched: Sequence[Searched], model: str, preset: VerificationThresholds | None
) -> dict[str, tuple[Figure, ...]]:
    tallies: dict[tuple[str, float], Tally] = {}
    for one in searched:
        for source, rules in rules_of(one, model, preset).items():
            for fpir in FPIRS:
                levels = rules.identify(faces=one.faces, fpir=fpir)
                one.tally(levels, tallies.setdefault((source, fpir), Tally()))
    return {
        f"{name}, {source}, FPIR {fpir:g}": figures_of(tally)
        for (source, fpir), tally in tallies.items()
    }


def figures_of(tally: Tally) -> tuple[Figure, ...]:
    """What the decisions say."""
    expected = [one.expected_fpir for one in tally.levels if one.expected_fpir is not None]
    return (
        *_rates(tally),
        _share("wrong name, of enrolled", tally.mates.values(), lambda d: d["wrong"]),
        _share("uncertain, of strangers", tally.strangers.values(), lambda d: d["uncertain"]),
        _share("uncertain, of enrolled", tally.mates.values(), lambda d: d["uncertain"]),
        Figure(
            name="threshold, mean", value=_mean([x.threshold for x in tally.levels]), unit="cosine"
        ),
        Figure(name="FPIR expected at most, mean", value=_mean(expected), unit="share"),
        Figure(
            name="extrapolated, of splits",
            value=_mean([x.is_extrapolated for x in tally.levels]),
            unit="share",
        ),
    )


def _rates(tally: Tally) -> tuple[Figure, Figure]:
    return (
        _share("FPIR", tally.strangers.values(), lambda decisions: decisions["match"]),
        _share("FNIR", tally.mates.values(), lambda d: d.total() - d["match"]),
    )


def _share(
    name: str, people: Iterable[Counter[str]], counted: Callable[[Counter[str]], int]
) -> Figure:
    decisions = list(people)
    accepted = np.array([counted(one) for one in decisions])
    totals = np.array([one.total() for one in decisions])
    low, high = person_interval(accepted, totals)
    value = float(accepted.sum() / totals.sum())
    return Figure(name=name, value=value, unit="share", low=low, high=high)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _curve(
    name: str, searched: Sequence[Searched], model: str, preset: VerificationThresholds | None
) -> Curve:
    """FNIR over FPIR, with the margin to the second that decides everywhere."""
    rates: list[tuple[float, float]] = []
    for threshold in _SWEEP:
        tally = Tally()
        for one in searched:
            for rules in list(rules_of(one, model, preset).values())[:1]:
                one.tally(rules.identify(faces=one.faces, threshold=threshold), tally)
        fpir, fnir = _rates(tally)
        rates.append((fpir.value, fnir.value))
    # A logarithmic scale has no nought.
    shown = [(x, y) for x, y in rates if x > 0]
    return Curve(
        kind="identification",
        name=name,
        x=tuple(x for x, _ in shown),
        y=tuple(y for _, y in shown),
    )


def _marks(name: str, figures: Mapping[str, Sequence[Figure]]) -> list[Curve]:
    """Where the rates asked for came out, by the source of the thresholds."""
    marks: list[Curve] = []
    for source in ("preset", "calibrated"):
        of_source = [rates for group, rates in figures.items() if f", {source}," in group]
        points = [(fpir.value, fnir.value) for fpir, fnir, *_ in of_source if fpir.value > 0]
        if points:
            x, y = zip(*points, strict=True)
            rates = ", ".join(f"{fpir:g}" for fpir in FPIRS)
            told = f"{name}, {source}: {rates}"
            marks.append(Curve(kind="identification", name=told, x=x, y=y, is_points=True))
    return marks
